"""Watches an execution: prints each state as it is left, each item of its Maps, and ends with the exit code."""

import json
import sys
from collections import Counter
from datetime import UTC
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from functions import text
from functions.errors import RequestRefused
from functions.models.plan import Plan
from infra.cli.follow import StateVisit, follow
from infra.cli.plan import EXIT_CODES, render_plan
from infra.cli.stack import (
    ENFORCED,
    NOT_ENFORCED,
    UNFINISHED,
    UNREACHABLE,
    UNUSABLE,
    Stack,
    Unusable,
    echo,
    unreachable,
)
from infra.cli.summary import describe_outcome

_ITEMS = ("RevokeCertificate", "RevokeBatch")
# Prefixes of states that decide or rearrange, and take no time.
_HIDDEN = ("Is", "Are", "Receive", "Begin", "TrustStoreEnforced")
# Of a Map's items the first 20 are printed, then every 50th.
_FIRST_ITEMS, _ITEM_INTERVAL = 20, 50


class Progress:
    """Prints a line for each state that was left, and on a terminal for each that was entered."""

    def __init__(self) -> None:
        """Start with no state visited."""
        self._visits = Counter[str]()

    def show(self, visit: StateVisit) -> None:
        """Print a line for a state that was entered or left."""
        if visit.state.startswith(_HIDDEN):
            return
        if not visit.has_ended:
            if sys.stdout.isatty():
                click.secho(f"{visit.at.astimezone(UTC):%H:%M:%S}  {visit.state} …", dim=True)
            return
        self._visits[visit.state] += 1
        number = self._visits[visit.state]
        if visit.state in _ITEMS and number > _FIRST_ITEMS and number % _ITEM_INTERVAL:
            return
        counted = f"({number})  " if visit.state in _ITEMS else ""
        echo(f"{visit.at.astimezone(UTC):%H:%M:%S}  {visit.state}  {counted}{visit.note}".rstrip())


def watch_execution(stack: Stack, execution_arn: str, *, as_json: bool, poll_seconds: float) -> int:
    """Follow an execution to its end; return the exit code: 0 only if every requested certificate is blocked."""
    progress, name = Progress(), execution_arn.rsplit(":", 1)[1]
    hint = f"The execution continues. To watch it again: revocation watch {name}"
    try:
        for visit in follow(stack.stepfunctions, execution_arn, poll_seconds):
            if not as_json:
                progress.show(visit)
    except KeyboardInterrupt:
        echo(f"\n{hint}", err=True)
        return UNFINISHED
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            raise Unusable(f"ExecutionDoesNotExist: there is no execution {execution_arn}") from None
        echo(f"Error: {unreachable(error).message}. If it was running: {hint[0].lower()}{hint[1:]}", err=True)
        return UNREACHABLE
    execution: dict[str, Any] = dict(stack.stepfunctions.describe_execution(executionArn=execution_arn))
    output = json.loads(execution.get("output") or "{}")
    if as_json:
        names = ("executionArn", "status", "error", "cause")
        echo(json.dumps({**{n: execution[n] for n in names if n in execution}, "output": output}, indent=2))
    else:
        echo(f"\n{_describe_end(stack, execution, output)}")
    return _exit_code(execution, output)


def is_enforced(status: str, output: dict[str, Any]) -> bool:
    """Return whether an execution did everything; a dry run never has."""
    return status == "SUCCEEDED" and output.get("Outcome") == "SUCCEEDED" and "ReportJson" in output


def _exit_code(execution: dict[str, Any], output: dict[str, Any]) -> int:
    if plan := _plan(execution, output):
        return EXIT_CODES[plan.outcome]
    if RequestRefused.what_to_do in execution.get("cause", ""):
        return UNUSABLE
    return ENFORCED if is_enforced(execution["status"], output) else NOT_ENFORCED


def _plan(execution: dict[str, Any], output: dict[str, Any]) -> Plan | None:
    if execution["status"] != "SUCCEEDED" or "ReportMarkdown" in output:
        return None
    try:
        return Plan.model_validate(output)
    except ValidationError:
        arn = execution["executionArn"]
        raise Unusable(f"{arn} ended with a plan of another version of the stack: give --json to see it") from None


def _describe_end(stack: Stack, execution: dict[str, Any], output: dict[str, Any]) -> str:
    if "error" in execution:
        return f"{execution['status']}: {execution['error']}: {text.indented(execution.get('cause', ''))}"
    if plan := _plan(execution, output):
        return "\n".join(["A dry run; nothing was done.", *render_plan(plan, stack)])
    if "ReportMarkdown" not in output:
        return f"{execution['status']}: it has written no report"
    name = execution["executionArn"].rsplit(":", 1)[1]
    return f"{execution['status']}: " + "\n".join(describe_outcome(stack, name, output))
