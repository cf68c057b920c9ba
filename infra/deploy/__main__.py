"""`make deploy` and `make destroy`: SAM does the work; this asks, remembers, looks at the CA and its bucket, and tells.

The first run asks for every parameter of the template and keeps the answers in samconfig.toml; later runs are quiet.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.prompt import Confirm, Prompt

from infra.deploy import crl_bucket
from infra.template import TEMPLATE, load_template

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "samconfig.toml"
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
STACK = "mtls-revocation"


class ParameterRefused(Exception):
    """A value is not what the template takes."""


def check(name: str, value: str, definition: Mapping[str, Any]) -> str:
    """Give a parameter's value back if the template takes it; CloudFormation would say so only later.

    Raises:
        ParameterRefused: it does not; the message has the value, and what is wanted.

    """
    pattern, least = definition.get("AllowedPattern"), definition.get("MinValue")
    if pattern and not re.search(pattern, value):
        raise ParameterRefused(f"{name} is {value!r}, and must match {pattern}")
    if definition["Type"] == "Number" and not re.fullmatch(r"\d+", value):
        raise ParameterRefused(f"{name} is {value!r}, and must be a whole number")
    if least is not None and int(value) < least:
        raise ParameterRefused(f"{name} is {value}, and must be at least {least}")
    if not value and "Default" not in definition:
        raise ParameterRefused(f"{name} is empty, and has no default")
    if "\\" in value:
        raise ParameterRefused(f"{name} is {value!r}, and must not contain a backslash: SAM reads it as an escape")
    return value


def ask(console: Console, region: str) -> dict[str, str]:
    """Ask for every parameter, with what it means, its default, and what the account has to offer."""
    answers: dict[str, str] = {}
    for name, definition in load_template()["Parameters"].items():
        console.print(f"\n[bold]{name}[/]: {definition['Description']}", soft_wrap=True)
        for offer in _offers(name, region):
            console.print(f"  {offer}", soft_wrap=True, highlight=False)
        default = str(definition["Default"]) if "Default" in definition else ...
        while True:
            value = Prompt.ask(name, console=console, default=default)
            try:
                answers[name] = check(name, str(value).strip(), definition)
            except ParameterRefused as refused:
                console.print(f"[red]{refused}[/]")
            else:
                break
    return answers


def _offers(name: str, region: str) -> list[str]:
    """List what the account has for a parameter; without the permission to list, nothing is offered."""
    with contextlib.suppress(ClientError, BotoCoreError):
        if name == "CertificateAuthorityArn":
            pages = boto3.client("acm-pca", region_name=region).get_paginator("list_certificate_authorities").paginate()
            found = [authority for page in pages for authority in page["CertificateAuthorities"]]
            return [f"{each['Arn']} ({each['Status']})" for each in found if each["Status"] in ("ACTIVE", "DISABLED")]
        if name == "TrustStoreArns":
            stores = boto3.client("elbv2", region_name=region).describe_trust_stores()["TrustStores"]
            return [f"{each['TrustStoreArn']} ({each['Name']})" for each in stores]
    return []


def write_config(path: Path, stack: str, region: str, parameters: Mapping[str, str]) -> None:
    """Write the answers as SAM reads them.

    The parameters are a table: SAM splits the items of a list at blanks, and "rate(1 hour)" has one.

    """
    overrides = "".join(f"{name} = {json.dumps(_quoted(value))}\n" for name, value in parameters.items() if value)
    path.write_text(
        "version = 0.1\n\n[default.global.parameters]\n"
        f"stack_name = {json.dumps(stack)}\nregion = {json.dumps(region)}\n\n[default.deploy.parameters]\n"
        'capabilities = "CAPABILITY_IAM"\nresolve_s3 = true\nconfirm_changeset = false\n'
        f"fail_on_empty_changeset = false\n\n[default.deploy.parameters.parameter_overrides]\n{overrides}"
    )


def _quoted(value: str) -> str:
    """Quote a value that begins with a quotation mark: SAM strips one pair of them."""
    return f'"{value}"' if value[:1] in ("'", '"') else value


def read_config(path: Path) -> tuple[str, str, dict[str, str]]:
    """Read stack name, Region and parameters."""
    kept = tomllib.loads(path.read_text())["default"]
    overrides = kept["deploy"]["parameters"].get("parameter_overrides", {})
    if isinstance(overrides, list):  # version 0.1.0 wrote a list of Name=Value
        parameters = dict(each.split("=", 1) for each in overrides)
    else:
        parameters = {name: value[1:-1] if value[:1] in ("'", '"') else value for name, value in overrides.items()}
    return kept["global"]["parameters"]["stack_name"], kept["global"]["parameters"]["region"], parameters


def up(options: argparse.Namespace, console: Console) -> int:
    """Deploy; give SAM's exit code."""
    given = dict(each.split("=", 1) for each in options.parameters)
    if given:
        definitions = load_template()["Parameters"]
        if unknown := sorted(given.keys() - definitions.keys()):
            raise ParameterRefused(f"the template has no parameter {', '.join(unknown)}")
        missing = sorted(n for n, definition in definitions.items() if n not in given and "Default" not in definition)
        if missing:
            raise ParameterRefused(f"{', '.join(missing)} must be given")
        parameters = {name: check(name, value, definitions[name]) for name, value in given.items()}
        write_config(options.config, options.stack, options.region or _region(), parameters)
    elif not options.config.exists():
        console.print("First deployment: a few questions. The answers are kept in samconfig.toml.")
        stack = Prompt.ask("Stack name", console=console, default=options.stack)
        region = Prompt.ask("Region", console=console, default=options.region or _region())
        write_config(options.config, stack, region, ask(console, region))
    stack, region, parameters = read_config(options.config)
    write_config(options.config, stack, region, parameters)
    command: list[str | Path] = [SAM, "deploy", "--template-file", TEMPLATE, "--config-file", options.config]
    code = subprocess.run(command, cwd=ROOT, env=_quiet(), check=False).returncode
    if code:
        return code
    outputs = _outputs(stack, region)
    _look_at_the_crl(options, console, parameters, outputs["CrlBucketName"], region)
    console.print(f"\nStart: {outputs['StartCommand']}", soft_wrap=True, highlight=False)
    console.print(f"Watch: {outputs['ConsoleUrl']}", soft_wrap=True, highlight=False)
    console.print(f"       {outputs['DashboardUrl']}", soft_wrap=True, highlight=False)
    return 0


def _region() -> str:
    """Give the aws command's own Region; boto3 would not read AWS_REGION."""
    return os.environ.get("AWS_REGION") or boto3.Session().region_name or "eu-central-1"


def _quiet() -> dict[str, str]:
    return {**os.environ, "SAM_CLI_TELEMETRY": "0"}


def _outputs(stack: str, region: str) -> dict[str, str]:
    described = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}


def _look_at_the_crl(
    options: argparse.Namespace, console: Console, parameters: Mapping[str, str], bucket: str, region: str
) -> None:
    """See that the CA writes its CRL where the stack reads it, and that the bucket does its part."""
    arn = parameters["CertificateAuthorityArn"]
    said = crl_bucket.differs(arn, bucket, region)
    if said:
        console.print(f"\n[yellow]{said}[/]", soft_wrap=True)
        wanted = options.turn_on_crl or (console.is_terminal and Confirm.ask("Change it now?", default=False))
        told = crl_bucket.turn_on(arn, bucket, region) if wanted else "Left as it is: make deploy TURN_ON_CRL=yes"
        console.print(told, soft_wrap=True, highlight=False)
    for fault in crl_bucket.faults(arn, bucket, region, parameters.get("CrlFolder", "crl")):
        console.print(f"[yellow]{fault}[/]", soft_wrap=True, highlight=False)


def down(options: argparse.Namespace, console: Console) -> int:
    """Remove the stack; give SAM's exit code."""
    stack, region, parameters = read_config(options.config)
    if not options.yes and Prompt.ask(f"This removes the stack. Type its name ({stack})", console=console) != stack:
        console.print("Nothing was removed.")
        return 1
    buckets = [_outputs(stack, region)[name] for name in ("CrlBucketName", "WorkflowBucketName")]
    arn = parameters["CertificateAuthorityArn"]
    if not crl_bucket.differs(arn, buckets[0], region):
        console.print(f"[yellow]{arn} goes on writing its CRL to {buckets[0]}; without the policy it cannot.[/]")
    command: list[str | Path] = [SAM, "delete", "--no-prompts", "--stack-name", stack, "--region", region]
    code = subprocess.run(command, cwd=ROOT, env=_quiet(), check=False).returncode
    if not code:
        console.print(f"Kept: s3://{buckets[0]} (CRLs) and s3://{buckets[1]} (reports); empty and delete them by hand.")
    return code


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--stack", default=STACK)
    parser.add_argument("--region")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--turn-on-crl", action="store_true", help="point the CA's CRL to the stack's bucket")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument(
        "parameters", nargs="*", metavar="Name=Value", help="of the template, in the place of questions"
    )
    return parser.parse_intermixed_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Do it, and put what is refused in words."""
    options, console = _options(arguments), Console()
    try:
        return up(options, console) if options.what == "up" else down(options, console)
    except (ParameterRefused, ClientError, BotoCoreError, FileNotFoundError) as refused:
        print(f"make {'deploy' if options.what == 'up' else 'destroy'}: {refused}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
