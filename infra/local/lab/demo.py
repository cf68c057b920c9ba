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
from infra.local.lab.lab import STARTING, Lab, deployed_lab
from infra.local.lab.watch import watch
from infra.local.server import EmbeddedAws

STOLEN, HONEST = "mallory", "alice"
_VERIFY_STATUS = 10  # index of tls_verify_status in a connection log line


def main() -> int:
    """Run the demo; return 0 only if every step went as expected."""
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        console.print(STARTING)
        aws = stack.enter_context(EmbeddedAws(Settings()))
        aws.settings.events.sends_s3_events = False  # only the execution below is to run
        aws.settings.private_ca.crl_delay_seconds = aws.settings.private_ca.crl_retry_seconds = 0.5
        lab = stack.enter_context(deployed_lab(aws, Path(folder) / "pki"))
        start = time.monotonic()
        passed = _show(console, lab)
        console.print(f"\nDemo {'passed in' if passed else 'FAILED after'} {time.monotonic() - start:.1f} s.")
    return int(not passed)


def _show(console: Console, lab: Lab) -> bool:
    before = [_handshake(console, lab, STOLEN), _handshake(console, lab, HONEST)]
    _withhold_crl(lab)
    serial = serial_number.to_hex(lab.clients[STOLEN].serial)
    request = json.dumps({"Serials": [serial]})
    console.print(f"\n{STOLEN}'s key is stolen. StartExecution with {request}\n", markup=False)
    stepfunctions = lab.aws.client("stepfunctions")
    arn = stepfunctions.start_execution(stateMachineArn=lab.outputs["StateMachineArn"], input=request)["executionArn"]
    watch(console, stepfunctions, arn, on_state=lambda visit: _publish_after_first_poll(lab, visit))
    execution = stepfunctions.describe_execution(executionArn=arn)
    console.print(f"\nThe execution {execution['status']}.\n")
    after = [_handshake(console, lab, STOLEN), _handshake(console, lab, HONEST)]
    console.print("\nThe report:\n")
    console.print(_report(lab, execution), markup=False)
    accepted = [each.accepted for each in (*before, *after)]
    return execution["status"] == "SUCCEEDED" and accepted == [True, True, False, True]


def _withhold_crl(lab: Lab) -> None:
    """Wait for the first CRL, and withhold others until the workflow has polled once; on AWS they take half an hour."""
    lab.aws.client("s3").get_waiter("object_exists").wait(**lab.crl_object, WaiterConfig={"Delay": 1})
    lab.aws.settings.private_ca.publishes_crls = False


def _publish_after_first_poll(lab: Lab, visit: StateVisit) -> None:
    if visit.state == "FindCrl" and visit.left_at:
        lab.aws.settings.private_ca.publishes_crls = True


def _handshake(console: Console, lab: Lab, name: str) -> Handshake:
    client = lab.clients[name]
    handshake = connect(lab.listener.port, client.certificate, client.key, lab.ca_file)
    verdict, detail = (
        ("[green]accepted[/]", handshake.detail) if handshake.accepted else ("[red]refused[/]", "no response")
    )
    status = shlex.split(lab.listener.log.lines[-1])[_VERIFY_STATUS]
    console.print(f"  {name:8} {verdict}  {detail}; the connection log says {status}")
    return handshake


def _report(lab: Lab, execution: dict[str, str]) -> str:
    """Return the Markdown report that the execution's output names."""
    location = json.loads(execution["output"])["ReportMarkdown"] if "output" in execution else None
    if location is None:
        return f"{execution.get('error')}: {execution.get('cause')}"
    body = lab.aws.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"]
    return str(body.read().decode()).rstrip()


if __name__ == "__main__":
    sys.exit(main())
