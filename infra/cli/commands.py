"""The commands, but for `find`: what they take, print, and exit with."""

import functools
import json
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from functions.errors import NamesakesInBundle, PrivateKeyGiven, RequestRefused
from functions.models.plan import Plan, PlannedOutcome
from functions.models.states import RevocationOutcome
from functions.pki import private_keys
from functions.version import VERSION
from infra.cli.find import find
from infra.cli.input import StagedInput, build_input, input_options
from infra.cli.once import OnceGroup
from infra.cli.plan import EXIT_CODES, make_plan, render_plan
from infra.cli.stack import (
    DEFAULT_NAME,
    ENFORCED,
    NOT_ENFORCED,
    UNFINISHED,
    UNUSABLE,
    Stack,
    Unusable,
    default_name,
    echo,
    find_stack,
    to_json,
    use_region,
    with_stack,
)
from infra.cli.summary import describe_input, read_report
from infra.cli.watch import watch_execution

_CODES = """
\b
Exit codes:
  0  every requested certificate is blocked (plan, --dry-run: would be; find: found)
  1  not every one is: FAILED, TIMED_OUT, ABORTED (plan, --dry-run: not every one would be, or it cannot be predicted;
     find: no client found)
  2  the arguments cannot be used; nothing was done
  3  AWS could not be reached, or denied access
  4  still running: the execution continues, also when you stop watching it
"""


@click.group(
    cls=OnceGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=_CODES,
)
@click.option("--stack", "name", default=default_name, show_default=DEFAULT_NAME, help="The stack's name.")
@click.version_option(VERSION, message="%(prog)s %(version)s")
@click.option("--state-machine-arn", envvar="STATE_MACHINE_ARN", show_envvar=True, help="Instead of --stack.")
@click.pass_context
def cli(context: click.Context, name: str, state_machine_arn: str | None) -> None:
    """Revoke mTLS client certificates, and know that they are blocked.

    Credentials and Region are those of the aws command; AWS_ENDPOINT_URL selects the embedded AWS of make up.
    """
    is_typed = {each: context.get_parameter_source(each) is ParameterSource.COMMANDLINE for each in context.params}
    if is_typed["name"] and is_typed["state_machine_arn"]:
        raise Unusable("--stack and --state-machine-arn both name the stack: give one")
    # An option counts more than an environment variable.
    arn = None if is_typed["name"] else state_machine_arn
    use_region(arn)
    context.obj = functools.partial(find_stack, name, arn)


cli.add_command(find)
_NOT_REVOKED_NOW = (RevocationOutcome.ALREADY_REVOKED, RevocationOutcome.EXPIRED, RevocationOutcome.FAILED)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@cli.command()
@input_options
@as_json
@with_stack
def plan(stack: Stack, *, as_json: bool, **options: Any) -> int:  # noqa: ANN401 - of click
    """Show what start would do, using your own credentials. Changes nothing.

    \b
    revocation plan 0a:1b:2c
    revocation plan --certificate mallory.pem
    openssl x509 -noout -serial -in mallory.pem | revocation plan --list -
    """
    result = make_plan(stack, build_input(stack, **options))
    if as_json:
        echo(result.model_dump_json(indent=2, exclude_none=True))
    else:
        echo("\n".join(render_plan(result, stack)))
    return EXIT_CODES[result.outcome]


@cli.command()
@input_options
@click.option("--yes", "-y", is_flag=True, help="Start at once: show no plan, and do not ask.")
@click.option("--no-wait", is_flag=True, help="Exit once it is started, with code 4.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Revoke nothing: have the stack make the plan, with its own permissions. A long list is uploaded for it.",
)
@as_json
@with_stack
def start(stack: Stack, *, yes: bool, no_wait: bool, dry_run: bool, as_json: bool, **options: Any) -> int:  # noqa: ANN401
    """Revoke certificates, block them, and watch until it is done. It cannot be undone.

    \b
    revocation start --certificate mallory.pem --reason KEY_COMPROMISE --ticket INC-4711
    revocation start --list stolen.csv --yes
    revocation start --crl partner-ca.crl
    """
    execution_input = build_input(stack, **options)
    if dry_run:
        execution_input.request["DryRun"] = True
    elif not yes:
        _confirm(stack, execution_input)
    execution_input.upload(stack)
    started = stack.stepfunctions.start_execution(
        stateMachineArn=stack.state_machine_arn, input=json.dumps(execution_input.request)
    )
    arn = started["executionArn"]
    echo(f"Execution: {arn}", err=as_json)
    if no_wait:
        echo(f"Watch it: revocation watch {arn.rsplit(':', 1)[1]}", err=True)
        if as_json:
            echo(to_json({"executionArn": arn}))
        return UNFINISHED
    return watch_execution(stack, arn, as_json=as_json, poll_seconds=1.0)


def _confirm(stack: Stack, execution_input: StagedInput) -> None:
    """Show the plan and ask at the terminal, which need not be standard input.

    Raises:
        Unusable: the plan is refused, the answer is not yes, or there is no terminal.

    """
    plan = _show_plan(stack, execution_input)
    if plan.error == NamesakesInBundle.__name__ and _is_confirmed("Accept these CAs of one name?"):
        execution_input.request["AcceptNamesakes"] = True
        plan = _show_plan(stack, execution_input)
    if plan.outcome is PlannedOutcome.REFUSED:
        raise Unusable("nothing was started")
    if not _is_confirmed(_question(plan)):
        raise Unusable("nothing was started")


def _show_plan(stack: Stack, execution_input: StagedInput) -> Plan:
    plan = make_plan(stack, execution_input)
    echo("\n".join(render_plan(plan, stack)), err=True)
    return plan


def _is_confirmed(question: str) -> bool:
    try:
        return _answer(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except OSError:
        raise Unusable("there is no terminal to ask at: give --yes") from None
    except KeyboardInterrupt:
        return False


def _question(plan: Plan) -> str:
    if not plan.number_of_serials:
        return "Revoke nothing, and bring this CRL to the trust stores?"
    number = plan.number_of_serials - sum(plan.expected.get(each.value, 0) for each in _NOT_REVOKED_NOW)
    if not number:
        return "Revoke nothing new, and block what is revoked?"
    reasons = ", ".join(plan.reasons if len(plan.reasons) == 1 else (f"{r} ({n})" for r, n in plan.reasons.items()))
    return f"Revoke {number} certificate{'s' if number != 1 else ''} for {reasons}? It cannot be undone."


def _answer(question: str) -> str:
    with Path("/dev/tty").open(encoding="utf-8") as terminal:
        echo(question, nl=False, err=True)
        return terminal.readline()


@cli.command()
@click.argument("execution")
@click.option("--every", default=1.0, show_default=True, help="Seconds between two polls.")
@as_json
@with_stack
def watch(stack: Stack, *, execution: str, every: float, as_json: bool) -> int:
    """Watch an execution, by its name or ARN, until it has ended.

    \b
    revocation watch 194d996f-496e-4078-beb6-4f056da18b7d
    """
    return watch_execution(stack, stack.execution_arn(execution), as_json=as_json, poll_seconds=every)


@cli.command()
@click.argument("execution")
@as_json
@with_stack
def report(stack: Stack, *, execution: str, as_json: bool) -> int:
    """Show the report of an execution, by its name or ARN.

    \b
    revocation report 194d996f-496e-4078-beb6-4f056da18b7d --json | jq .Summary
    """
    arn = stack.execution_arn(execution)
    name = arn.rsplit(":", 1)[1]
    in_json, in_markdown = (read_report(stack, name, suffix) for suffix in ("json", "md"))
    if in_json is None or in_markdown is None:
        return _without_report(stack, arn)
    echo((in_json if as_json else in_markdown).decode())
    fields = json.loads(in_json)
    if fields["Outcome"] == "SUCCEEDED":
        return ENFORCED
    return UNUSABLE if fields.get("WhatToDo") == RequestRefused.what_to_do else NOT_ENFORCED


def _without_report(stack: Stack, arn: str) -> int:
    client = stack.stepfunctions
    try:
        status = client.describe_execution(executionArn=arn)["status"]
    except client.exceptions.ExecutionDoesNotExist:
        raise Unusable(f"ExecutionDoesNotExist: there is no execution {arn}") from None
    echo(f"{arn} is {status} and has written no report", err=True)
    return UNFINISHED if status == "RUNNING" else NOT_ENFORCED


@cli.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@as_json
@with_stack
def list_(stack: Stack, *, limit: int, as_json: bool) -> int:
    """List the newest executions: status, times in UTC, input and who started it.

    \b
    revocation list --limit 5
    """
    client = stack.stepfunctions
    executions = client.list_executions(stateMachineArn=stack.state_machine_arn, maxResults=limit)["executions"][:limit]
    if as_json:
        echo(to_json(executions))
        return ENFORCED
    if not executions:
        echo(f"{stack.state_machine_arn} has not been started yet.", err=True)
    for each in executions:
        request = client.describe_execution(executionArn=each["executionArn"]).get("input", "")
        ended = f"{each['stopDate'].astimezone(UTC):%H:%M:%S}" if "stopDate" in each else "-"
        started = f"{each['startDate'].astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        echo(f"{each['name']}  {each['status']:<9}  {started}  {ended:<8}  {describe_input(request)}")
    return ENFORCED


def main() -> None:
    """Run the command line; a private key among the arguments is refused, and not repeated in the error."""
    try:
        for argument in sys.argv[1:]:
            private_keys.refuse(argument.encode(errors="replace"), "an argument")
    except PrivateKeyGiven as error:
        echo(f"Error: {type(error).__name__}: {error}", err=True)
        sys.exit(UNUSABLE)
    cli(prog_name="revocation")


if __name__ == "__main__":
    main()
