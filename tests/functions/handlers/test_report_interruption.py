"""ReportInterruption reports an execution that timed out or was stopped, once."""

import json
from typing import Any

import pytest

from functions import workflow_bucket
from functions.aws import s3, stepfunctions
from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.handlers.report_interruption import report_interruption
from functions.models.events import ExecutionStatusEvent
from functions.models.states import CrlStatus
from functions.pki import serial_number
from functions.report import notification
from infra.local.core import faults
from tests.support.pki import HOUR, NOW, A
from tests.support.reporting import (
    REVOKED,
    ReceiveMessages,
    found,
    make_report,
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


def test_report_that_another_version_wrote(detail: dict[str, Any], receive_messages: ReceiveMessages) -> None:
    """A report that cannot be read is replaced."""
    earlier = {"ExecutionArn": detail["executionArn"], "StartTime": NOW.isoformat(), "FieldNoLongerKnown": "…"}
    body = json.dumps({**earlier, "Drift": {"Status": "LASTING"}}).encode()
    key = f"executions/{detail['name']}/report.json"
    s3.put_object(environment().workflow_bucket, key, body, "application/json")
    report_interruption(ExecutionStatusEvent.model_validate({"detail": detail}), NOW)
    (message,) = receive_messages()
    assert "without a report of its own" in message["Message"]


def test_notification_that_failed_once(detail: dict[str, Any], receive_messages: ReceiveMessages) -> None:
    """If the report was written and could not be sent, the next attempt sends it."""
    event = ExecutionStatusEvent.model_validate({"detail": detail})
    faults.add("sns:Publish", code="AuthorizationError")
    with pytest.raises(AwsCallRefused):
        report_interruption(event, NOW)
    assert report_interruption(event, NOW + HOUR).message_id
    assert len(receive_messages()) == 1
    last = workflow_bucket.last_report(detail["name"])
    assert last
    assert last[0].reported_at == NOW


def test_report_of_a_success(detail: dict[str, Any], receive_messages: ReceiveMessages) -> None:
    """An execution that ended without success after it had reported one is reported as that, once."""
    success = make_report(execution_name=detail["name"], execution_arn=detail["executionArn"])
    notification.send_outcome(success, workflow_bucket.put_report(success, "")[0])
    event = ExecutionStatusEvent.model_validate({"detail": detail})
    assert report_interruption(event, NOW).message_id
    assert report_interruption(event, NOW).message_id is None
    _, message = receive_messages()
    assert "TIMED_OUT after it had reported SUCCEEDED (E: c)" in message["Message"]
