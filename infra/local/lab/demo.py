"""`make demo`: a stolen client certificate is accepted, revoked by the state machine, and refused."""

import contextlib
import json
import shlex
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from functions.pki import serial_number
from infra.cli.follow import StateVisit
from infra.local.core.settings import Settings
from infra.local.lab.handshake import Handshake, connect
from infra.local.lab.lab import Laboratory, laboratory
from infra.local.lab.watch import watch
from infra.local.server import EmbeddedAws

STOLEN, HONEST = "mallory", "alice"
_VERIFY_STATUS = 10  # tls_verify_status, the eleventh field of a connection log line


def main() -> int:
    """Show it, and exit 0 only if all of it was so."""
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        console.print(
            "An embedded AWS comes up: Private CA, trust store, listener, and the stack of infra/template.yaml."
        )
        aws = stack.enter_context(EmbeddedAws(Settings()))
        aws.settings.events.s3_notifications = False  # one execution is shown: none starts by itself beside it
        made = stack.enter_context(laboratory(aws, Path(folder) / "pki"))
        began = time.monotonic()
        shown = _show(console, made)
        console.print(f"\n{'All of it was so' if shown else 'NOT all of it was so'}: {time.monotonic() - began:.1f} s.")
    return int(not shown)


def _show(console: Console, made: Laboratory) -> bool:
    before = [_handshake(console, made, STOLEN), _handshake(console, made, HONEST)]
    _no_crl_before_the_first_look(made)
    serial = serial_number.to_hex(made.clients[STOLEN].serial)
    wanted = json.dumps({"Serials": [serial]})
    console.print(f"\n{STOLEN}'s key is stolen. StartExecution with {wanted}\n", markup=False)
    stepfunctions = made.aws.client("stepfunctions")
    execution = stepfunctions.start_execution(stateMachineArn=made.outputs["StateMachineArn"], input=wanted)[
        "executionArn"
    ]
    watch(console, stepfunctions, execution, seen=lambda event: _looked(made, event))
    ended = stepfunctions.describe_execution(executionArn=execution)
    console.print(f"\nThe execution {ended['status']}.\n")
    after = [_handshake(console, made, STOLEN), _handshake(console, made, HONEST)]
    console.print("\nThe report:\n")
    console.print(_report(made, ended), markup=False)
    accepted = [each.accepted for each in (*before, *after)]
    return ended["status"] == "SUCCEEDED" and accepted == [True, True, False, True]


def _no_crl_before_the_first_look(made: Laboratory) -> None:
    """Let the CA publish its first CRL, and no other until the workflow has looked: on AWS that takes half an hour."""
    made.aws.client("s3").get_waiter("object_exists").wait(**made.crl_object, WaiterConfig={"Delay": 1})
    made.aws.settings.private_ca.crl_publication = False


def _looked(made: Laboratory, event: StateVisit) -> None:
    if event.state == "FindCrl" and event.left_at:
        made.aws.settings.private_ca.crl_publication = True


def _handshake(console: Console, made: Laboratory, name: str) -> Handshake:
    client = made.clients[name]
    shaken = connect(made.listener.port, client.certificate, client.key, made.chain)
    word, told = ("[green]accepted[/]", shaken.detail) if shaken.accepted else ("[red]refused[/]", "no answer")
    status = shlex.split(made.listener.log.lines[-1])[_VERIFY_STATUS]
    console.print(f"  {name:8} {word}  {told}; the connection log says {status}")
    return shaken


def _report(made: Laboratory, ended: dict[str, str]) -> str:
    """Read the Markdown report that the execution's output names."""
    where = json.loads(ended["output"])["ReportMarkdown"] if "output" in ended else None
    if where is None:
        return f"{ended.get('error')}: {ended.get('cause')}"
    body = made.aws.client("s3").get_object(Bucket=where["Bucket"], Key=where["Key"])["Body"]
    return str(body.read().decode()).rstrip()


if __name__ == "__main__":
    sys.exit(main())
