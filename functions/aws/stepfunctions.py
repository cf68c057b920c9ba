"""Every call of AWS Step Functions: one function per API action."""

import functools
from typing import TYPE_CHECKING, Any

import boto3

from functions.aws.client import PATIENT, translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_stepfunctions import SFNClient


@functools.cache
def _stepfunctions() -> "SFNClient":
    return boto3.client("stepfunctions", config=PATIENT)


def get_execution_history(execution_arn: str) -> "Iterator[dict[str, Any]]":
    """Return the events of an execution, oldest first."""
    with translate_errors("GetExecutionHistory", execution_arn):
        paginator = _stepfunctions().get_paginator("get_execution_history")
        for page in paginator.paginate(executionArn=execution_arn, PaginationConfig={"PageSize": 1000}):
            yield from (dict(event) for event in page["events"])
