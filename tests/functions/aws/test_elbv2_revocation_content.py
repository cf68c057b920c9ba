"""A list is downloaded from a pre-signed URL, which is a secret."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions import limits
from functions.aws import elbv2
from functions.errors import AwsUnavailable, CrlTooLarge
from tests.functions.aws.calls import TRUST_STORE

pytestmark = pytest.mark.usefixtures("steps", "no_retry_delay")


class _Handler(BaseHTTPRequestHandler):
    """Answers with the status and body that a test sets."""

    status, body, length = 200, b"", 0

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.length or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def presigned_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the content of a pre-signed URL and return the URL."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    location = f"http://127.0.0.1:{server.server_port}/list?X-Amz-Signature=secret"
    client = elbv2._elbv2()  # noqa: SLF001
    for call in ("get_trust_store_revocation_content", "get_trust_store_ca_certificates_bundle"):
        monkeypatch.setattr(client, call, lambda **_: {"Location": location})
    yield location
    server.shutdown()
    thread.join()
    server.server_close()


def message_with_causes(error: BaseException | None) -> str:
    """Return the messages of an error and its visible causes."""
    message = ""
    while error is not None:
        message += str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return message


@pytest.mark.usefixtures("presigned_url")
def test_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact bytes are returned."""
    body = b"text\n-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----"
    monkeypatch.setattr(_Handler, "body", body)
    assert elbv2.get_trust_store_revocation_content(TRUST_STORE, 1) == body


@pytest.mark.usefixtures("presigned_url")
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"-----BEGIN X509 CRL-----\nAA=="])
def test_content_without_a_whole_pem_block(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """What a trust store cannot hold is read again: it does not pass for a list of another CA, or an empty bundle."""
    monkeypatch.setattr(_Handler, "body", body)
    with pytest.raises(AwsUnavailable, match=f"reading list 1 of .* gave {len(body)} bytes, and not one whole PEM"):
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    with pytest.raises(AwsUnavailable, match=r"reading the CA bundle of .* gave"):
        elbv2.get_trust_store_ca_certificates_bundle(TRUST_STORE)


@pytest.mark.usefixtures("presigned_url")
def test_presigned_url_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry gets a new URL; the expired one is not in the message."""
    monkeypatch.setattr(_Handler, "status", 403)
    with pytest.raises(AwsUnavailable, match=r"reading list 1 of .* failed: HTTP 403") as raised:
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    assert "secret" not in message_with_causes(raised.value)


@pytest.mark.usefixtures("presigned_url")
def test_content_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A truncated list is refused."""
    monkeypatch.setattr(_Handler, "body", b"half")
    monkeypatch.setattr(_Handler, "length", 8)
    with pytest.raises(AwsUnavailable, match=r"reading list 1 of .* failed: ProtocolError") as raised:
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    assert "secret" not in message_with_causes(raised.value)


def test_presigned_url_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL is a secret, also in the cause of the error."""
    client = elbv2._elbv2()  # noqa: SLF001
    response = {"Location": "http://127.0.0.1:9/list?X-Amz-Signature=secret"}
    monkeypatch.setattr(client, "get_trust_store_revocation_content", lambda **_: response)
    with pytest.raises(AwsUnavailable, match="failed: NewConnectionError") as raised:
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    assert "secret" not in message_with_causes(raised.value)


@pytest.mark.usefixtures("presigned_url")
def test_content_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most the size of a list that a trust store accepts is read."""
    monkeypatch.setattr(_Handler, "body", b"12345")
    monkeypatch.setattr(limits, "MAX_CRL_BYTES", 4)
    with pytest.raises(CrlTooLarge, match=r"list 1 of .* is larger than 4 bytes"):
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
