"""`make deploy` and `make destroy`: check a stack's parameters against the account, and have SAM change the stack.

The stack itself keeps its parameters. At a terminal, the first deployment asks for them; later ones ask whether to
change any. PARAMETERS="Name=Value …" changes some without asking.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.prompt import Confirm, Prompt

from infra.deploy import crl_configuration, kms_key, parameters, questions, sam, trust_stores
from infra.deploy.account import Account, Refused, read_account
from infra.deploy.finding import Finding
from infra.deploy.stack import Stack, delete_remains, read_stack

DEFAULT_STACK = "mtls-revocation"
_KEPT = {"CrlBucketName": "CRLs", "WorkflowBucketName": "reports", "InputBucketName": "inputs"}
_FIRST_RECONCILE = {"Reconcile": True, "RequestedBy": "make deploy"}


def deploy_stack(options: argparse.Namespace, console: Console) -> int:
    """Deploy the stack, and return SAM's exit code."""
    account = _introduce(options, console)
    stack = read_stack(options.stack)
    present = stack.parameters if stack else {}
    values = {**present, **_answers(options, console, account, stack)}
    parameters.check_all(values, account)
    kms_key.check_crl_bucket(values)
    changes = {name: value for name, value in values.items() if _differs(name, value, stack)}
    for name, value in changes.items():
        change = f"{name}: {present.get(name, '') or 'nothing'} → {value or 'nothing'}"
        console.print(change, soft_wrap=True, highlight=False)
    if stack and stack.is_remains:
        console.print(f"Deleting what is left of stack {stack.name}, which was never complete ...")
        delete_remains(stack.name)
    if code := sam.deploy(options.stack, account.region, changes):
        return code
    deployed = read_stack(options.stack)
    if deployed is None:
        raise Refused(f"stack {options.stack} was deployed, and is gone: somebody deletes it")
    is_crl_read = _check_crl(options, console, deployed)
    _warn_of_namesakes(console, deployed)
    is_first = stack is None or stack.is_remains
    if is_first and is_crl_read and not _trust_store_problems(deployed):
        _reconcile(console, deployed)
    for label, output in (("Start", "StartCommand"), ("Watch", "ConsoleUrl"), ("Dashboard", "DashboardUrl")):
        console.print(f"{label}: {deployed.outputs[output]}", soft_wrap=True, highlight=False)
    return 0


def _introduce(options: argparse.Namespace, console: Console) -> Account:
    account = read_account(options.region)
    console.print(
        f"Account {account.account_id}, Region {account.region}, stack {options.stack}, as {account.caller}",
        soft_wrap=True,
        highlight=False,
    )
    return account


def _answers(options: argparse.Namespace, console: Console, account: Account, stack: Stack | None) -> Mapping[str, str]:
    """Return the parameters that the operator gives, checked against the account."""
    given, present = parameters.parse(options.parameters), stack.parameters if stack else {}
    if not given and console.is_terminal and (stack is None or _wants_changes(console, stack)):
        return questions.ask_parameters(console, account, present)
    parameters.check_all({**present, **given}, account)
    for name in parameters.definitions():
        if name in given:
            questions.show(console, questions.check_answer(name, {**present, **given}, account))
    return given


def _wants_changes(console: Console, stack: Stack) -> bool:
    for name, value in stack.parameters.items():
        console.print(f"  {name} = {value}", soft_wrap=True, highlight=False)
    return Confirm.ask("Change any of these parameters?", console=console, default=stack.is_remains)


def _differs(name: str, value: str, stack: Stack | None) -> bool:
    """Return whether SAM has to be given a parameter; what it is not given keeps its value, or gets its default."""
    kept = stack.parameters if stack and not stack.is_remains else {}
    return value != kept.get(name, str(parameters.definitions()[name].get("Default", "")))


def _check_crl(options: argparse.Namespace, console: Console, stack: Stack) -> bool:
    """Return whether the CA writes its CRL where the stack reads it; if not, change that on request."""
    if options.turn_on_crl:
        for finding in _differences(stack):
            console.print(finding.text, soft_wrap=True, highlight=False)
            questions.apply(console, finding)
    elif differences := _differences(stack):
        console.print("[yellow]The stack is deployed, and cannot block a certificate yet:[/]", highlight=False)
        questions.show(console, differences)
    return not _differences(stack)


def _differences(stack: Stack) -> list[Finding]:
    ca = crl_configuration.read_ca(stack.parameters["CertificateAuthorityArn"])
    folder = stack.parameters["CrlFolder"].strip("/")
    deploy = f"make deploy STACK={stack.name} REGION={os.environ['AWS_DEFAULT_REGION']}"  # set by read_account
    return list(crl_configuration.find_differences(ca, stack.outputs["CrlBucketName"], folder, deploy))


def _trust_store_problems(stack: Stack) -> list[Finding]:
    arn, trust_store_arns = stack.parameters["CertificateAuthorityArn"], stack.parameters["TrustStoreArns"]
    return list(trust_stores.find_problems(arn, trust_store_arns))


def _warn_of_namesakes(console: Console, stack: Stack) -> None:
    if stack.parameters["AcceptNamesakes"] != "true":
        arn, trust_store_arns = stack.parameters["CertificateAuthorityArn"], stack.parameters["TrustStoreArns"]
        for namesakes in trust_stores.find_namesakes(arn, trust_store_arns):
            console.print(f"[yellow]{namesakes}, or set AcceptNamesakes[/]", soft_wrap=True, highlight=False)


def _reconcile(console: Console, stack: Stack) -> None:
    """Start the first reconcile, so that the alarms have data before the schedule begins."""
    arn = stack.outputs["StateMachineArn"]
    try:
        started = boto3.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(_FIRST_RECONCILE))
    except ClientError as error:
        console.print(f"[yellow]The first reconcile was not started: {error}[/]", soft_wrap=True, highlight=False)
    else:
        name = started["executionArn"].rpartition(":")[2]
        watch = f".venv/bin/revocation --stack {stack.name} watch {name}"
        console.print(f"A first reconcile has started. Watch it: {watch}", soft_wrap=True, highlight=False)


def destroy_stack(options: argparse.Namespace, console: Console) -> int:
    """Remove the stack, and return SAM's exit code; 1 if the operator does not confirm."""
    account = _introduce(options, console)
    stack = read_stack(options.stack)
    if stack is None:
        raise Refused(f"there is no stack {options.stack} in {account.region}: give STACK=… or REGION=…")
    kept = [
        f"s3://{stack.outputs[name]} ({content})"
        for name, content in _KEPT.items()
        if name in stack.outputs and not stack.parameters.get(name)  # a CRL bucket that is named is somebody else's
    ]
    console.print(f"These buckets stay: {', '.join(kept) or 'none'}.", soft_wrap=True, highlight=False)
    _warn_of_crl(console, stack)
    if not options.yes:
        if not console.is_terminal:
            raise Refused("there is no terminal to confirm at: add YES=1")
        if Prompt.ask(f"This removes the stack. Type its name ({stack.name})", console=console) != stack.name:
            console.print("Nothing was removed.")
            return 1
    code = sam.delete(stack.name, account.region)
    if not code:
        console.print(
            f"Removed. Kept, to empty and delete by hand: {', '.join(kept) or 'nothing'}.",
            soft_wrap=True,
            highlight=False,
        )
    return code


def _warn_of_crl(console: Console, stack: Stack) -> None:
    """Warn if the CA writes its CRL to the bucket that the stack created, whose policy goes with the stack."""
    if stack.parameters.get("CrlBucketName") or not stack.outputs:
        return
    ca = crl_configuration.read_ca(stack.parameters["CertificateAuthorityArn"])
    if ca.bucket == stack.outputs["CrlBucketName"]:
        console.print(
            f"[yellow]{ca.arn} still writes its CRL to {ca.bucket}, and cannot without the bucket's policy, which goes "
            "with the stack: turn its CRL off, or have it written elsewhere.[/]",
            soft_wrap=True,
            highlight=False,
        )


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; None stands for the process's own."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("--stack", default=DEFAULT_STACK)
    parser.add_argument("--region", help="by default the one that the aws command uses")
    parser.add_argument("--turn-on-crl", action="store_true", help="have the CA write its CRL to the stack's bucket")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument(
        "--parameters",
        default=os.environ.get("PARAMETERS", ""),  # as make passes it on, so that no shell reads it
        help="Name=Value …; nothing is asked",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 2 for what is refused, with its message on stderr."""
    options, console = parse_options(arguments), Console()
    try:
        return deploy_stack(options, console) if options.command == "up" else destroy_stack(options, console)
    except (Refused, ClientError, BotoCoreError) as error:
        print(f"make {'deploy' if options.command == 'up' else 'destroy'}: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. Nothing was changed that is not shown above.", file=sys.stderr)
        return 130
