"""The calls that tell people and programs what happens, and the one that reads what an execution did."""

import functools
import json
from typing import TYPE_CHECKING, Any

import boto3

from functions.aws.client import PATIENT, translate_errors
from functions.errors import AwsCallRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient


@functools.cache
def _sns() -> "SNSClient":
    return boto3.client("sns", config=PATIENT)


@functools.cache
def _events() -> "EventBridgeClient":
    return boto3.client("events", config=PATIENT)


@functools.cache
def _stepfunctions() -> "SFNClient":
    return boto3.client("stepfunctions", config=PATIENT)


def publish(topic_arn: str, subject: str, message: str) -> str:
    """Send a message to people; give its id."""
    with translate_errors("Publish", topic_arn):
        return _sns().publish(TopicArn=topic_arn, Subject=subject, Message=message)["MessageId"]


def put_event(bus_name: str, source: str, detail_type: str, detail: dict[str, Any]) -> str:
    """Send an event to programs; give its id.

    Raises:
        AwsCallRefused: also when the call was taken and its one event was not.

    """
    entry = {"EventBusName": bus_name, "Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    with translate_errors("PutEvents", bus_name):
        answer = _events().put_events(Entries=[entry])  # type: ignore[list-item] # the shape is right
    told = answer["Entries"][0]
    if "EventId" not in told:
        raise AwsCallRefused(f"PutEvents on {bus_name} did not take the event: {told}")
    return told["EventId"]


def get_execution_history(execution_arn: str) -> "Iterator[dict[str, Any]]":
    """Give the events of an execution, the first first."""
    with translate_errors("GetExecutionHistory", execution_arn):
        pages = _stepfunctions().get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        for page in pages:
            yield from (dict(event) for event in page["events"])
