"""The command line in a shell beside `make up`, client certificates for it, and the listener's verdict on them."""

import re
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.cli.stack import ENFORCED
from infra.local.lab.handshake import connect
from infra.local.lab.pki import PrivateCa
from infra.local.listener.connection_log import serial_text
from tests.support.up import Up

if TYPE_CHECKING:
    from infra.local.server import EmbeddedAws


def run(up: Up, command: str, code: int = ENFORCED) -> str:
    """Run a command, which must end with this exit code; return what it prints."""
    output = up.sh(f'set +e; {command}\necho "exit $?"')
    ended = re.search(r"^exit (\d+)$", output, re.MULTILINE)
    assert ended is not None, output
    assert int(ended[1]) == code, output
    return output.replace(ended[0], "", 1)


def issue_client(up: Up, name: str) -> str:
    """Issue a client certificate, which the listener accepts; return its serial number as openssl prints it."""
    pki, arn = up.folder / "pki", up.environment["CERTIFICATE_AUTHORITY_ARN"]
    client = PrivateCa(cast("EmbeddedAws", up), arn, (pki / "ca.pem").read_text()).issue_client(pki, name)
    certificate = x509.load_pem_x509_certificate(client.certificate_pem)
    client.certificate.with_suffix(".der").write_bytes(certificate.public_bytes(Encoding.DER))
    assert is_accepted(up, name)
    return serial_text(certificate)


def is_accepted(up: Up, name: str) -> bool:
    """Return whether the listener accepts the client in a TLS handshake."""
    pki, port = up.folder / "pki", int(up.environment["LISTENER_PORT"])
    return connect(port, pki / f"{name}.pem", pki / f"{name}.key", pki / "ca.pem").accepted
