"""Publish the events of S3, Private CA and Step Functions.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html,
https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html and
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import itertools
import json
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

from moto.s3 import notifications
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from infra.local.core.settings import CrlFailure, Settings
from infra.local.events import service as events

# What is replaced below.
STOCK_S3_MESSAGE = notifications._send_event_bridge_message  # noqa: SLF001
STOCK_START = Execution.start
STOCK_TERMINATED = BaseExecutionWorkerCommunication.terminated

LARGEST_DATA = 248 * 1024  # bytes of input and output, escaped; larger ones are left out
_CREATED = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_sequence = itertools.count(time.time_ns() // 1000)


def certificate_revoked(ca_arn: str, region_name: str, serial: int) -> None:
    """Publish that a certificate was revoked."""
    resources = [ca_arn, f"{ca_arn}/certificate/{serial:032x}"]
    events.publish(
        region_name, "aws.acm-pca", "ACM Private CA Certificate Revocation", resources, {"result": "success"}
    )


def crl_generated(ca_arn: str, region_name: str, failure: CrlFailure | None) -> None:
    """Publish the result of generating a CRL."""
    detail = {"result": "failure", "reason": str(failure)} if failure else {"result": "success"}
    events.publish(region_name, "aws.acm-pca", "ACM Private CA CRL Generation", [ca_arn], detail)


def install(settings: Settings) -> None:
    """Make S3 and Step Functions publish their events."""

    def object_event(account_id: str, bucket: Any, event_name: str, key: Any) -> None:  # noqa: ANN401 - moto's own
        """Publish that an object was created; replaces moto's `_send_event_bridge_message`."""
        reason = _CREATED.get(str(getattr(event_name, "value", event_name)))
        # moto notifies of a multipart upload twice, the first time as PutObject.
        is_duplicate = reason == "PutObject" and key.multipart is not None
        if reason is None or is_duplicate or not settings.events.sends_s3_events:
            return
        version = {} if key.version_id in {None, "null"} else {"version-id": key.version_id}
        object_ = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), **version}
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {**object_, "sequencer": f"{next(_sequence):016X}"},
            "request-id": uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        }
        events.publish(bucket.region_name, "aws.s3", "Object Created", [bucket.arn], detail)

    notifications._send_event_bridge_message = object_event  # noqa: SLF001
    Execution.start = _start  # type: ignore[assignment,method-assign]
    BaseExecutionWorkerCommunication.terminated = _terminated  # type: ignore[assignment,method-assign]


def _start(execution: Execution) -> None:
    STOCK_START(execution)
    _status_changed(execution, "RUNNING")


def _terminated(communication: BaseExecutionWorkerCommunication) -> None:
    STOCK_TERMINATED(communication)
    _status_changed(communication.execution, communication.execution.status)


def _status_changed(execution: Any, status: str) -> None:  # noqa: ANN401 - moto has two classes of that name
    if execution.sm_type == "EXPRESS":  # they send no events
        return
    input_ = to_json_str(execution.input_data, separators=(",", ":"))
    output = to_json_str(execution.output, separators=(",", ":")) if status == "SUCCEEDED" else None
    keeps_output = _escaped_size(output) <= LARGEST_DATA
    keeps_input = _escaped_size(input_) + (_escaped_size(output) if keeps_output else 0) <= LARGEST_DATA
    stopped_at = None if status == "RUNNING" else execution.stop_date
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(stopped_at),
        "input": input_ if keeps_input else None,
        "output": output if keeps_output else None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "REDRIVABLE" if status in {"FAILED", "TIMED_OUT", "ABORTED"} else "NOT_REDRIVABLE",
        "redriveStatusReason": _not_redrivable(status),
        "inputDetails": {"included": keeps_input},
        "outputDetails": None if output is None else {"included": keeps_output},
        "error": execution.error,
        "cause": execution.cause,
    }
    events.publish(
        execution.region_name, "aws.states", "Step Functions Execution Status Change", [execution.exec_arn], detail
    )


def _not_redrivable(status: str) -> str | None:
    if status == "RUNNING":
        return "Execution is RUNNING and cannot be redriven"
    return "Execution is SUCCEEDED and cannot be redriven" if status == "SUCCEEDED" else None


def _escaped_size(text: str | None) -> int:
    return 0 if text is None else len(json.dumps(text, ensure_ascii=False).encode())


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
