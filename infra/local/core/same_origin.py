"""Refuse requests that a web page from elsewhere may have sent to a local HTTP server.

The embedded AWS runs code, and a browser lets any page send requests to this machine. Headers that a page cannot
change show where a request comes from: Host shows a page whose own name was made to resolve to this machine
(DNS rebinding), Origin and Sec-Fetch-Site show all others. AWS's own tools send neither of the last two.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

LOCAL_HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9._-]+\.)?localhost)(:[0-9]+)?", re.IGNORECASE)
OWN_SITES = (None, "none", "same-origin")  # absent from tools; "none" is what a user typed into the address bar

# nosniff: the text repeats what was sent, and must never be taken for HTML.
HEADERS = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))


def refusal(host: str | None, origin: str | None, site: str | None) -> str | None:
    """Return why a request with these Host, Origin and Sec-Fetch-Site headers is refused; None if it is not."""
    if host is None:
        return "Refused: the request has no Host header, so it may have been meant for another server.\n"
    if not LOCAL_HOST.fullmatch(host):
        return (
            f"Refused: the Host header is {host!r}, but this server answers only to 127.0.0.1, [::1], localhost and "
            "names that end in .localhost. Another name may belong to a web page that wants to reach this machine.\n"
        )
    own = f"http://{host}"
    if origin is not None and origin.lower() != own.lower():
        return (
            f"Refused: the Origin header is {origin!r}, but this server takes requests only from tools, which send "
            f"none, and from its own origin, {own!r}. No other web page may use it.\n"
        )
    if site not in OWN_SITES:
        return (
            f"Refused: the Sec-Fetch-Site header is {site!r}, so a web page of another origin made the browser send "
            "this request. No other web page may use this server.\n"
        )
    return None


class SameOrigin:
    """A WSGI application that passes on requests of its own origin, and lets no other origin read a response."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Wrap a WSGI application."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one request."""
        reason = refusal(*(environ.get(f"HTTP_{name}") for name in ("HOST", "ORIGIN", "SEC_FETCH_SITE")))
        if reason is not None:
            body = reason.encode()
            start_response("403 Forbidden", [*HEADERS, ("Content-Length", str(len(body)))])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - WSGI's own
            # moto's come from flask_cors, for any origin, and from the CORS configurations of S3 buckets.
            kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
            return start_response(status, kept, *more)

        return self._application(environ, start)
