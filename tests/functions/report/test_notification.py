"""What people and programs are told, in the middle and at the end, and that it comes out whole."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions import workflow_bucket
from functions.aws import events, sns, stepfunctions
from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.handlers.notify_outcome import notify_outcome
from functions.handlers.notify_waiting import notify_waiting
from functions.handlers.report_crl_failure import report_crl_failure
from functions.handlers.report_interruption import report_interruption
from functions.handlers.report_revocation import report_revocation
from functions.models.base import S3Object
from functions.models.events import CrlGenerationEvent, ExecutionStatusEvent
from functions.models.report import Report, SerialReport, Summary
from functions.models.request import Polling, RevocationReason, Wanted
from functions.models.states import (
    CrlStatus,
    Drift,
    DriftKind,
    DriftStatus,
    Failure,
    Found,
    GatheredState,
    Notice,
    NotifyOutcomeInput,
    NotifyWaitingInput,
    Prepared,
    ReportInput,
    Revocation,
    RevocationOutcome,
    TrustStore,
    TrustStoreDrift,
)
from functions.models.stored import CrlFailure
from functions.pki import serial_number
from functions.report import notification
from functions.report.execution_history import rebuild_state
from functions.report.markdown import render
from infra.local.core import faults
from tests.support.pki import NOW
from tests.support.steps import EXECUTION, A, B, Bench

Fetch = Callable[[], list[dict[str, Any]]]
LONGEST = 2**159 + 1
AT = S3Object(bucket="b", key="executions/e/report.json", version_id="1")


@pytest.fixture
def told(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> Iterator[Fetch]:
    """Give what people are told: a queue that listens to the topic."""
    outputs, sqs = bench.lab.outputs, bench.lab.aws.client("sqs")
    lambda_environment.setenv("TOPIC_ARN", outputs["NotificationTopicArn"])
    lambda_environment.setenv("EVENT_BUS_NAME", outputs["EventBusName"])
    lambda_environment.setenv("CRL_BUCKET", "the-crl-bucket")
    environment.cache_clear()
    for name, value in bench.lab.aws.environment().items():
        lambda_environment.setenv(name, value)
    queue = sqs.create_queue(QueueName=bench.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns_client = bench.lab.aws.client("sns")
    subscribed = sns_client.subscribe(TopicArn=outputs["NotificationTopicArn"], Protocol="sqs", Endpoint=arn)

    def fetch() -> list[dict[str, Any]]:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in got]

    yield fetch
    sns_client.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)
    for cached in (sns._sns, events._events, stepfunctions._stepfunctions):  # noqa: SLF001 - of this AWS
        cached.cache_clear()


def found(*missing: int, notice: Notice = Notice.WAIT_BEGINS, **more: Any) -> Found:  # noqa: ANN401 - fields
    """Make FindCrl's answer while serials are missing."""
    return Found(
        status=CrlStatus.NOT_YET,
        polls=1,
        deadline=NOW + timedelta(hours=2),
        deadline_passed=False,
        number_wanted=2,
        number_missing=len(missing),
        missing_serials=list(missing),
        first_poll_at=NOW,
        notices=[notice],
        notice_due=True,
        **more,
    )


def report(**more: Any) -> Report:  # noqa: ANN401 - fields of the report
    """Make a report, of a success unless told otherwise."""
    known = {"outcome": "SUCCEEDED", "execution_arn": EXECUTION + "e", "execution_name": "e"}
    return Report.model_validate({**known, "start_time": NOW, "reported_at": NOW, **more})


def test_the_wait_is_told_with_what_to_block_meanwhile(bench: Bench, told: Fetch) -> None:
    """The serials stand there as the header at the targets has them."""
    manifest = bench.manifest(A, B, ticket="SEC-1")
    answer = notify_waiting(NotifyWaitingInput(manifest=manifest, found=found(A, B)), NOW)
    assert answer.message_id
    assert answer.event_id
    (message,) = told()
    assert message["Subject"].startswith("Waiting: 2 of 2 revoked certificates are STILL ACCEPTED")
    assert f"\n  {A:X}\n" in message["Message"]
    assert "X-Amzn-Mtls-Clientcert-Serial-Number" in message["Message"]
    assert "Ticket: SEC-1" in message["Message"]


def test_a_long_wait_says_why_where_that_is_known(bench: Bench) -> None:
    """Private CA's own word stands in it."""
    kept = workflow_bucket.get_manifest(bench.manifest(A, B))
    why = Failure(error="CrlBucketNotWritable", cause="Private CA said so")
    made = notification.for_waiting(kept, found(A, notice=Notice.STILL_WAITING, generation_failure=why))
    assert made.subject.startswith("Delayed: 1 of 2")
    assert "Private CA said so" in made.lines
    assert made.detail["MissingSerials"] == [serial_number.to_hex(A)]


def test_messages_stay_within_their_limits(bench: Bench) -> None:
    """500 of the longest serials fit an event; people are shown a hundred of them."""
    numbers = [LONGEST + each for each in range(500)]
    kept = workflow_bucket.get_manifest(bench.manifest(*numbers))
    waits = notification.for_waiting(kept, found(*numbers[:10]).model_copy(update={"number_missing": 500}))
    listed = [SerialReport(serial=each, outcome=RevocationOutcome.ALREADY_REVOKED) for each in numbers]
    ends = notification.for_outcome(report(outcome="FAILED", error="E", cause="x" * 300_000, serials=listed), AT)
    assert ends
    for made in (waits, ends):
        assert len(made.subject) <= 100
        assert made.subject.isascii()
        assert len(json.dumps(made.detail)) < 200_000
        assert len("\n".join(made.lines)) < 200_000
        assert "  and 400 more: see the execution" in made.lines


def test_the_outcome_is_told_from_the_report(bench: Bench, told: Fetch) -> None:
    """Each serial, and how far it came."""
    summary = Summary(serials=1, revoked=1, already_revoked=0, expired=0, failed=0, in_crl=1, enforced=1)
    one = SerialReport(serial=A, outcome=RevocationOutcome.REVOKED, enforced=True)
    made = report(execution_name=bench.name, summary=summary, serials=[one])
    json_at, _ = workflow_bucket.put_report(made, "")
    assert notify_outcome(NotifyOutcomeInput(report=json_at), NOW).message_id
    (message,) = told()
    assert message["Subject"] == "Completed: 1 of 1 certificates are blocked"
    assert f"{serial_number.to_hex(A)}  REVOKED, enforced" in message["Message"]


@pytest.mark.parametrize("status", [DriftStatus.NONE, DriftStatus.CLAIMED, DriftStatus.NO_CRL])
def test_a_reconcile_that_did_nothing_tells_nobody(bench: Bench, status: DriftStatus) -> None:
    """Every hour of every day; its report says it all the same."""
    drift = Drift(status=status, crl_number=7, claimed_by="another")
    made = report(execution_name=bench.name, reconcile=True, drift=drift)
    json_at, _ = workflow_bucket.put_report(made, render(made))
    assert notify_outcome(NotifyOutcomeInput(report=json_at), NOW).message_id is None
    assert "**Nothing" in render(made)


def test_a_corrected_drift_is_told() -> None:
    """What differed stands in the message and in the report."""
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/b"
    lacking = TrustStoreDrift(trust_store_arn=arn, kind=DriftKind.NO_LIST)
    older = TrustStoreDrift(
        trust_store_arn=arn, kind=DriftKind.OLDER_LIST, attached_crl_number=6, revocation_ids=[3, 4]
    )
    drift = Drift(status=DriftStatus.CONFIRMED, crl_number=7, trust_stores=[lacking, older])
    made = report(reconcile=True, drift=drift)
    ends = notification.for_outcome(made, AT)
    assert ends
    assert f"{arn}: NO_LIST corrected; it holds CRL number 7." in ends.lines
    assert "OLDER_LIST (list 3 4, CRL number 6)" in render(made)
    assert "NO_LIST (no list of this CA)" in render(made)


def test_private_cas_word_is_kept_and_told_at_once(bench: Bench, told: Fetch) -> None:
    """A waiting execution finds it, if it came since its start and no other CRL came since."""
    arn = bench.lab.authority.arn
    event = {
        "time": NOW.isoformat(),
        "resources": [arn],
        "detail": {"result": "failure", "reason": "Failed to write CRL to S3. Check your S3 bucket permissions."},
    }
    report_crl_failure(CrlGenerationEvent.model_validate(event), NOW)
    (message,) = told()
    assert message["Subject"] == "CrlBucketNotWritable: Private CA has no CRL"
    assert "the-crl-bucket" in message["Message"]
    waiting = bench.find(bench.manifest(A))
    assert waiting.generation_failure
    assert waiting.generation_failure.error == "CrlBucketNotWritable"
    bench.publish(bench.authority.crl([B], number=5))
    assert bench.find(bench.manifest(A)).generation_failure is None
    old = CrlFailure(certificate_authority_arn=arn, at=NOW - timedelta(days=1), reason="Internal failure.")
    workflow_bucket.put_crl_failure(old)
    silent = bench.fresh()
    assert silent.find(silent.manifest(A)).generation_failure is None


def test_one_that_cannot_be_told_does_not_keep_it_from_the_other(bench: Bench, told: Fetch) -> None:
    """People hear it though programs cannot, and the failure is not hidden."""
    faults.add("events:PutEvents", code="AccessDenied", times=10)
    with pytest.raises(AwsCallRefused, match="PutEvents"):
        notify_waiting(NotifyWaitingInput(manifest=bench.manifest(A), found=found(A)), NOW)
    assert len(told()) == 1


def test_an_event_that_is_not_taken_is_an_error(told: Fetch, lambda_environment: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - it must be there
    """PutEvents answers with success even then."""
    with pytest.raises(AwsCallRefused, match="did not accept the event"):
        events.put_event(environment().event_bus_name, "aws.forged", "x", {"y": 1})


def test_notices_are_due_once_each(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """At the first look, and at the first after the time that the deployment says."""
    lambda_environment.setenv("DELAY_NOTICE_SECONDS", "60")
    environment.cache_clear()
    manifest = bench.manifest(A, polling=Polling(interval_seconds=30, deadline_seconds=600))
    previous, due = None, []
    for second in (0, 30, 60, 90, 120):
        previous = bench.find(manifest, previous=previous, now=NOW + timedelta(seconds=second))
        due.append(previous.notices[-1] if previous.notice_due else None)
    assert due == [Notice.WAIT_BEGINS, None, Notice.STILL_WAITING, None, None]


def entered(state: dict[str, Any]) -> dict[str, Any]:
    """Make the event of a state that is entered."""
    return {"stateEnteredEventDetails": {"name": "S", "input": json.dumps(state)}}


def left(name: str, output: object) -> dict[str, Any]:
    """Make the event of a state that is left."""
    return {"stateExitedEventDetails": {"name": name, "output": json.dumps(output)}}


def prepared(bench: Bench, *numbers: int) -> dict[str, Any]:
    """Make the state that follows PrepareRevocation."""
    made = Prepared(
        manifest=bench.manifest(*numbers),
        certificate_authority_arn=bench.lab.authority.arn,
        revocation_reason=RevocationReason.UNSPECIFIED,
        polling=Polling(),
        serials=[Wanted(serial=number) for number in numbers],
        trust_stores=[TrustStore(trust_store_arn=bench.trust_store_arn)],
    )
    written = made.model_dump(mode="json", exclude_none=True)
    begun: dict[str, Any] = {"Revocations": [], "Batches": [], "Found": {}}  # as BeginRevocation leaves it
    return {"Prepared": written, "TrustStores": written["TrustStores"], **begun}


def test_the_history_tells_how_far_it_came(bench: Bench) -> None:
    """What the items of a Map have come to counts, though the Map never ended; what is no state does not."""
    one = Revocation(serial=A, outcome=RevocationOutcome.REVOKED, at=NOW).model_dump(mode="json", exclude_none=True)
    store = {"TrustStoreArn": bench.trust_store_arn, "Failure": {"Error": "E", "Cause": "c"}}
    history = [
        {"stateEnteredEventDetails": {"name": "S", "input": "cut off {"}},
        entered({"Request": {"Serials": []}}),
        entered(prepared(bench, A, B)),
        left("RevokeCertificate", one),
        left("RevokeCertificates", [one]),
        left("RevokeBatch", {"Batch": 0, "Revoked": 400}),
        left("BatchNotRevoked", {"Batch": 1, "Error": "CertificateAuthorityBusy"}),
        left("AttachCrl", {"TrustStore": store}),
    ]
    state = rebuild_state(history)
    assert [each.serial for each in state.revocations] == [A]
    assert [(each.batch, each.revoked, each.error) for each in state.batches] == [
        (0, 400, None),
        (1, 0, "CertificateAuthorityBusy"),
    ]
    assert state.trust_stores[0].failure
    assert rebuild_state([entered({"Prepared": "of another version"})]) == GatheredState()


def test_an_interruption_is_reported_once(
    bench: Bench,
    told: Fetch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its report names what is revoked and not blocked; an execution with a report of its own is left alone."""
    one = Revocation(serial=A, outcome=RevocationOutcome.REVOKED, at=NOW).model_dump(mode="json", exclude_none=True)
    state = {
        **prepared(bench, A),
        "Revocations": [one],
        "Found": found(A).model_dump(mode="json", exclude_none=True),
        "Failure": {"Error": "States.Timeout", "Cause": "before"},
    }
    monkeypatch.setattr(stepfunctions, "get_execution_history", lambda _: [entered(state)])
    detail = {
        "executionArn": EXECUTION + bench.name,
        "name": bench.name,
        "status": "TIMED_OUT",
        "startDate": int(NOW.timestamp() * 1000),
        "error": "E",
        "cause": "c",
    }
    event = ExecutionStatusEvent.model_validate({"detail": detail})
    assert report_interruption(event, NOW).message_id
    (message,) = told()
    assert message["Subject"] == "Failed: ExecutionInterrupted"
    assert "TIMED_OUT without a report of its own (E: c); before that, States.Timeout: before" in message["Message"]
    assert serial_number.to_hex(A) in message["Message"]
    assert report_interruption(event, NOW).message_id is None
    later = {"detail": {**detail, "startDate": int(NOW.timestamp() * 1000) + 100 * 86_400_000, "error": None}}
    assert report_interruption(ExecutionStatusEvent.model_validate(later), NOW).message_id


@pytest.mark.parametrize(
    ("drift", "error"),
    [
        (Drift(status=DriftStatus.INVALID, refusal=Failure(error="CrlExpired", cause="it has")), "CrlExpired"),
        (Drift(status=DriftStatus.CONFIRMED, crl_number=7), "RevocationNotVerified"),
        (Drift(status=DriftStatus.NONE, crl_number=7), None),
        (Drift(status=DriftStatus.CLAIMED, crl_number=7, claimed_by="x"), None),
    ],
)
def test_the_verdict_on_a_reconcile(bench: Bench, drift: Drift, error: str | None) -> None:
    """A refused CRL, or a list that nobody read back, is no success."""
    bench.add(bench.authority.crl([A], number=7))
    manifest = bench.manifest(reconcile=True)
    state = {**prepared(bench, A), "Found": drift.model_dump(mode="json", exclude_none=True)}
    state["Prepared"] = {**state["Prepared"], "Manifest": manifest.model_dump(), "Reconcile": True}
    question = ReportInput(
        execution_arn=EXECUTION + bench.name,
        execution_name=bench.name,
        start_time=NOW,
        state=GatheredState.model_validate(state),
    )
    located = report_revocation(question, NOW)
    assert located.error == error
    assert located.reconciled is drift.status
    assert located.proven == ("attached and read back" if drift.status is DriftStatus.NONE else "nothing")
