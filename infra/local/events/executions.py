"""Publish the events of Step Functions, when an execution starts and when it ends.

Shape: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution

from infra.local.events import service as events
from infra.local.stepfunctions import ending

# What is replaced below.
STOCK_START = Execution.start

LARGEST_DATA = 248 * 1024  # bytes of input and output, escaped; larger ones are left out


def install() -> None:
    """Make Step Functions publish its events."""
    Execution.start = _start  # type: ignore[assignment,method-assign]
    if _ended not in ending.listeners:
        ending.listeners.append(_ended)


def _start(execution: Execution) -> None:
    STOCK_START(execution)
    _status_changed(execution, "RUNNING")


def _ended(execution: Execution) -> None:
    _status_changed(execution, execution.status)


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
