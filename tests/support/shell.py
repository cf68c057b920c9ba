"""A shell that has sourced env.sh, the command line in this process next to it, and client certificates for both."""

import contextlib
import functools
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import click
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from functions.aws import acm_pca, elbv2, s3
from functions.environment import environment
from infra.cli import commands
from infra.cli.stack import ENFORCED
from infra.local.lab.handshake import connect
from infra.local.lab.pki import PrivateCa
from infra.local.listener.connection_log import serial_text
from tests.support.waiting import eventually


@dataclass
class Shell:
    """A shell in a folder with env.sh and pki/."""

    folder: Path

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a script in a shell that has sourced env.sh, with the project's aws on its path; return its output."""
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f". env.sh\n{script}"],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if check:
            assert ran.returncode == 0, ran.stdout + ran.stderr
        return (ran.stdout + ran.stderr).strip()

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a shell before it sources env.sh."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "PYTHONWARNINGS": "ignore"}

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables that env.sh exports."""
        lines = shlex.split((self.folder / "env.sh").read_text().replace("export ", ""))
        return dict(line.split("=", 1) for line in lines)

    @cached_property
    def session(self) -> boto3.Session:
        """The session of the commands in this process; it reads boto3's data once."""
        return boto3.Session()

    def client(self, service: str) -> Any:  # noqa: ANN401 - the client of any service
        """Return a client that is configured by env.sh."""
        return boto3.client(
            service,  # type: ignore[call-overload] # any service
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def until(self, script: str, pattern: str) -> str:
        """Run a script repeatedly until its output matches; return that output."""

        def matching() -> str | None:
            output = self.sh(script, check=False)
            return output if re.search(pattern, output) else None

        return eventually(matching, every=0.5, expected=f"{pattern} from {script}")


def run_in_shell(shell: Shell, command: str, code: int = ENFORCED) -> str:
    """Run a command in a shell, which must end with this exit code; return what it prints."""
    output = shell.sh(f'set +e; {command}\necho "exit $?"')
    ended = re.search(r"^exit (\d+)$", output, re.MULTILINE)
    assert ended is not None, output
    assert int(ended[1]) == code, output
    return output.replace(ended[0], "", 1)


def run(shell: Shell, arguments: str, code: int = ENFORCED, stdin: str | bytes = "", **variables: str) -> str:
    """Run `revocation` in this process, as `run_in_shell` does in a shell; return what it prints.

    Quotes and variables of env.sh are those of a shell; `variables` are set for this command alone.
    """
    return _invoke(shell, arguments, code, stdin, variables).output


def run_json(shell: Shell, arguments: str, code: int = ENFORCED, stdin: str | bytes = "") -> Any:  # noqa: ANN401 - JSON
    """Run `revocation … --json` as `run` does; return what it prints to standard output."""
    return json.loads(_invoke(shell, f"{arguments} --json", code, stdin, {}).stdout)


def _invoke(shell: Shell, arguments: str, code: int, stdin: str | bytes, variables: dict[str, str]) -> Result:
    with contextlib.ExitStack() as process:
        process.enter_context(contextlib.chdir(shell.folder))
        process.enter_context(patch.dict(os.environ, {**shell.environment, **variables}))
        process.enter_context(patch.object(boto3, "DEFAULT_SESSION", shell.session))
        process.callback(environment.cache_clear)
        for module, name in ((acm_pca, "_acm_pca"), (elbv2, "_elbv2"), (s3, "_s3")):  # clients of this process alone
            process.enter_context(patch.object(module, name, functools.cache(getattr(module, name).__wrapped__)))
        typed = shlex.split(os.path.expandvars(arguments))
        process.enter_context(patch.object(sys, "argv", ["revocation", *typed]))
        result = CliRunner().invoke(click.Command("revocation", callback=commands.main), [], stdin)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def issue_client(shell: Shell, name: str) -> str:
    """Issue a client certificate, which the listener accepts; return its serial number as openssl prints it."""
    pki, arn = shell.folder / "pki", shell.environment["CERTIFICATE_AUTHORITY_ARN"]
    client = PrivateCa(shell, arn, (pki / "ca.pem").read_text()).issue_client(pki, name)
    certificate = x509.load_pem_x509_certificate(client.certificate_pem)
    client.certificate.with_suffix(".der").write_bytes(certificate.public_bytes(Encoding.DER))
    assert is_accepted(shell, name)
    return serial_text(certificate)


def is_accepted(shell: Shell, name: str) -> bool:
    """Return whether the listener accepts the client in a TLS handshake."""
    pki, port = shell.folder / "pki", int(shell.environment["LISTENER_PORT"])
    return connect(port, pki / f"{name}.pem", pki / f"{name}.key", pki / "ca.pem").accepted
