"""`make up` as a process, the command line in a shell next to it, and client certificates for both."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.cli.stack import ENFORCED
from infra.local.lab.handshake import connect
from infra.local.lab.pki import PrivateCa
from infra.local.listener.connection_log import serial_text

ROOT = Path(__file__).parents[2]


@dataclass
class Up:
    """A running `make up`, and a shell next to it."""

    process: subprocess.Popen[str]
    folder: Path
    welcome: str
    reader: threading.Thread

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a script in a shell that has sourced env.sh, with the project's aws on its path; return its output."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f". env.sh\n{script}"],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if check:
            assert ran.returncode == 0, ran.stdout + ran.stderr
        return (ran.stdout + ran.stderr).strip()

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables that env.sh exports."""
        lines = shlex.split((self.folder / "env.sh").read_text().replace("export ", ""))
        return dict(line.split("=", 1) for line in lines)

    def client(self, service: str) -> Any:  # noqa: ANN401 - the client of any service
        """Return a client that is configured by env.sh."""
        return boto3.client(
            service,  # type: ignore[call-overload] # any service
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def until(self, script: str, pattern: str, seconds: float = 30) -> str:
        """Run a script repeatedly until its output matches; return that output."""
        for _ in range(int(seconds * 2)):
            if re.search(pattern, output := self.sh(script, check=False)):
                return output
            time.sleep(0.5)
        raise AssertionError(f"{script} never printed {pattern}, but {output}")


def bring_up(folder: Path, *options: str) -> Up:
    """Start `make up`'s program and wait for the end of its welcome."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.lab.up", "--port", "0", "--folder", str(folder), *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            break
    else:
        process.stdout.close()
        process.wait(20)
        raise AssertionError("".join(lines))
    # Keep reading its output, as it would block once the pipe is full.
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    return Up(process, folder, "".join(lines), reader)


def bring_down(up: Up) -> int:
    """Send the signal that Ctrl-C sends; return the exit code."""
    up.process.send_signal(signal.SIGINT)
    code = up.process.wait(20)
    up.reader.join(20)
    assert up.process.stdout is not None
    up.process.stdout.close()
    return code


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
    client = PrivateCa(up, arn, (pki / "ca.pem").read_text()).issue_client(pki, name)
    certificate = x509.load_pem_x509_certificate(client.certificate_pem)
    client.certificate.with_suffix(".der").write_bytes(certificate.public_bytes(Encoding.DER))
    assert is_accepted(up, name)
    return serial_text(certificate)


def is_accepted(up: Up, name: str) -> bool:
    """Return whether the listener accepts the client in a TLS handshake."""
    pki, port = up.folder / "pki", int(up.environment["LISTENER_PORT"])
    return connect(port, pki / f"{name}.pem", pki / f"{name}.key", pki / "ca.pem").accepted
