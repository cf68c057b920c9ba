"""A listener in mode `verify`: a real TLS socket that verifies each client against the current trust store.

Revocation is checked only in the handshake, so open connections stay, as on AWS. If a certificate is refused, the
connection is reset without an alert, as AWS's TLS library does (aws/s2n-tls, tls/s2n_alerts.c); the reason is only in
the connection log.
"""

import json
import secrets
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from infra.local.core.settings import Settings
from infra.local.elbv2.trust_store import TrustSnapshot
from infra.local.listener.connection_log import Connection, ConnectionLog, serial_text
from infra.local.listener.tls_socket import TlsSocket
from infra.local.listener.verification import ClientVerification, Failure

HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 60.0  # a load balancer's idle_timeout.timeout_seconds
MAX_CHAIN_DEPTH = 4  # aws: load-balancer-limits
MAX_REQUEST_BYTES = 64 * 1024
_CLOSING_SECONDS = 2.0


@dataclass(frozen=True)
class ServerCertificate:
    """The listener's own certificate with its chain, and its key, as PEM."""

    chain_pem: bytes
    key_pem: bytes


class Listener:
    """An HTTPS listener on this machine, which serves until `close`."""

    def __init__(
        self,
        take_snapshot: Callable[[], TrustSnapshot],
        certificate: ServerCertificate,
        settings: Settings,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        """Listen on `port` of 127.0.0.1, or on a free one; `take_snapshot` is called at each handshake."""
        key = load_pem_private_key(certificate.key_pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise TypeError(f"a listener takes RSA and ECDSA keys, not {type(key).__name__}")
        self.log = ConnectionLog(log)
        self.handshake_seconds = HANDSHAKE_SECONDS
        self._key = key
        self._chain = x509.load_pem_x509_certificates(certificate.chain_pem)
        self._take_snapshot = take_snapshot
        self._settings = settings
        self._server = _Server(("127.0.0.1", port), self._serve)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name=f"listener-{self.port}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end the open connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        """Serve while the block runs."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _serve(self, client: socket.socket, address: tuple[str, int]) -> None:
        """Serve one client: handshake, log line, requests."""
        started, clock = datetime.now(UTC), time.monotonic()
        verification = ClientVerification(self._take_snapshot(), self._settings.trust_stores)
        tls = TlsSocket(self._context(verification), client)
        try:
            tls.handshake(self.handshake_seconds)
            # OpenSSL calls back for every chain; if it ever did not, the client would be refused.
            failure = verification.failure
        except (SSL.Error, OSError):
            failure = verification.failure or Failure.UNMAPPED
        self.log.write(
            Connection(
                time=started,
                client_ip=address[0],
                client_port=address[1],
                listener_port=self.port,
                tls_protocol=tls.protocol,
                tls_cipher=tls.connection.get_cipher_name(),
                handshake_seconds=None if failure else time.monotonic() - clock,
                certificate=verification.leaf,
                verify_status=f"Failed:{failure}" if failure else "Success",
                trace_id=f"TID_{secrets.token_hex(16)}",
                key_exchange=None if failure else tls.connection.get_group_name(),
            )
        )
        if verification.leaf is None:
            tls.end()
        elif failure:
            tls.reset()
        else:
            _serve_requests(tls, verification.leaf)
            tls.end()

    def _context(self, verification: ClientVerification) -> SSL.Context:
        """Return the TLS context of one handshake; it is not shared, so no session can be resumed."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET)
        context.use_certificate(self._chain[0])
        context.use_privatekey(self._key)
        for certificate in self._chain[1:]:
            context.add_extra_chain_cert(certificate)
        store = context.get_cert_store()
        if store is None:
            raise RuntimeError("the new TLS context has no certificate store")
        # As in s2n-tls, any certificate of the bundle is an anchor, not only self-signed ones.
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        for certificate in verification.anchors:
            store.add_cert(crypto.X509.from_cryptography(certificate))
        context.set_verify_depth(MAX_CHAIN_DEPTH)
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
            lambda _tls, certificate, error, depth, is_valid: verification.verify_step(
                certificate.to_cryptography(), error, depth, is_valid=bool(is_valid)
            ),
        )
        return context


class _Server(socketserver.ThreadingTCPServer):
    """The listening socket, with a daemon thread for each client."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket, tuple[str, int]], None]) -> None:
        """Listen; `serve` is called for each client."""
        super().__init__(address, socketserver.BaseRequestHandler)
        self._serve = serve
        self._open: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Serve one client, in its thread."""
        self._open.add(request)
        try:
            self._serve(request, client_address)
        finally:
            self._open.discard(request)

    def end_connections(self) -> None:
        """End the open connections and wait for their threads."""
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _CLOSING_SECONDS
        while self._open and time.monotonic() < deadline:
            time.sleep(0.01)


def _serve_requests(tls: TlsSocket, leaf: x509.Certificate) -> None:
    """Serve HTTP/1.1 requests, one after the other, until the client closes the connection.

    The response has the X-Amzn-Mtls headers with which a load balancer identifies the client to its target.
    """
    identity = {
        "X-Amzn-Mtls-Clientcert-Serial-Number": serial_text(leaf),
        "X-Amzn-Mtls-Clientcert-Subject": leaf.subject.rfc4514_string(),
        "X-Amzn-Mtls-Clientcert-Issuer": leaf.issuer.rfc4514_string(),
    }
    body = json.dumps({"accepted": True, **identity}).encode()
    received = b""
    with suppress(SSL.Error, OSError):
        while True:
            while b"\r\n\r\n" not in received and len(received) <= MAX_REQUEST_BYTES:
                chunk = tls.read(IDLE_SECONDS)
                if not chunk:
                    return
                received += chunk
            head, _, received = received.partition(b"\r\n\r\n")
            method, headers = _read_head(head)
            received = _skip_body(tls, received, int(headers.get("content-length", "0")))
            is_kept_open = headers.get("connection", "").lower() != "close"
            response_headers = {
                **identity,
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "keep-alive" if is_kept_open else "close",
            }
            lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in response_headers.items())]
            response = "\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else body)
            tls.write(response, IDLE_SECONDS)
            if not is_kept_open:
                return


def _read_head(head: bytes) -> tuple[str, dict[str, str]]:
    request, *lines = head.decode("latin-1").split("\r\n")
    headers = (line.partition(":") for line in lines)
    return request.partition(" ")[0], {name.lower(): value.strip() for name, _, value in headers}


def _skip_body(tls: TlsSocket, received: bytes, length: int) -> bytes:
    while len(received) < length:
        chunk = tls.read(IDLE_SECONDS)
        if not chunk:
            return b""
        received += chunk
    return received[length:]
