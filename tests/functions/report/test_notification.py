"""Notifications contain what people and programs need, and stay within the limits of SNS and EventBridge."""

import json
from collections.abc import Callable

import pytest

from functions import workflow_bucket
from functions.models.base import S3Object
from functions.models.drift import DriftKind, DriftStatus, TrustStoreDrift
from functions.models.report import SerialReport
from functions.models.states import CrlStatus, Drift, Failure, Notice, RevocationOutcome
from functions.pki import serial_number
from functions.report import notification
from tests.support.pki import A, B
from tests.support.reporting import found, make_report
from tests.support.steps import Steps

LONGEST_SERIAL = 2**159 + 1
REPORT_JSON = S3Object(bucket="b", key="executions/e/report.json", version_id="1")
TRUST_STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/b"


def test_delayed_with_private_cas_reason(steps: Steps) -> None:
    """The notification of a long wait contains Private CA's reason where that is known."""
    manifest = workflow_bucket.get_manifest(steps.manifest(A, B))
    failure = Failure(error="CrlBucketNotWritable", cause="Private CA reported an error")
    waiting = found(CrlStatus.NOT_YET, A, notices=[Notice.STILL_WAITING], generation_failure=failure)
    message = notification.for_waiting(manifest, waiting)
    assert message.subject.startswith("mTLS revocation delayed: STILL ACCEPTED until the CRL is attached: 1 of 2")
    assert "Private CA reported an error" in message.lines
    assert message.detail["MissingSerials"] == [serial_number.to_hex(A)]


def waiting_for_500(steps: Steps) -> notification.Notification:
    """Return the notification of a wait for 500 of the longest serials."""
    serials = [LONGEST_SERIAL + each for each in range(500)]
    manifest = workflow_bucket.get_manifest(steps.manifest(*serials))
    waiting = found(CrlStatus.NOT_YET, *serials, wanted=500, notices=[Notice.WAIT_BEGINS])
    return notification.for_waiting(manifest, waiting)


def outcome_of_500(_steps: Steps) -> notification.Notification:
    """Return the notification of an execution that failed with a long cause and 500 of the longest serials."""
    serials = [
        SerialReport(serial=LONGEST_SERIAL + each, outcome=RevocationOutcome.ALREADY_REVOKED) for each in range(500)
    ]
    report = make_report(outcome="FAILED", error="E", cause="x" * 300_000, serials=serials)
    message = notification.for_outcome(report, REPORT_JSON)
    assert message
    return message


@pytest.mark.parametrize("build", [waiting_for_500, outcome_of_500])
def test_limits(steps: Steps, build: Callable[[Steps], notification.Notification]) -> None:
    """500 of the longest serials fit into an event; the message contains a hundred of them."""
    message = build(steps)
    assert len(message.subject) <= 100
    assert message.subject.isascii()
    assert len(json.dumps(message.detail)) < 200_000
    assert len("\n".join(message.lines)) < 200_000
    assert "  and 400 more: see the execution" in message.lines


def test_corrected_drift() -> None:
    """Each trust store is named with the drift that was corrected."""
    lacking = TrustStoreDrift(trust_store_arn=TRUST_STORE, kind=DriftKind.NO_LIST)
    drift = Drift(status=DriftStatus.CONFIRMED, crl_number=7, trust_stores=[lacking])
    message = notification.for_outcome(make_report(reconcile=True, drift=drift), REPORT_JSON)
    assert message
    assert f"{TRUST_STORE}: NO_LIST corrected; it holds CRL number 7." in message.lines
