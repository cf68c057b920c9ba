"""A stack as CloudFormation has it: the only place that keeps its parameters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from infra.deploy.account import Refused
from infra.deploy.parameters import definitions

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_NEVER_CREATED = {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
_REPAIR = "aws cloudformation continue-update-rollback --stack-name"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack.

    Attributes:
        parameters: those that the template still has.
        is_remains: it failed to be created or deleted; CloudFormation can only delete it.

    """

    name: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    is_remains: bool


def read_stack(name: str) -> Stack | None:
    """Read a stack of this account and Region; None if there is none.

    Raises:
        Refused: it is being changed, or an update could not be rolled back.

    """
    described = _describe(name)
    if described is None:
        return None
    status = described["StackStatus"]
    if status == "UPDATE_ROLLBACK_FAILED":
        raise Refused(f"stack {name} is {status}: repair it with `{_REPAIR} {name}`, and try again")
    if status.endswith("_IN_PROGRESS") and status not in _NEVER_CREATED:
        raise Refused(f"stack {name} is {status}: somebody is changing it. Try again when that has ended")
    values = {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", [])}
    return Stack(
        name,
        {name: value for name, value in values.items() if name in definitions()},
        {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])},
        is_remains=status in _NEVER_CREATED,
    )


def delete_remains(name: str) -> None:
    """Delete a stack that failed to be created or deleted, and wait until it is gone."""
    client = boto3.client("cloudformation")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 5})


def _describe(name: str) -> "StackTypeDef | None":
    try:
        return boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
