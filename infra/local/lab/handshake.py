"""The client's side of mutual TLS: whether a certificate is let in."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

SECONDS = 15.0


@dataclass(frozen=True)
class Handshake:
    """What a client met: let in or not, in words, and the serial number that the server saw."""

    accepted: bool
    detail: str
    serial: int | None = None
    tls_version: str | None = None


def connect(port: int, cert_path: Path, key_path: Path, ca_path: Path, server_name: str = "localhost") -> Handshake:
    """Shake hands with a server on this machine, ask it for `/`, and read its answer.

    A TLS 1.3 client has finished before the server has looked at its certificate, so only an answer tells that it
    was let in (RFC 8446, 4.4.2.4 and 6.2).

    Raises:
        ssl.SSLCertVerificationError: the client does not trust the server, which says nothing about the client.
        ConnectionRefusedError: nobody listens.

    """
    context = ssl.create_default_context(cafile=ca_path)
    context.load_cert_chain(cert_path, key_path)
    connection = _Connection(server_name, port, context)
    try:
        connection.connect()
        version = connection.sock.version()
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read()
    except (ssl.SSLCertVerificationError, ConnectionRefusedError):
        raise
    except ssl.SSLError as error:
        return Handshake(accepted=False, detail=error.reason or str(error))
    except (http.client.HTTPException, OSError) as error:
        return Handshake(accepted=False, detail=str(error) or type(error).__name__)
    finally:
        connection.close()
    serial = (
        json.loads(body).get("X-Amzn-Mtls-Clientcert-Serial-Number") if answer.status == http.HTTPStatus.OK else None
    )
    return Handshake(
        accepted=answer.status == http.HTTPStatus.OK,
        detail=f"HTTP {answer.status}",
        serial=int(serial, 16) if serial else None,
        tls_version=version,
    )


class _Connection(http.client.HTTPSConnection):
    """HTTPS to this machine, whatever name the server's certificate has to show."""

    def __init__(self, server_name: str, port: int, context: ssl.SSLContext) -> None:
        """Do not connect yet."""
        super().__init__(server_name, port, timeout=SECONDS, context=context)
        self._tls_context = context

    def connect(self) -> None:
        """Connect and shake hands."""
        plain = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls_context.wrap_socket(plain, server_hostname=self.host)
