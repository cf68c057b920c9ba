"""ReportRevocation reports the outcome of every execution, however far it came, and claims only what was read back."""

import json
from unittest.mock import Mock

import pytest

from functions import workflow_bucket
from functions.aws import s3
from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.models.drift import DriftKind, DriftStatus, TrustStoreDrift
from functions.models.report import PROVEN
from functions.models.states import CrlStatus, Drift, Failure
from functions.pki import serial_number
from functions.report import notification
from functions.trust_store import claim
from tests.support.pki import DAY, NOW, A, B
from tests.support.reporting import (
    EXPIRED,
    FAILED,
    REVOKED,
    done,
    found,
    prepared,
    revocations,
    write_report,
)
from tests.support.steps import Steps


def test_everything_done(steps: Steps) -> None:
    """It succeeds, and reports how many, how long it took, and what is proven."""
    written = write_report(steps, **done(steps))
    location = written.location
    assert (location.outcome, location.error, location.cause) == ("SUCCEEDED", None, None)
    assert (location.proven, location.crl_number) == (PROVEN, 2)
    assert location.time_to_enforcement_seconds == written.report.time_to_enforcement_seconds
    assert location.summary is not None
    assert location.summary.model_dump(by_alias=False) == {
        "serials": 2,
        "revoked": 1,
        "already_revoked": 1,
        "expired": 0,
        "failed": 0,
        "in_crl": 2,
        "enforced": 2,
    }
    assert "**Enforced: 2 of 2 certificates**: the list was attached" in written.text


def test_before_prepared(steps: Steps) -> None:
    """A refused input has a report too, with the error and what to do."""
    cause = json.dumps({"errorMessage": "Serials: Field required", "errorType": "InvalidInput"})
    written = write_report(steps, request={"Serials": 7}, failure=Failure(error="InvalidInput", cause=cause))
    assert (written.location.outcome, written.location.error) == ("FAILED", "InvalidInput")
    assert str(written.location.cause).startswith("Serials: Field required. Correct what is named")
    assert str(written.location.cause).endswith(f"executions/{steps.name}/report.md")
    assert (written.report.summary, written.report.trust_stores, written.location.proven) == (None, [], "nothing")
    assert "**What to do:** Correct what is named, and start a new execution. Nothing was done." in written.text


def test_failed_while_revoking(steps: Steps) -> None:
    """A serial for which RevokeCertificate was never called is reported as not attempted."""
    manifest = steps.manifest(A)
    failure = Failure(error="States.Timeout", cause="")
    written = write_report(steps, prepared=prepared(manifest), trust_stores=[steps.store()], failure=failure)
    assert written.report.serials[0].outcome is None
    assert "| not attempted | no | no |" in written.text
    assert written.report.trust_stores[0].proven == "nothing: no list of this execution was read back"


def test_no_crl_came(steps: Steps) -> None:
    """The deadline passed: what was revoked is not blocked, and not reported as enforced."""
    steps.add(steps.authority.crl([A], number=1))
    manifest = steps.manifest(A, B)
    written = write_report(
        steps,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED, B: REVOKED}),
        found=found(CrlStatus.NOT_YET, A, B),
        trust_stores=[steps.store()],
    )
    assert written.location.error == "CrlNotPublished"
    assert written.enforced == []
    assert written.report.crl is None
    assert "CloudWatch metric MisconfiguredCRLBucket" in str(written.report.what_to_do)


def test_crl_refused(steps: Steps) -> None:
    """The newest CRL is reported with the reason for its refusal."""
    refusal = Failure(error="CrlSignatureInvalid", cause="another key")
    written = write_report(
        steps,
        prepared=prepared(steps.manifest(A)),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.INVALID, A, wanted=1, refusal=refusal),
        trust_stores=[steps.store()],
    )
    assert written.location.error == "CrlSignatureInvalid"
    assert "* CRL refused last: CrlSignatureInvalid: another key" in written.text


def test_one_of_two_trust_stores_failed(steps: Steps) -> None:
    """A serial is enforced when every trust store holds it; each trust store is reported on its own."""
    other = steps.fresh()
    manifest = steps.manifest(A, trust_store_arns=[steps.trust_store_arn, other.trust_store_arn])
    converted = steps.convert(steps.authority.crl([A]), manifest)
    failure = Failure(error="TrustStoreFull", cause=json.dumps({"errorMessage": "30 lists of 30"}))
    stores = [steps.enforce(manifest, converted), other.store(failure=failure)]
    written = write_report(
        steps,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.COMPLETE, wanted=1),
        converted=converted,
        trust_stores=stores,
    )
    assert written.location.error == "TrustStoreFull"
    assert "30 lists of 30" in str(written.location.cause)
    assert written.enforced == []
    assert written.report.serials[0].in_crl
    assert [each.proven for each in written.report.trust_stores] == [
        PROVEN,
        "nothing: no list of this execution was read back",
    ]
    assert written.location.proven == "nothing"


def test_failed_after_it_was_read_back(steps: Steps) -> None:
    """A removal that failed does not undo what was read back, and fails the execution nevertheless."""
    state = done(steps)
    (store,) = state["trust_stores"]
    failure = Failure(error="TrustStoreThrottled", cause="")
    written = write_report(steps, **{**state, "trust_stores": [store.model_copy(update={"failure": failure})]})
    assert written.location.outcome == "FAILED"
    assert written.enforced == [A, B]


def test_not_read_back_though_nothing_failed(steps: Steps) -> None:
    """Only what was read back counts as success."""
    written = write_report(
        steps,
        prepared=prepared(steps.manifest(A)),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.COMPLETE, wanted=1),
        trust_stores=[steps.store()],
    )
    assert written.location.error == "RevocationNotVerified"
    assert serial_number.to_hex(A) in str(written.location.cause)


def test_one_serial_not_revoked(steps: Steps) -> None:
    """The others are enforced, and the execution fails nevertheless."""
    state = done(steps, {A: REVOKED, B: REVOKED, 0x12: FAILED})
    written = write_report(
        steps,
        **{**state, "revocations": revocations({A: REVOKED, B: REVOKED, 0x12: FAILED}, "ResourceNotFoundException")},
    )
    assert written.location.error == "SerialsNotRevoked"
    assert written.enforced == [A, B]
    assert "| 00:12 | FAILED (ResourceNotFoundException: this CA did not issue" in written.text


def test_expired_serials(steps: Steps) -> None:
    """Certificates revoked before and expired since need no enforcement: the execution succeeds."""
    written = write_report(
        steps,
        prepared=prepared(steps.manifest(A)),
        revocations=revocations({A: EXPIRED}),
        found=found(CrlStatus.NOTHING_WANTED, wanted=0),
        trust_stores=[steps.store()],
    )
    assert (written.location.outcome, written.location.proven) == ("SUCCEEDED", "nothing")
    assert written.location.time_to_enforcement_seconds is None
    assert "**Revoked earlier and expired since: 1 of 1 certificates.**" in written.text


@pytest.mark.parametrize(
    ("drift", "error"),
    [
        (Drift(status=DriftStatus.INVALID, refusal=Failure(error="CrlExpired", cause="it has")), "CrlExpired"),
        (Drift(status=DriftStatus.CONFIRMED, crl_number=7), "RevocationNotVerified"),
        (Drift(status=DriftStatus.NONE, crl_number=7), None),
        (Drift(status=DriftStatus.SUSPECTED, crl_number=7), "RevocationNotVerified"),
        (Drift(status=DriftStatus.CLAIMED, crl_number=7, claimed_by="x"), "RevocationNotVerified"),
    ],
)
def test_reconcile(steps: Steps, drift: Drift, error: str | None) -> None:
    """A reconcile fails if the CRL was refused, or if a drift was seen and no list was read back after it."""
    steps.add(steps.authority.crl([A], number=7))
    manifest = steps.manifest(reconcile=True)
    location = write_report(steps, prepared=prepared(manifest), found=drift, trust_stores=[steps.store()]).location
    assert location.error == error
    assert location.reconciled is drift.status
    assert location.proven == ("attached and read back" if drift.status is DriftStatus.NONE else "nothing")


def test_corrected_drift(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """A reconcile whose list was read back counts the drifts that it corrected, and releases its claim on them."""
    state = done(steps, reconcile=True)
    store = TrustStoreDrift(trust_store_arn=steps.trust_store_arn, kind=DriftKind.OLDER_LIST)
    drift = Drift(status=DriftStatus.CONFIRMED, crl_number=2, trust_stores=[store])
    manifest = workflow_bucket.get_manifest(state["prepared"].manifest)
    assert claim.acquire(manifest, 2, NOW) is None
    location = write_report(steps, **{**state, "found": drift, "revocations": []}).location
    assert (location.outcome, location.reconciled) == ("SUCCEEDED", DriftStatus.CONFIRMED)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["DriftsCorrected"] == 1
    peer = workflow_bucket.get_manifest(steps.peer().manifest(reconcile=True))
    assert claim.acquire(peer, 2, NOW) is None


def test_dropped_entries(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """The share of the entries that the new list lacks is a metric: here one of the two before."""
    write_report(steps, **done(steps))
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["DroppedEntries"] == 50


def test_crl_that_expires_soon(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is enforced, and the report and the message warn of it."""
    state = done(steps)
    assert "expires at" not in write_report(steps, **state).text
    monkeypatch.setenv("MIN_TIME_TO_NEXT_UPDATE_SECONDS", str(8 * 86_400))
    environment.cache_clear()
    written = write_report(steps, **state)
    due = f"{NOW + 7 * DAY:%Y-%m-%d %H:%M:%S} UTC"
    assert f"**Warning:** CRL number 2 expires at {due}." in written.text
    message = notification.for_outcome(written.report, written.location.report_json)
    assert message
    assert f"The CA's next CRL is due by {due}." in message.lines
    assert any(line.startswith(f"Warning: CRL number 2 expires at {due}.") for line in message.lines)


def test_interrupted_after_attaching(steps: Steps) -> None:
    """The list is there, so the report does not say that nothing is enforced, but that nothing was read back."""
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=2), manifest)
    written = write_report(
        steps,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.COMPLETE, wanted=1),
        converted=converted,
        trust_stores=[steps.attach(manifest, converted)],
        failure=Failure(error="ExecutionInterrupted", cause="stopped"),
    )
    cause = written.report.cause or ""
    assert cause.endswith("Revoked at Private CA, and not read back from any trust store: 1 of 1 certificates.")


def test_failed_drift_detection(steps: Steps) -> None:
    """A reconcile that failed after it wrote its claim, and before it returned that, releases it too."""
    manifest = steps.manifest(reconcile=True)
    assert claim.acquire(workflow_bucket.get_manifest(manifest), 7, NOW) is None
    failure = Failure(error="States.Timeout", cause="")
    assert write_report(steps, prepared=prepared(manifest), failure=failure).location.error == "States.Timeout"
    assert claim.acquire(workflow_bucket.get_manifest(steps.peer().manifest(reconcile=True)), 7, NOW) is None


def test_claim_that_cannot_be_released(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is written and returned nevertheless; the claim ends by itself."""
    manifest = steps.manifest(reconcile=True)
    assert claim.acquire(workflow_bucket.get_manifest(manifest), 7, NOW) is None
    monkeypatch.setattr(s3, "replace_object", Mock(side_effect=AwsCallRefused("PutObject was refused")))
    written = write_report(steps, prepared=prepared(manifest), found=Drift(status=DriftStatus.NONE, crl_number=7))
    assert written.location.outcome == "SUCCEEDED"
