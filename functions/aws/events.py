"""Every call of Amazon EventBridge: one function per API action."""

import functools
import json
from typing import TYPE_CHECKING, Any

import boto3

from functions.aws.client import PATIENT, translate_errors
from functions.errors import AwsCallRefused

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


@functools.cache
def _events() -> "EventBridgeClient":
    return boto3.client("events", config=PATIENT)


def put_event(bus_name: str, source: str, detail_type: str, detail: dict[str, Any]) -> str:
    """Send one event and return its id.

    Raises:
        AwsCallRefused: the call failed, or it succeeded but did not accept its one event.

    """
    entry = {"EventBusName": bus_name, "Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    with translate_errors("PutEvents", bus_name):
        response = _events().put_events(Entries=[entry])  # type: ignore[list-item] # the shape is right
        result = response["Entries"][0]
    if "EventId" not in result:
        raise AwsCallRefused(f"PutEvents on {bus_name} did not accept the event: {result}")
    return result["EventId"]
