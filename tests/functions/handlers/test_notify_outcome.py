"""NotifyOutcome sends the outcome that the report states."""

import pytest

from functions import workflow_bucket
from functions.handlers.notify_outcome import notify_outcome
from functions.models.drift import DriftStatus
from functions.models.report import SerialReport, Summary
from functions.models.states import Drift, NotifyOutcomeInput
from functions.pki import serial_number
from tests.support.pki import NOW, A
from tests.support.reporting import REVOKED, ReceiveMessages, make_report
from tests.support.steps import Steps


def test_outcome(steps: Steps, receive_messages: ReceiveMessages) -> None:
    """The message lists each serial and whether it is enforced."""
    summary = Summary(serials=1, revoked=1, already_revoked=0, expired=0, failed=0, in_crl=1, enforced=1)
    serial = SerialReport(serial=A, outcome=REVOKED, enforced=True)
    report = make_report(execution_name=steps.name, summary=summary, serials=[serial])
    report_json, _ = workflow_bucket.put_report(report, "")
    assert notify_outcome(NotifyOutcomeInput(report=report_json), NOW).message_id
    (message,) = receive_messages()
    assert message["Subject"] == "mTLS revocation completed: blocked 1 of 1 certificates"
    assert f"{serial_number.to_hex(A)}  REVOKED, enforced" in message["Message"]


@pytest.mark.parametrize("status", [DriftStatus.NONE, DriftStatus.NO_CRL])
def test_reconcile_that_did_nothing(steps: Steps, status: DriftStatus) -> None:
    """Nothing is sent: it would be a message every hour of every day."""
    drift = Drift(status=status, crl_number=7)
    report = make_report(execution_name=steps.name, reconcile=True, drift=drift)
    report_json, _ = workflow_bucket.put_report(report, "")
    assert notify_outcome(NotifyOutcomeInput(report=report_json), NOW).message_id is None
