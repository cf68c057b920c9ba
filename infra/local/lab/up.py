"""`make up`: runs the embedded AWS in the foreground, with everything that a revocation needs, until Ctrl-C."""

import argparse
import contextlib
import fcntl
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from functions.pki import serial_number
from infra.local.core.settings import Settings
from infra.local.lab.lab import STARTING, Lab, deployed_lab
from infra.local.server import EmbeddedAws, PortTaken


class FolderTaken(RuntimeError):
    """Another process uses the folder for its keys and its env.sh."""


def main() -> int:
    """Start the lab, print what to try, and wait for Ctrl-C."""
    options = _options()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = Settings()
    settings.private_ca.crl_delay_seconds = options.crl_after
    try:
        with _lock(options.folder), EmbeddedAws(settings, port=options.port) as aws:
            _run(aws, options, stop)
    except (FolderTaken, PortTaken) as error:  # before any file of another instance is touched
        print(f"make up: {error}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:  # the lock ends with the process, however it ends
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTaken(f"another one uses {folder}: stop it, or choose another with --folder") from None
        yield


def _run(aws: EmbeddedAws, options: argparse.Namespace, stop: threading.Event) -> None:
    pki, environment = options.folder / "pki", options.folder / "env.sh"
    shutil.rmtree(pki, ignore_errors=True)
    print(STARTING, flush=True)
    with deployed_lab(aws, pki, root_alone=options.root_alone, listener_port=options.listener_port) as lab:
        write_environment(environment, lab)
        try:
            print(_welcome(lab, environment), flush=True)
            stop.wait()
        finally:
            environment.unlink(missing_ok=True)
        print("\nStopping.", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="port of the AWS endpoint on loopback (default 4566)")
    parser.add_argument("--listener-port", type=int, default=0, help="port of the mTLS listener (default: a free one)")
    parser.add_argument("--crl-after", type=float, default=2.0, help="seconds from a revocation to its CRL (default 2)")
    parser.add_argument("--root-alone", action="store_true", help="leave the issuing CA out of the trust store")
    parser.add_argument(
        "--folder", type=Path, default=Path(".embedded"), help="folder for env.sh and pki/ (default .embedded)"
    )
    return parser.parse_args()


def write_environment(path: Path, lab: Lab) -> None:
    """Write a file that a shell sources to work with the lab."""
    lines = (f"export {name}={shlex.quote(value)}" for name, value in lab.environment().items())
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)  # it holds the access key
    path.write_text("\n".join(lines) + "\n")


def _welcome(lab: Lab, environment: Path) -> str:
    pki = lab.folder
    mallory = lab.clients["mallory"]
    return f"""The embedded AWS is running at {lab.aws.endpoint_url}, the mTLS listener at https://localhost:{lab.listener.port}.
Clients: {", ".join(lab.clients)}, with certificate and key files in {pki}/.

Try this in another shell (.venv/bin/aws is the AWS CLI, if it is not installed):

  . {environment}

  # mallory is accepted
  curl --cacert {pki}/ca.pem --cert {pki}/mallory.pem --key {pki}/mallory.key https://localhost:$LISTENER_PORT

  # revoke mallory's certificate, and look at the execution and its report
  aws stepfunctions start-execution --state-machine-arn $STATE_MACHINE_ARN \\
      --input '{{"Serials": ["{serial_number.to_hex(mallory.serial)}"]}}'
  aws stepfunctions list-executions --state-machine-arn $STATE_MACHINE_ARN
  aws s3 ls --recursive s3://$WORKFLOW_BUCKET/executions/

  # try the curl command again; or use the project's own command line
  .venv/bin/revocation plan --certificate {pki}/bob.pem

  # or request a revocation by an event; or revoke at Private CA only, and the trust store follows automatically
  aws events put-events --entries '[{{"EventBusName": "{lab.outputs["EventBusName"]}", "Source": "me",
      "DetailType": "Client Certificate Revocation Requested",
      "Detail": "{{\\"Serials\\": [\\"{serial_number.to_hex(lab.clients["bob"].serial)}\\"]}}"}}]'
  aws acm-pca revoke-certificate --certificate-authority-arn $CERTIFICATE_AUTHORITY_ARN \\
      --certificate-serial {serial_number.to_hex(lab.clients["alice"].serial)} --revocation-reason SUPERSEDED

Ctrl-C stops it."""


if __name__ == "__main__":
    sys.exit(main())
