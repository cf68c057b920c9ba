"""`make deploy` and `make destroy`: run SAM, keep the answers in samconfig.toml, and check the CA's CRL and its bucket.

The first run asks for every parameter of the template; later runs use the answers of the first.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.prompt import Confirm, Prompt

from infra.deploy import crl_bucket
from infra.deploy.config import read_config, write_config
from infra.deploy.namesakes import find_namesakes
from infra.deploy.parameters import ParameterRefused, ask_parameters, check_parameter
from infra.template import TEMPLATE, load_template

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "samconfig.toml"
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
DEFAULT_STACK = "mtls-revocation"


def deploy_stack(options: argparse.Namespace, console: Console) -> int:
    """Deploy the stack, and return SAM's exit code."""
    parameters = dict(each.split("=", 1) for each in options.parameters)
    if parameters:
        definitions = load_template()["Parameters"]
        if unknown := sorted(parameters.keys() - definitions.keys()):
            raise ParameterRefused(f"the template has no parameter {', '.join(unknown)}")
        missing = sorted(
            n for n, definition in definitions.items() if n not in parameters and "Default" not in definition
        )
        if missing:
            raise ParameterRefused(f"{', '.join(missing)} must be given")
        for name, value in parameters.items():
            check_parameter(name, value, definitions[name])
        write_config(options.config, options.stack, options.region or _region(), parameters)
    elif not options.config.exists():
        console.print("First deployment: a few questions. The answers are kept in samconfig.toml.")
        stack = Prompt.ask("Stack name", console=console, default=options.stack)
        region = Prompt.ask("Region", console=console, default=options.region or _region())
        write_config(options.config, stack, region, ask_parameters(console, region))
    stack, region, parameters = read_config(options.config)
    command: list[str | Path] = [SAM, "deploy", "--template-file", TEMPLATE, "--config-file", options.config]
    code = subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode
    if code:
        return code
    outputs = _outputs(stack, region)
    _check_crl(options, console, parameters, outputs["CrlBucketName"], region)
    console.print(f"\nStart: {outputs['StartCommand']}", soft_wrap=True, highlight=False)
    console.print(f"Watch: {outputs['ConsoleUrl']}", soft_wrap=True, highlight=False)
    console.print(f"       {outputs['DashboardUrl']}", soft_wrap=True, highlight=False)
    return 0


def _region() -> str:
    """Return the Region that the aws command uses; boto3 does not read AWS_REGION."""
    return os.environ.get("AWS_REGION") or boto3.Session().region_name or "eu-central-1"


def _environment() -> dict[str, str]:
    return {**os.environ, "SAM_CLI_TELEMETRY": "0"}


def _outputs(stack: str, region: str) -> dict[str, str]:
    description = boto3.client("cloudformation", region_name=region).describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in description["Outputs"]}


def _check_crl(
    options: argparse.Namespace, console: Console, parameters: Mapping[str, str], bucket: str, region: str
) -> None:
    """Warn if the CA's CRL goes elsewhere than the stack reads it, if its bucket lacks something, or of namesakes."""
    arn = parameters["CertificateAuthorityArn"]
    difference = crl_bucket.find_difference(arn, bucket, region)
    if difference:
        console.print(f"\n[yellow]{difference}[/]", soft_wrap=True)
        if options.turn_on_crl or (console.is_terminal and Confirm.ask("Change it now?", default=False)):
            outcome = crl_bucket.turn_on_crl(arn, bucket, region)
        else:
            outcome = "Not changed. To change it: make deploy TURN_ON_CRL=yes"
        console.print(outcome, soft_wrap=True, highlight=False)
    if parameters.get("AcceptNamesakes") != "true":
        for namesakes in find_namesakes(arn, parameters.get("TrustStoreArns", ""), region):
            console.print(f"[yellow]{namesakes}, or set AcceptNamesakes[/]", soft_wrap=True, highlight=False)
    for problem in crl_bucket.find_problems(arn, bucket, region, parameters.get("CrlFolder", "crl")):
        console.print(f"[yellow]{problem}[/]", soft_wrap=True, highlight=False)


def destroy_stack(options: argparse.Namespace, console: Console) -> int:
    """Remove the stack, and return SAM's exit code; 1 if the operator does not confirm."""
    stack, region, parameters = read_config(options.config)
    if not options.yes and Prompt.ask(f"This removes the stack. Type its name ({stack})", console=console) != stack:
        console.print("Nothing was removed.")
        return 1
    buckets = [_outputs(stack, region)[name] for name in ("CrlBucketName", "WorkflowBucketName")]
    arn = parameters["CertificateAuthorityArn"]
    if not crl_bucket.find_difference(arn, buckets[0], region):
        console.print(
            f"[yellow]{arn} still writes its CRL to {buckets[0]}, and will fail to without the bucket policy.[/]"
        )
    command: list[str | Path] = [SAM, "delete", "--no-prompts", "--stack-name", stack, "--region", region]
    code = subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode
    if not code:
        console.print(f"Kept: s3://{buckets[0]} (CRLs) and s3://{buckets[1]} (reports); empty and delete them by hand.")
    return code


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line; None stands for the process's own."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("--stack", default=DEFAULT_STACK)
    parser.add_argument("--region")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--turn-on-crl", action="store_true", help="have the CA write its CRL to the stack's bucket")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument("parameters", nargs="*", metavar="Name=Value", help="of the template; nothing is asked")
    return parser.parse_intermixed_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 2 for what is refused, with its message on stderr."""
    options, console = parse_options(arguments), Console()
    try:
        return deploy_stack(options, console) if options.command == "up" else destroy_stack(options, console)
    except (ParameterRefused, ClientError, BotoCoreError, FileNotFoundError) as error:
        print(f"make {'deploy' if options.command == 'up' else 'destroy'}: {error}", file=sys.stderr)
        return 2
