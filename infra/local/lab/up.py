"""`make up`: the embedded AWS in the foreground, with all that a revocation needs, until Ctrl-C."""

import argparse
import shlex
import shutil
import signal
import sys
import threading
from pathlib import Path

from functions.pki import serial_number
from infra.local.core.settings import Settings
from infra.local.lab.lab import Laboratory, laboratory
from infra.local.server import EmbeddedAws, PortTaken


def main() -> int:
    """Bring it up, say what to try, and wait for Ctrl-C."""
    options = _options()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = Settings()
    settings.private_ca.crl_after_seconds = options.crl_after
    try:
        with EmbeddedAws(settings, port=options.port) as aws:  # of two on one port, only the first gets further
            _run(aws, options, stop)
    except PortTaken as taken:
        print(f"make up: {taken}", file=sys.stderr)
        return 1
    return 0


def _run(aws: EmbeddedAws, options: argparse.Namespace, stop: threading.Event) -> None:
    pki, environment = options.folder / "pki", options.folder / "env.sh"
    shutil.rmtree(pki, ignore_errors=True)
    with laboratory(aws, pki, root_alone=options.root_alone, listener_port=options.listener_port) as made:
        _write_environment(environment, made)
        try:
            print(_welcome(made, environment), flush=True)
            stop.wait()
        finally:
            environment.unlink(missing_ok=True)
        print("\nGoing down.", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="of the AWS endpoint; loopback alone (default 4566)")
    parser.add_argument("--listener-port", type=int, default=0, help="of the mTLS listener (default: a free one)")
    parser.add_argument("--crl-after", type=float, default=2.0, help="seconds from a revocation to its CRL (default 2)")
    parser.add_argument("--root-alone", action="store_true", help="leave the issuing CA out of the trust store")
    parser.add_argument(
        "--folder", type=Path, default=Path(".embedded"), help="for env.sh and pki/ (default .embedded)"
    )
    return parser.parse_args()


def _write_environment(path: Path, made: Laboratory) -> None:
    lines = (f"export {name}={shlex.quote(value)}" for name, value in made.environment().items())
    path.write_text("\n".join(lines) + "\n")


def _welcome(made: Laboratory, environment: Path) -> str:
    pki = made.folder
    mallory = made.clients["mallory"]
    return f"""The embedded AWS is up at {made.aws.endpoint_url}, the mTLS listener at https://localhost:{made.listener.port}.
Clients: {", ".join(made.clients)} in {pki}/ (a certificate with its CA, and a key, each).

Try, in another shell (.venv/bin/aws is an aws command line, if you have none):

  . {environment}

  # mallory is let in
  curl --cacert {pki}/ca.pem --cert {pki}/mallory.pem --key {pki}/mallory.key https://localhost:$LISTENER_PORT

  # revoke mallory's certificate, and see what becomes of it
  aws stepfunctions start-execution --state-machine-arn $STATE_MACHINE_ARN \\
      --input '{{"Serials": ["{serial_number.to_hex(mallory.serial)}"]}}'
  aws stepfunctions list-executions --state-machine-arn $STATE_MACHINE_ARN
  aws s3 ls --recursive s3://$WORKFLOW_BUCKET/executions/

  # then try the curl again; or all of it on the command line
  .venv/bin/revocation plan --certificate {pki}/bob.pem

  # or ask for it by an event; or revoke at Private CA alone, and see the trust store follow by itself
  aws events put-events --entries '[{{"EventBusName": "{made.outputs["EventBusName"]}", "Source": "me",
      "DetailType": "Client Certificate Revocation Requested",
      "Detail": "{{\\"Serials\\": [\\"{serial_number.to_hex(made.clients["bob"].serial)}\\"]}}"}}]'
  aws acm-pca revoke-certificate --certificate-authority-arn $CERTIFICATE_AUTHORITY_ARN \\
      --certificate-serial {serial_number.to_hex(made.clients["alice"].serial)} --revocation-reason SUPERSEDED

Ctrl-C ends it."""


if __name__ == "__main__":
    sys.exit(main())
