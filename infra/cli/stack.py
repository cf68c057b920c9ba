"""Where the stack is: its state machine, its buckets and its settings, asked of AWS (or of the embedded one)."""

import functools
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

NAME = "mtls-revocation"
_STATE_MACHINE_ARN = re.compile(r"arn:[a-z-]+:states:([a-z0-9-]+):[0-9]{12}:stateMachine:[^:]+")
# Exit codes that scripts can trust; click's own 2 is for a command line that cannot be read.
ENFORCED, NOT_ENFORCED, UNUSABLE, UNREACHABLE, UNFINISHED = range(5)


class Unreachable(click.ClickException):
    """AWS could not be asked, or does not let the caller ask."""

    exit_code = UNREACHABLE


class Unusable(click.ClickException):
    """What was given cannot be used; nothing was done."""

    exit_code = UNUSABLE


@dataclass(frozen=True)
class Stack:
    """A deployed stack, found by its name or by its state machine's ARN."""

    name: str
    state_machine_arn: str

    @property
    def stepfunctions(self) -> "SFNClient":
        """Step Functions."""
        return boto3.client("stepfunctions")

    @functools.cached_property
    def settings(self) -> dict[str, str]:
        """The settings of the function that makes a plan: the same that every execution has."""
        definition = json.loads(
            self.stepfunctions.describe_state_machine(stateMachineArn=self.state_machine_arn)["definition"]
        )
        function = definition["States"]["PlanRevocation"]["Resource"]
        found = boto3.client("lambda").get_function_configuration(FunctionName=function)
        return dict(found.get("Environment", {}).get("Variables", {}))

    def upload(self, bucket: str, key: str, body: bytes) -> str:
        """Put a file where inputs lie; give its version."""
        return boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]

    def execution_arn(self, text: str) -> str:
        """Complete the name of an execution to its ARN."""
        if text.startswith("arn:"):
            return text
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{text}"


def use_region(state_machine_arn: str | None) -> None:
    """Have boto3 use the state machine's Region, or AWS_REGION as the aws command does; it would read neither itself.

    Raises:
        Unusable: that is no state machine's ARN.

    """
    region = os.environ.get("AWS_REGION")
    if state_machine_arn:
        if not (found := _STATE_MACHINE_ARN.fullmatch(state_machine_arn)):
            told = "(--state-machine-arn, STATE_MACHINE_ARN; without a version or an alias)"
            raise Unusable(f"{state_machine_arn!r} is no state machine's ARN {told}")
        region = found[1]
    if region:
        os.environ["AWS_DEFAULT_REGION"] = region


def find(name: str, state_machine_arn: str | None) -> Stack:
    """Find the stack.

    Raises:
        Unusable: there is none of this name in this account and Region.

    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if endpoint and "://" not in endpoint:
        raise Unusable(f"AWS_ENDPOINT_URL is {endpoint!r}: write http://{endpoint}")
    if state_machine_arn:
        return Stack(name, state_machine_arn)
    try:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as refusal:
        if refusal.response["Error"]["Code"] != "ValidationError":
            raise reached(refusal) from None
        told = refusal.response["Error"].get("Message", "")
        raise Unusable(
            f"there is no stack {name!r} here ({told}): give --stack, or STATE_MACHINE_ARN, and the right AWS_REGION"
        ) from None
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    return Stack(name, outputs["StateMachineArn"])


def reached(refusal: ClientError | BotoCoreError) -> Unreachable:
    """Word what AWS has refused."""
    if isinstance(refusal, ClientError):
        error, action = refusal.response["Error"], refusal.operation_name
        return Unreachable(f"{action} was refused: {error['Code']}: {error.get('Message', '')}")
    return Unreachable(f"AWS could not be asked: {refusal}")


def plain(text: str) -> str:
    """Take out what a terminal would obey: whoever names a certificate or asks for something chooses the words."""
    return "".join(each if each.isprintable() else "?" for each in text)


def dump(found: Any) -> str:  # noqa: ANN401 - JSON
    """Write JSON for machines."""
    return json.dumps(found, indent=2, default=str)


def default_name() -> str:
    """Give the stack's usual name."""
    return os.environ.get("STACK", NAME)
