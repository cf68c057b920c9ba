"""The client's side of mutual TLS: connects and reports whether the certificate was accepted."""

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class Handshake:
    """The result for the client: accepted or not, with detail, and the serial number that the server saw."""

    accepted: bool
    detail: str
    serial: int | None = None


def connect(port: int, cert_path: Path, key_path: Path, ca_path: Path) -> Handshake:
    """Connect to a server on this machine, request `/`, and return whether it responded.

    A TLS 1.3 client completes its handshake before the server verifies its certificate, so only a response shows that
    it was accepted (RFC 8446, 4.4.2.4 and 6.2).

    Raises:
        ssl.SSLCertVerificationError: the client does not trust the server; its own certificate was not verified.
        ConnectionRefusedError: the port is closed.

    """
    context = ssl.create_default_context(cafile=ca_path)
    context.load_cert_chain(cert_path, key_path)
    connection = http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT_SECONDS, context=context)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        body = response.read()
    except (ssl.SSLCertVerificationError, ConnectionRefusedError):
        raise
    except ssl.SSLError as error:
        return Handshake(accepted=False, detail=error.reason or str(error))
    except (http.client.HTTPException, OSError) as error:
        return Handshake(accepted=False, detail=str(error) or type(error).__name__)
    finally:
        connection.close()
    serial = (
        json.loads(body).get("X-Amzn-Mtls-Clientcert-Serial-Number") if response.status == http.HTTPStatus.OK else None
    )
    return Handshake(
        accepted=response.status == http.HTTPStatus.OK,
        detail=f"HTTP {response.status}",
        serial=int(serial, 16) if serial else None,
    )
