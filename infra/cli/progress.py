"""Watching an execution: each state as it is left, each item of its Maps, and the exit code at the end."""

import json
from collections import Counter
from typing import Any

import click
from rich.console import Console

from functions.errors import RequestRefused
from functions.plan import Plan
from infra.cli import planned
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNUSABLE, Stack
from infra.follow import Left, follow

_ITEMS = ("RevokeCertificate", "RevokeBatch")
_RECONCILED = {
    "NONE": "The trust stores held the newest CRL already",
    "LASTING": "The trust stores hold the newest CRL now",
    "TAKEN": "Another execution is at work on it",
    "NO_CRL": "There is no CRL, and none is attached",
}
_FEW = 20
_EVERY = 50


class Progress:
    """Prints a line for each state; of many items only every fiftieth."""

    def __init__(self, console: Console) -> None:
        """Print to a console."""
        self._console = console
        self._done = Counter[str]()

    def left(self, left: Left) -> None:
        """Tell of a state that was entered or left."""
        if left.left_at is None:
            self._console.print(f"{left.entered_at:%H:%M:%S}  {left.state} …", style="dim", highlight=False)
            return
        self._done[left.state] += 1
        number = self._done[left.state]
        if left.state in _ITEMS and number > _FEW and number % _EVERY:
            return
        counted = f"({number})  " if left.state in _ITEMS else ""
        self._console.print(f"{left.left_at:%H:%M:%S}  {left.state}  {counted}{left.note}", highlight=False)


def watch(stack: Stack, execution_arn: str, *, as_json: bool, look_every_seconds: float) -> int:
    """Follow an execution to its end; give the exit code: 0 only when everything asked for is enforced."""
    console = Console(stderr=as_json, soft_wrap=True)
    told = Progress(console)
    for left in follow(stack.stepfunctions, execution_arn, look_every_seconds):
        if not as_json:
            told.left(left)
    ended: dict[str, Any] = dict(stack.stepfunctions.describe_execution(executionArn=execution_arn))
    output = json.loads(ended.get("output") or "{}")
    if as_json:
        names = ("executionArn", "status", "error", "cause")
        click.echo(json.dumps({**{n: ended[n] for n in names if n in ended}, "output": output}, indent=2))
    else:
        console.print(f"\n{ended['status']}: {_verdict(ended, output)}", highlight=False)
    if RequestRefused.way_on in ended.get("cause", ""):
        return UNUSABLE
    return ENFORCED if is_enforced(ended["status"], output) else NOT_ENFORCED


def is_enforced(status: str, output: dict[str, Any]) -> bool:
    """Say whether an execution did everything; a dry run never has."""
    return status == "SUCCEEDED" and output.get("Outcome") == "SUCCEEDED" and "ReportJson" in output


def _verdict(ended: dict[str, Any], output: dict[str, Any]) -> str:
    if "error" in ended:
        return f"{ended['error']}: {ended.get('cause', '')}"
    if "ReportMarkdown" not in output:
        if ended["status"] != "SUCCEEDED":
            return "it has written no report"
        return "\n".join(["a dry run; nothing was done.", *planned.render(Plan.model_validate(output))])
    report = output["ReportMarkdown"]
    summary = output.get("Summary", {})
    done = ""
    if summary.get("Serials"):
        done = f"{summary['Enforced']} of {summary['Serials']} certificates are enforced. "
    elif "Reconciled" in output:
        done = f"{_RECONCILED.get(output['Reconciled'], output['Reconciled'])}. "
    return f"{done}Report: s3://{report['Bucket']}/{report['Key']}"
