"""The stack that a command works on, found by name or ARN; and the exit code and message of what goes wrong."""

import functools
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from functions import text

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_NAME = "mtls-revocation"
_STATE_MACHINE_ARN = re.compile(r"arn:[a-z-]+:states:([a-z0-9-]+):[0-9]{12}:stateMachine:[^:]+")
# Exit codes that scripts can trust; click's own 2 is for a command line that cannot be read.
ENFORCED, NOT_ENFORCED, UNUSABLE, UNREACHABLE, UNFINISHED = range(5)


class _PrintableError(click.ClickException):
    """An error whose message may quote what somebody else has chosen."""

    def format_message(self) -> str:
        """Return the message as it is shown."""
        return text.indented(self.message)


class Unreachable(_PrintableError):
    """AWS could not be reached, or denied access."""

    exit_code = UNREACHABLE


class Unusable(_PrintableError):
    """The arguments cannot be used; nothing was done."""

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
        """Environment variables of PlanRevocationFunction: the settings of every execution."""
        definition = json.loads(
            self.stepfunctions.describe_state_machine(stateMachineArn=self.state_machine_arn)["definition"]
        )
        function = definition["States"]["PlanRevocation"]["Resource"]
        configuration = boto3.client("lambda").get_function_configuration(FunctionName=function)
        return dict(configuration.get("Environment", {}).get("Variables", {}))

    def upload(self, bucket: str, key: str, body: bytes) -> str:
        """Upload a file and return its version."""
        return boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]

    def execution_arn(self, name_or_arn: str) -> str:
        """Return the ARN of an execution that is named by either."""
        if name_or_arn.startswith("arn:"):
            return name_or_arn
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name_or_arn}"


def use_region(state_machine_arn: str | None) -> None:
    """Set boto3's Region to the state machine's, or to AWS_REGION as the aws command does; boto3 reads neither.

    Raises:
        Unusable: the ARN is not a state machine's.

    """
    region = os.environ.get("AWS_REGION")
    if state_machine_arn:
        match = _STATE_MACHINE_ARN.fullmatch(state_machine_arn)
        if not match:
            source = "(--state-machine-arn, STATE_MACHINE_ARN; without a version or an alias)"
            raise Unusable(f"{state_machine_arn!r} is not a state machine's ARN {source}")
        region = match[1]
    if region:
        os.environ["AWS_DEFAULT_REGION"] = region


def find_stack(name: str, state_machine_arn: str | None) -> Stack:
    """Return the stack.

    Raises:
        Unusable: this account and Region have no stack of this name.
        Unreachable: CloudFormation could not be reached, or denied access.

    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if endpoint and "://" not in endpoint:
        raise Unusable(f"AWS_ENDPOINT_URL is {endpoint!r}: write http://{endpoint}")
    if state_machine_arn:
        return Stack(name, state_machine_arn)
    try:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise unreachable(error) from None
        message = error.response["Error"].get("Message", "")
        raise Unusable(
            f"there is no stack {name!r} here ({message}): give --stack, or STATE_MACHINE_ARN, and the right AWS_REGION"
        ) from None
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    return Stack(name, outputs["StateMachineArn"])


def unreachable(error: ClientError | BotoCoreError) -> Unreachable:
    """Return AWS's error as the command line shows it."""
    if isinstance(error, ClientError):
        details = error.response["Error"]
        return Unreachable(f"{error.operation_name} was refused: {details['Code']}: {details.get('Message', '')}")
    return Unreachable(f"AWS could not be reached: {error}")


def exit_on_aws_error(command: Command) -> Command:
    """Exit with the command's code, or with `Unreachable` and its message when AWS refuses a call."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> NoReturn:  # noqa: ANN401 - of click
        try:
            sys.exit(command(*arguments, **options))
        except (ClientError, BotoCoreError) as error:
            raise unreachable(error) from None

    return run  # type: ignore[return-value] # click calls it


def with_stack(command: Command) -> Command:
    """Pass the stack as the command's first argument, and exit as `exit_on_aws_error` does."""

    @click.pass_obj
    @exit_on_aws_error
    @functools.wraps(command)
    def run(find: Callable[[], Stack], /, **options: Any) -> int:  # noqa: ANN401 - of click
        return int(command(find(), **options))

    return run  # type: ignore[return-value] # click calls it


def echo(shown: str, *, nl: bool = True, err: bool = False) -> None:
    """Print text; characters that a terminal would obey are shown as escapes, no matter who has chosen them."""
    click.echo(text.printable(shown), nl=nl, err=err)


def to_json(value: Any) -> str:  # noqa: ANN401 - JSON
    """Write JSON for machines."""
    return json.dumps(value, indent=2, default=str)


def default_name() -> str:
    """Return $STACK, or the name that `make deploy` suggests."""
    return os.environ.get("STACK", DEFAULT_NAME)
