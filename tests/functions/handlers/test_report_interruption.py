"""ReportInterruption reports an execution that timed out or was stopped, once."""

import json
from typing import Any

import pytest

from functions import workflow_bucket
from functions.aws import s3, stepfunctions
from functions.environment import environment
from functions.handlers.report_interruption import report_interruption
from functions.models.events import ExecutionStatusEvent
from functions.models.states import CrlStatus
from functions.pki import serial_number
from tests.support.pki import NOW, A
from tests.support.reporting import (
    REVOKED,
    ReceiveMessages,
    found,
    prepared_state,
    revocations,
    state_entered,
)
from tests.support.steps import EXECUTION, Steps

START = int(NOW.timestamp() * 1000)
DAYS_100 = 100 * 86_400_000


@pytest.fixture
def detail(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the detail of the event of an execution that timed out after a certificate was revoked."""
    (revocation,) = revocations({A: REVOKED})
    state = {
        **prepared_state(steps, A),
        "Revocations": [revocation.model_dump(mode="json", exclude_none=True)],
        "Found": found(CrlStatus.NOT_YET, A).model_dump(mode="json", exclude_none=True),
        "Failure": {"Error": "States.Timeout", "Cause": "before"},
    }
    monkeypatch.setattr(stepfunctions, "get_execution_history", lambda _: [state_entered(state)])
    return {
        "executionArn": EXECUTION + steps.name,
        "name": steps.name,
        "status": "TIMED_OUT",
        "startDate": START,
        "error": "E",
        "cause": "c",
    }


def test_interruption(detail: dict[str, Any], receive_messages: ReceiveMessages) -> None:
    """The message names what is revoked but not blocked; a second event of the same execution sends nothing."""
    event = ExecutionStatusEvent.model_validate({"detail": detail})
    assert report_interruption(event, NOW).message_id
    (message,) = receive_messages()
    assert message["Subject"] == "mTLS revocation failed: ExecutionInterrupted, blocked 0 of 1 certificates"
    assert "TIMED_OUT without a report of its own (E: c); before that, States.Timeout: before" in message["Message"]
    assert serial_number.to_hex(A) in message["Message"]
    assert report_interruption(event, NOW).message_id is None
    later = {**detail, "startDate": START + DAYS_100, "error": None}
    assert report_interruption(ExecutionStatusEvent.model_validate({"detail": later}), NOW).message_id


def test_dry_run(detail: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted dry run has changed nothing: no report is written, and nothing is sent."""
    history = [state_entered({"Request": {"DryRun": True}})]
    monkeypatch.setattr(stepfunctions, "get_execution_history", lambda _: history)
    assert report_interruption(ExecutionStatusEvent.model_validate({"detail": detail}), NOW).message_id is None
    assert workflow_bucket.last_report(detail["name"]) is None


def test_report_of_an_earlier_version(detail: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A report whose other fields have changed since still says which execution wrote it."""
    earlier = {"ExecutionArn": detail["executionArn"], "StartTime": NOW.isoformat(), "FieldNoLongerKnown": "…"}
    body = json.dumps({**earlier, "Drift": {"Status": "LASTING"}}).encode()
    key = f"executions/{detail['name']}/report.json"
    s3.put_object(environment().workflow_bucket, key, body, "application/json")
    monkeypatch.delattr(stepfunctions, "get_execution_history")  # not needed
    assert report_interruption(ExecutionStatusEvent.model_validate({"detail": detail}), NOW).message_id is None
