"""Puts one fault into one call of an execution: which calls there are, and what happens to the one that is chosen."""

import contextlib
import io
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from werkzeug.test import run_wsgi_app

from infra.local.core.requests import ServiceError, SignedRequest, error_response, parse_signed_request
from infra.local.core.settings import Settings
from infra.local.iam import enforcement
from infra.local.iam.middleware import AuthorizationMiddleware
from infra.local.lambda_ import service as lambda_service

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
TIMEOUT_SECONDS = 4
_READS = ("Get", "Describe", "List", "Head")


class Kind(StrEnum):
    """What happens to the call."""

    THROTTLED = "throttled once"
    SERVER_FAULT = "500 once"
    RESET = "reset before the effect"
    LOST = "effect done and answer lost"
    TIMED_OUT = "function timed out during the call"
    KILLED = "function killed during the call"
    REFUSED = "refused for ever"
    EMPTY = "empty answer"
    CUT = "cut body"
    STALE = "stale read"


@dataclass(frozen=True)
class Call:
    """The n-th call of an action by a function."""

    function: str
    action: str
    number: int

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.action.partition(":")[2].startswith(_READS)


@dataclass
class Interceptor:
    """Stands before the embedded AWS: records the calls of functions, and puts the fault into one of them."""

    settings: Settings
    calls: list[Call] = field(default_factory=list)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _cell: tuple[Call, Kind] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answers: dict[tuple[str, str, bytes], tuple[Any, str, Any]] = field(default_factory=dict)

    @contextmanager
    def armed(self, call: Call | None, kind: Kind | None) -> Iterator[None]:
        """Count calls anew, and put a fault into one of them while the block runs."""
        with self._lock:
            self.calls, self._counts = [], Counter()
            self._cell = (call, kind) if call and kind else None
        functions = [
            each
            for each in lambda_service._backend().list_functions()  # noqa: SLF001 - nothing else needs it
            if kind is Kind.TIMED_OUT and call and f"-{call.function}Function-" in each.function_name
        ]
        usual = [each.timeout for each in functions]
        for each in functions:
            each.timeout = TIMEOUT_SECONDS
        try:
            yield
        finally:
            self._cell = None
            for each, timeout in zip(functions, usual, strict=True):
                each.timeout = timeout

    def handle(self, application: Application, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        request = parse_signed_request(environ, self.settings)
        function = _function_of(request) if request else None
        if request is None or function is None:
            return application(environ, start)
        kind = self._take(function, request.action)
        key = (request.action, request.resource, _body(environ))
        if kind in (None, Kind.STALE):
            earlier = self._answers.get(key) if kind is Kind.STALE else None
            body, status, headers = earlier or run_wsgi_app(application, environ, buffered=True)
            content = b"".join(body)
            self._answers.setdefault(key, ([content], status, headers))
            return _answer(start, content, status, headers)
        if kind in (Kind.TIMED_OUT, Kind.KILLED):
            _end(function, kind)
        if error := _error(kind, request.service):
            return _refuse(start, request, error)
        return _break(kind, application, environ, start)

    def _take(self, function: str, action: str) -> Kind | None:
        with self._lock:
            self._counts[function, action] += 1
            call = Call(function, action, self._counts[function, action])
            self.calls.append(call)
            if self._cell is None:
                return None
            wanted, kind = self._cell
            is_later = (call.function, call.action) == (wanted.function, wanted.action) and call.number > wanted.number
            return kind if call == wanted or (kind is Kind.REFUSED and is_later) else None


def _function_of(request: SignedRequest) -> str | None:
    """Return which function of the stack has signed a request: its role has its name."""
    with enforcement.authenticate(request) as caller:
        role = caller.role_name if caller else ""
    return role.split("FunctionRole")[0].rpartition("-")[2] if "FunctionRole" in role else None


def _break(kind: Kind, application: Application, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
    """Handle a request, unless it is not to have an effect, and spoil the answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    if kind in (Kind.LOST, Kind.EMPTY, Kind.CUT):
        body, status, headers = run_wsgi_app(application, environ, buffered=True)
        content = b"".join(body)
        others = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if kind is Kind.EMPTY:
            return _answer(start, b"", "200 OK", [*others, ("Content-Length", "0")])
        if kind is Kind.CUT:
            start(status, [*others, ("Content-Length", str(max(2, len(content))))])
            return _cut(connection, content)
    _hang_up(connection)
    start("200 OK", [])
    return []


def _error(kind: Kind, service: str) -> ServiceError | None:
    """Return the error that the service answers with, if it answers."""
    if kind is Kind.THROTTLED:
        return ServiceError("SlowDown" if service == "s3" else "ThrottlingException", "Rate exceeded")
    if kind is Kind.SERVER_FAULT:
        return ServiceError("InternalFailure", "An internal error", status=500)
    return ServiceError("AccessDenied", "Not authorized", status=403) if kind is Kind.REFUSED else None


def _end(function: str, kind: Kind) -> None:
    """Kill the function's process, or hold its request until Lambda does."""
    if kind is Kind.KILLED:
        _kill(function)
    threading.Event().wait(TIMEOUT_SECONDS + 2 if kind is Kind.TIMED_OUT else 0.2)


def _body(environ: dict[str, Any]) -> bytes:
    """Return the body of a request, which stays readable; that of S3 may be large and is left alone."""
    stream = environ["wsgi.input"]
    if not isinstance(stream, io.BytesIO):
        return str(sorted((k, v) for k, v in environ.items() if k in ("QUERY_STRING", "HTTP_RANGE"))).encode()
    return stream.getvalue()


def _answer(start: StartResponse, content: bytes, status: str, headers: Any) -> Iterable[bytes]:  # noqa: ANN401 - of WSGI
    start(status, list(headers))
    return [content]


def _refuse(start: StartResponse, request: SignedRequest, error: ServiceError) -> Iterable[bytes]:
    status, headers, content = error_response(request, error)
    return _answer(start, content, f"{status} Refused", headers.items())


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the function was killed and its connection closed
        connection.shutdown(socket.SHUT_RDWR)


def _cut(connection: socket.socket, content: bytes) -> Iterator[bytes]:
    yield content[: max(1, len(content) // 2)] or b"\0"
    _hang_up(connection)


def _kill(function: str) -> None:
    """Kill the processes that run this function now, as Lambda does when the memory is used up."""
    pool = lambda_service._require_pool()  # noqa: SLF001 - nothing else needs it
    for arn, running in list(pool._busy.items()):  # noqa: SLF001
        if f"-{function}Function-" in arn:
            for warm in list(running):
                warm.environment._process.kill()  # noqa: SLF001


@contextmanager
def intercepted(settings: Settings) -> Iterator[Interceptor]:
    """Put an interceptor before the embedded AWS while the block runs; a call that is held ends the function."""
    interceptor, original = Interceptor(settings), AuthorizationMiddleware.__call__

    def handle(self: AuthorizationMiddleware, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        return interceptor.handle(lambda e, s: original(self, e, s), environ, start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AuthorizationMiddleware, "__call__", handle)
        yield interceptor


def cells(calls: Iterable[Call]) -> list[tuple[Call, Kind]]:
    """Return each fault that makes sense in the first and the last call of each action by each function."""
    last = {(call.function, call.action): call.number for call in calls}
    numbers = sorted({Call(*key, number) for key, most in last.items() for number in (1, most)}, key=repr)
    return [(call, kind) for call in numbers for kind in Kind if kind is not Kind.STALE or call.is_read]


def sample(found: list[tuple[Call, Kind]], number: int | None) -> list[tuple[Call, Kind]]:
    """Return this many of the cells, the same in each run, or all."""
    if number is None:
        return found
    return random.Random(repr(found)).sample(found, min(number, len(found)))  # noqa: S311 - not a secret
