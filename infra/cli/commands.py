"""The commands."""

import functools
import ipaddress
import json
import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError
from click.core import ParameterSource

from functions.errors import PrivateKeyGiven, RequestRefused
from functions.models.plan import Plan, PlannedOutcome
from functions.models.states import RevocationOutcome
from functions.pki import private_keys, serial_number
from infra.cli import connection_logs as logs
from infra.cli import input as asked
from infra.cli import plan as planned
from infra.cli import stack
from infra.cli import summary as in_words
from infra.cli import watch as progress
from infra.cli.once import OnceGroup
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNFINISHED, UNUSABLE, Stack

Command = TypeVar("Command", bound=Callable[..., Any])
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"]
_CODES = """
\b
Exit codes:
  0  everything asked for is enforced (plan, --dry-run: is expected to be; find: found)
  1  it is not: FAILED, TIMED_OUT, ABORTED (plan, --dry-run: something would be left undone, or it cannot be known;
     find: nobody found)
  2  what was given cannot be used; nothing was done
  3  AWS could not be asked, or does not let you
  4  still running: the execution goes on, also when you stop watching it
"""


@click.group(
    cls=OnceGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}, epilog=_CODES
)
@click.option("--stack", "name", default=stack.default_name, show_default=stack.NAME, help="The stack's name.")
@click.option(
    "--state-machine-arn", envvar="STATE_MACHINE_ARN", show_envvar=True, help="In the place of the stack's name."
)
@click.pass_context
def cli(context: click.Context, name: str, state_machine_arn: str | None) -> None:
    """Revoke mTLS client certificates, and know that they are blocked.

    Credentials and Region are those of the aws command; AWS_ENDPOINT_URL leads to the embedded AWS of make up.
    """
    said = {each: context.get_parameter_source(each) is ParameterSource.COMMANDLINE for each in context.params}
    if said["name"] and said["state_machine_arn"]:
        raise stack.Unusable("--stack and --state-machine-arn both say which stack is meant: give one")
    # What was said just now counts more than what a shell has kept.
    arn = None if said["name"] else state_machine_arn
    stack.use_region(arn)
    context.obj = functools.partial(stack.find, name, arn)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def reached(command: Command) -> Command:
    """Word whatever AWS refuses, and end with the command's exit code."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> NoReturn:  # noqa: ANN401 - of click
        try:
            sys.exit(command(*arguments, **options))
        except (ClientError, BotoCoreError) as refusal:
            raise stack.reached(refusal) from None

    return run  # type: ignore[return-value] # click calls it


def told(command: Command) -> Command:
    """Give the command its stack, and do as `reached`."""

    @click.pass_obj
    @reached
    @functools.wraps(command)
    def run(find: Callable[[], Stack], /, **options: Any) -> int:  # noqa: ANN401 - of click
        return int(command(find(), **options))

    return run  # type: ignore[return-value] # click calls it


_NOT_NEWLY = (RevocationOutcome.ALREADY_REVOKED, RevocationOutcome.EXPIRED, RevocationOutcome.FAILED)
as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@cli.command()
@asked.inputs
@as_json
@told
def plan(found: Stack, *, as_json: bool, **given: Any) -> int:  # noqa: ANN401 - of click
    """Show what start would do, with your own credentials, and change nothing.

    \b
    revocation plan 0a:1b:2c
    revocation plan --certificate mallory.pem
    openssl x509 -noout -serial -in mallory.pem | revocation plan --list -
    """
    made = planned.make(found, asked.request(found, **given))
    if as_json:
        click.echo(made.model_dump_json(indent=2, exclude_none=True))
    else:
        click.echo("\n".join(planned.render(made, found)))
    return planned.EXIT_CODES[made.outcome]


@cli.command()
@asked.inputs
@click.option("--yes", "-y", is_flag=True, help="Do not show the plan first and ask.")
@click.option("--no-wait", is_flag=True, help="Do not watch; exit code 4.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Have the stack make the plan, with its own role; what does not fit into an input is uploaded for it.",
)
@as_json
@told
def start(found: Stack, *, yes: bool, no_wait: bool, dry_run: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401
    """Revoke, enforce, and watch until it is done. It cannot be undone.

    \b
    revocation start --certificate mallory.pem --reason KEY_COMPROMISE --ticket INC-4711
    revocation start --list stolen.csv --yes
    revocation start --crl partner-ca.crl
    """
    wanted = asked.request(found, **given)
    if dry_run:
        wanted.request["DryRun"] = True
    elif not yes:
        _confirm(found, wanted)
    wanted.upload(found)
    made = found.stepfunctions.start_execution(
        stateMachineArn=found.state_machine_arn, input=json.dumps(wanted.request)
    )
    arn = made["executionArn"]
    click.echo(f"Execution: {arn}", err=as_json)
    if no_wait:
        click.echo(f"Watch it: revocation watch {arn.rsplit(':', 1)[1]}", err=True)
        if as_json:
            click.echo(stack.dump({"executionArn": arn}))
        return UNFINISHED
    return progress.watch(found, arn, as_json=as_json, look_every_seconds=1.0)


def _confirm(found: Stack, wanted: asked.Asked) -> None:
    """Show the plan and ask at the terminal, also when a list came by standard input; nobody there is a no."""
    made = planned.make(found, wanted)
    click.echo("\n".join(planned.render(made, found)), err=True)
    if made.outcome is PlannedOutcome.REFUSED:
        raise stack.Unusable("nothing was started")
    try:
        answer = _answer(f"{_question(made)} [y/N] ")
    except OSError:
        raise stack.Unusable("nobody is there to be asked: give --yes") from None
    except KeyboardInterrupt:
        raise stack.Unusable("nothing was started") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise stack.Unusable("nothing was started")


def _question(made: Plan) -> str:
    if not made.number_of_serials:
        return "Revoke nothing, and bring the trust stores this CRL?"
    number = made.number_of_serials - sum(made.expected.get(each.value, 0) for each in _NOT_NEWLY)
    if not number:
        return "Revoke nothing new, and enforce what is revoked?"
    reasons = ", ".join(made.reasons if len(made.reasons) == 1 else (f"{r} ({n})" for r, n in made.reasons.items()))
    return f"Revoke {number} certificate{'s' if number != 1 else ''} for {reasons}? It cannot be undone."


def _answer(question: str) -> str:
    with Path("/dev/tty").open(encoding="utf-8") as terminal:
        click.echo(question, nl=False, err=True)
        return terminal.readline()


@cli.command()
@click.argument("execution")
@click.option("--every", default=1.0, show_default=True, help="Seconds between two looks.")
@as_json
@told
def watch(found: Stack, *, execution: str, every: float, as_json: bool) -> int:
    """Watch an execution, by its name or ARN, until it has ended.

    \b
    revocation watch 194d996f-496e-4078-beb6-4f056da18b7d
    """
    return progress.watch(found, found.execution_arn(execution), as_json=as_json, look_every_seconds=every)


@cli.command()
@click.argument("execution")
@as_json
@told
def report(found: Stack, *, execution: str, as_json: bool) -> int:
    """Show the report of an execution, by its name or ARN.

    \b
    revocation report 194d996f-496e-4078-beb6-4f056da18b7d --json | jq .Summary
    """
    arn = found.execution_arn(execution)
    name = arn.rsplit(":", 1)[1]
    for_machines, for_people = (in_words.report(found, name, form) for form in ("json", "md"))
    if for_machines is None or for_people is None:
        return _without_report(found, arn)
    click.echo(for_machines if as_json else for_people)
    told = json.loads(for_machines)
    if told["Outcome"] == "SUCCEEDED":
        return ENFORCED
    return UNUSABLE if told.get("WhatToDo") == RequestRefused.what_to_do else NOT_ENFORCED


def _without_report(found: Stack, arn: str) -> int:
    client = found.stepfunctions
    try:
        status = client.describe_execution(executionArn=arn)["status"]
    except client.exceptions.ExecutionDoesNotExist:
        raise stack.Unusable(f"ExecutionDoesNotExist: there is no execution {arn}") from None
    click.echo(f"{arn} is {status} and has written no report", err=True)
    return UNFINISHED if status == "RUNNING" else NOT_ENFORCED


@cli.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The newest so many.")
@as_json
@told
def list_(found: Stack, *, limit: int, as_json: bool) -> int:
    """List the newest executions: what was asked for, by whom, and what came of it. Times are UTC.

    \b
    revocation list --limit 5
    """
    client = found.stepfunctions
    executions = client.list_executions(stateMachineArn=found.state_machine_arn, maxResults=limit)["executions"][:limit]
    if as_json:
        click.echo(stack.dump(executions))
        return ENFORCED
    for each in executions:
        asked_for = client.describe_execution(executionArn=each["executionArn"]).get("input", "")
        ended = f"{each['stopDate'].astimezone(UTC):%H:%M:%S}" if "stopDate" in each else "-"
        began = f"{each['startDate'].astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        click.echo(f"{each['name']}  {each['status']:<9}  {began}  {ended:<8}  {in_words.asked_for(asked_for)}")
    return ENFORCED


@cli.command()
@click.argument("where", metavar="FOLDER|s3://…")
@click.option("--subject", help="A part of the certificate's subject, in any case.")
@click.option("--address", "network", type=_network, metavar="ADDRESS|CIDR", help="Where it connected from.")
@click.option("--since", type=click.DateTime(_TIMES), help="UTC.")
@click.option("--until", type=click.DateTime(_TIMES), help="UTC.")
@click.option("--serials", "serials_alone", is_flag=True, help="Serials alone, for start --list -.")
@as_json
@reached
def find(*, where: str, serials_alone: bool, as_json: bool, **sought: Any) -> int:  # noqa: ANN401 - of click
    """Find the serials of clients in the load balancer's connection logs; nothing is revoked.

    \b
    revocation find s3://logs/AWSLogs/123456789012/ --subject CN=mallory --since 2026-11-23T03:00:00
    revocation find logs/ --address 203.0.113.7 --serials | revocation start --list -
    """
    since, until = (moment and moment.replace(tzinfo=UTC) for moment in (sought.pop("since"), sought.pop("until")))
    found = logs.search(where, logs.Sought(since=since, until=until, **sought))
    clients = sorted(found.clients.values(), key=lambda client: client.last, reverse=True)
    if serials_alone:
        click.echo("\n".join(dict.fromkeys(serial_number.to_hex(client.serial) for client in clients)))
    elif as_json:
        click.echo(stack.dump([client.described() for client in clients]))
    else:
        for client in clients:
            click.echo(_client(client))
    told = f"{len(clients)} certificates in {found.lines:,} lines of {found.files:,} files"
    click.echo(told + (f", {found.unreadable} lines could not be read" if found.unreadable else ""), err=True)
    return ENFORCED if clients else NOT_ENFORCED


def _client(client: logs.Client) -> str:
    addresses = ", ".join(address for address, _ in client.addresses.most_common(3))
    more = f" and {len(client.addresses) - 3} more" if len(client.addresses) > 3 else ""  # noqa: PLR2004 - as shown
    statuses = ", ".join(f"{status} {number}" for status, number in client.statuses.most_common())
    return (
        f"{serial_number.to_hex(client.serial)}  {stack.plain(client.subject)}\n"
        f"    {client.connections} connections from {addresses}{more}, {client.first:%Y-%m-%d %H:%M:%S} to "
        f"{client.last:%Y-%m-%d %H:%M:%S} UTC: {statuses}"
    )


def main() -> None:
    """Run the command line; a private key given as an argument is not repeated in an error."""
    try:
        for argument in sys.argv[1:]:
            private_keys.refuse(argument.encode(errors="replace"), "an argument")
    except PrivateKeyGiven as refusal:
        click.echo(f"Error: {type(refusal).__name__}: {refusal}", err=True)
        sys.exit(UNUSABLE)
    cli(prog_name="revocation")


if __name__ == "__main__":
    main()
