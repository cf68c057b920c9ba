"""Watching an execution: each state as it is left, each item of its Maps, and the exit code at the end."""

import json
import sys
from collections import Counter
from datetime import UTC
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from functions.errors import RequestRefused
from functions.models.plan import Plan
from infra.cli import plan as planned
from infra.cli import summary as told
from infra.cli.follow import Left, follow
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNFINISHED, UNREACHABLE, UNUSABLE, Stack, Unusable, reached

_ITEMS = ("RevokeCertificate", "RevokeBatch")
# States that decide or rearrange, and take no time.
_UNSEEN = ("Is", "Are", "Receive", "Begin", "TrustStoreEnforced")
_FEW, _EVERY = 20, 50


class Progress:
    """Prints a line for each state, on a terminal also what is waited for; of many items only every fiftieth."""

    def __init__(self) -> None:
        """Begin at no state."""
        self._done = Counter[str]()

    def left(self, left: Left) -> None:
        """Tell of a state that was entered or left."""
        if left.state.startswith(_UNSEEN):
            return
        if left.left_at is None:
            if sys.stdout.isatty():
                click.secho(f"{left.entered_at.astimezone(UTC):%H:%M:%S}  {left.state} …", dim=True)
            return
        self._done[left.state] += 1
        number = self._done[left.state]
        if left.state in _ITEMS and number > _FEW and number % _EVERY:
            return
        counted = f"({number})  " if left.state in _ITEMS else ""
        click.echo(f"{left.left_at.astimezone(UTC):%H:%M:%S}  {left.state}  {counted}{left.note}".rstrip())


def watch(stack: Stack, execution_arn: str, *, as_json: bool, look_every_seconds: float) -> int:
    """Follow an execution to its end; give the exit code: 0 only when everything asked for is enforced."""
    progress, name = Progress(), execution_arn.rsplit(":", 1)[1]
    goes_on = f"The execution goes on. Look again: revocation watch {name}"
    try:
        for left in follow(stack.stepfunctions, execution_arn, look_every_seconds):
            if not as_json:
                progress.left(left)
    except KeyboardInterrupt:
        click.echo(f"\n{goes_on}", err=True)
        return UNFINISHED
    except (ClientError, BotoCoreError) as fault:
        if isinstance(fault, ClientError) and fault.response["Error"]["Code"] == "ExecutionDoesNotExist":
            raise Unusable(f"ExecutionDoesNotExist: there is no execution {execution_arn}") from None
        click.echo(f"Error: {reached(fault).message}. If it was running: {goes_on[0].lower()}{goes_on[1:]}", err=True)
        return UNREACHABLE
    ended: dict[str, Any] = dict(stack.stepfunctions.describe_execution(executionArn=execution_arn))
    output = json.loads(ended.get("output") or "{}")
    if as_json:
        names = ("executionArn", "status", "error", "cause")
        click.echo(json.dumps({**{n: ended[n] for n in names if n in ended}, "output": output}, indent=2))
    else:
        click.echo(f"\n{_verdict(stack, ended, output)}")
    return _exit_code(ended, output)


def is_enforced(status: str, output: dict[str, Any]) -> bool:
    """Say whether an execution did everything; a dry run never has."""
    return status == "SUCCEEDED" and output.get("Outcome") == "SUCCEEDED" and "ReportJson" in output


def _exit_code(ended: dict[str, Any], output: dict[str, Any]) -> int:
    if plan := _plan(ended, output):
        return planned.EXIT_CODES[plan.outcome]
    if RequestRefused.what_to_do in ended.get("cause", ""):
        return UNUSABLE
    return ENFORCED if is_enforced(ended["status"], output) else NOT_ENFORCED


def _plan(ended: dict[str, Any], output: dict[str, Any]) -> Plan | None:
    if ended["status"] != "SUCCEEDED" or "ReportMarkdown" in output:
        return None
    try:
        return Plan.model_validate(output)
    except ValidationError:
        raise Unusable(f"{ended['executionArn']} ended with a plan of another version of the stack: --json") from None


def _verdict(stack: Stack, ended: dict[str, Any], output: dict[str, Any]) -> str:
    if "error" in ended:
        return f"{ended['status']}: {ended['error']}: {ended.get('cause', '')}"
    if plan := _plan(ended, output):
        return "\n".join(["A dry run; nothing was done.", *planned.render(plan, stack)])
    if "ReportMarkdown" not in output:
        return f"{ended['status']}: it has written no report"
    return f"{ended['status']}: " + "\n".join(told.outcome(stack, ended["executionArn"].rsplit(":", 1)[1], output))
