"""`make demo`: a stolen client certificate is accepted, revoked by the state machine, and refused."""

import contextlib
import json
import shlex
import sys
import tempfile
import time
from pathlib import Path

import click

from functions.pki import serial_number
from infra.cli.follow import follow
from infra.cli.watch import Progress
from infra.local.core.settings import Settings
from infra.local.lab.handshake import Handshake, connect
from infra.local.lab.lab import STARTING, Lab, deployed_lab
from infra.local.server import EmbeddedAws

STOLEN, HONEST = "mallory", "alice"
_VERIFY_STATUS = 10  # index of tls_verify_status in a connection log line


def main() -> int:
    """Run the demo; return 0 only if every step went as expected."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        click.echo(STARTING)
        aws = stack.enter_context(EmbeddedAws(Settings()))
        aws.settings.events.sends_s3_events = False  # only the execution below is to run
        aws.settings.private_ca.crl_delay_seconds = aws.settings.private_ca.crl_retry_seconds = 0.5
        lab = stack.enter_context(deployed_lab(aws, Path(folder) / "pki"))
        start = time.monotonic()
        passed = _show(lab)
        click.echo(f"\nDemo {'passed in' if passed else 'FAILED after'} {time.monotonic() - start:.1f} s.")
    return int(not passed)


def _show(lab: Lab) -> bool:
    before = [_handshake(lab, STOLEN), _handshake(lab, HONEST)]
    _withhold_crl(lab)
    serial = serial_number.to_hex(lab.clients[STOLEN].serial)
    request = json.dumps({"Serials": [serial]})
    click.echo(f"\n{STOLEN}'s key is stolen. StartExecution with {request}\n")
    stepfunctions = lab.aws.client("stepfunctions")
    arn = stepfunctions.start_execution(stateMachineArn=lab.outputs["StateMachineArn"], input=request)["executionArn"]
    progress = Progress()
    for visit in follow(stepfunctions, arn):
        progress.show(visit)
        if visit.state == "FindCrl" and visit.has_ended:  # the workflow has polled once, and found no CRL
            lab.aws.settings.private_ca.publishes_crls = True
    execution = stepfunctions.describe_execution(executionArn=arn)
    click.echo(f"\nThe execution {execution['status']}.\n")
    after = [_handshake(lab, STOLEN), _handshake(lab, HONEST)]
    click.echo("\nThe report:\n")
    click.echo(_report(lab, execution))
    accepted = [each.accepted for each in (*before, *after)]
    return execution["status"] == "SUCCEEDED" and accepted == [True, True, False, True]


def _withhold_crl(lab: Lab) -> None:
    """Wait for the first CRL, and withhold others until the workflow has polled once; on AWS they take half an hour."""
    lab.aws.client("s3").get_waiter("object_exists").wait(**lab.crl_object, WaiterConfig={"Delay": 1})
    lab.aws.settings.private_ca.publishes_crls = False


def _handshake(lab: Lab, name: str) -> Handshake:
    client = lab.clients[name]
    handshake = connect(lab.listener.port, client.certificate, client.key, lab.ca_file)
    verdict = click.style("accepted", fg="green") if handshake.accepted else click.style("refused", fg="red")
    detail = handshake.detail if handshake.accepted else "no response"
    status = shlex.split(lab.listener.log.lines[-1])[_VERIFY_STATUS]
    click.echo(f"  {name:8} {verdict}  {detail}; the connection log says {status}")
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
