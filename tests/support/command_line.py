"""What a test of the command line needs: a shell beside `make up`, client certificates, the listener's verdict."""

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.cli.stack import ENFORCED
from infra.local.lab.handshake import connect
from infra.local.lab.pki import PrivateCa
from infra.local.listener.connection_log import serial_text
from tests.support.up import Up

if TYPE_CHECKING:
    from infra.local.server import EmbeddedAws


@dataclass
class Outside:
    """AWS's clients for whoever has sourced env.sh."""

    up: Up

    @cached_property
    def settings(self) -> dict[str, str]:
        """What env.sh exports."""
        lines = shlex.split((self.up.folder / "env.sh").read_text().replace("export ", ""))
        return dict(line.split("=", 1) for line in lines)

    def client(self, service: str) -> Any:  # noqa: ANN401 - of any service
        """Give a client."""
        return boto3.client(
            service,  # type: ignore[call-overload] # any
            endpoint_url=self.settings["AWS_ENDPOINT_URL"],
            region_name=self.settings["AWS_REGION"],
            aws_access_key_id=self.settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.settings["AWS_SECRET_ACCESS_KEY"],
        )


def run(up: Up, command: str, code: int = ENFORCED) -> str:
    """Run the command line, which is to end with this exit code; give what it prints."""
    said = up.sh(f'set +e; {command}\necho "exit $?"')
    ended = re.search(r"^exit (\d+)$", said, re.MULTILINE)
    assert ended is not None, said
    assert int(ended[1]) == code, said
    return said.replace(ended[0], "", 1)


def issued(up: Up, name: str) -> str:
    """Issue a client certificate, which is accepted; give its serial as openssl prints it."""
    outside, pki = Outside(up), up.folder / "pki"
    arn = outside.settings["CERTIFICATE_AUTHORITY_ARN"]
    client = PrivateCa(cast("EmbeddedAws", outside), arn, (pki / "ca.pem").read_text()).issue_client(pki, name)
    certificate = x509.load_pem_x509_certificate(client.certificate_pem)
    client.certificate.with_suffix(".der").write_bytes(certificate.public_bytes(Encoding.DER))
    assert is_accepted(up, name)
    return serial_text(certificate)


def is_accepted(up: Up, name: str) -> bool:
    """Shake hands with the listener."""
    pki, port = up.folder / "pki", int(Outside(up).settings["LISTENER_PORT"])
    return connect(port, pki / f"{name}.pem", pki / f"{name}.key", pki / "ca.pem").accepted
