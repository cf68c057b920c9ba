"""DetectDrift finds how trust stores differ, decides which execution corrects that, and refuses bad CRLs."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from functions import workflow_bucket
from functions.aws import s3
from functions.environment import environment
from functions.errors import AwsCallRefused, CrlNotPublished
from functions.handlers.detect_drift import detect_drift
from functions.metrics import UNITS
from functions.models.drift import DriftKind, DriftStatus
from functions.models.states import DetectDriftInput, Drift
from functions.trust_store import claim
from infra.local.core import faults
from tests.support.pki import DAY, HOUR, NOW, A, B
from tests.support.reporting import prepared
from tests.support.steps import Steps


def detect(steps: Steps, previous: Drift | None = None) -> Drift:
    """Run the step once."""
    manifest = steps.manifest(reconcile=True)
    return detect_drift(DetectDriftInput(manifest=manifest, previous=previous or {}), NOW)


def detect_twice(steps: Steps) -> Drift:
    """Run the step, and again with its first result."""
    return detect(steps, detect(steps))


def test_nothing_to_do(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest CRL is attached and nothing else of this CA; its metrics are written."""
    crl = steps.authority.crl([A], number=7)
    steps.publish(crl)
    steps.add(crl)
    result = detect(steps)
    assert (result.status, result.crl_number, result.trust_stores) == (DriftStatus.NONE, 7, [])
    record = json.loads(capsys.readouterr().out)
    assert record["TimeToNextUpdate"] == (7 * DAY).total_seconds()
    assert record["AttachedCrlAge"] == HOUR.total_seconds()
    assert record["HeadroomUsedByNextCrl"] == pytest.approx(100 * 2 / 30)
    (block,) = record["_aws"]["CloudWatchMetrics"]
    assert block["Dimensions"] == [["CertificateAuthority"], ["CertificateAuthority", "TrustStore"]]
    assert {metric["Name"]: metric["Unit"] for metric in block["Metrics"]}.items() <= UNITS.items()
    assert all(metric["Name"] in record for metric in block["Metrics"])


def test_lists_of_the_last_comparison_are_reported(steps: Steps) -> None:
    """If another execution corrects a drift between two comparisons, the list attached now is reported."""
    newest = steps.authority.crl([A, B], number=8)
    steps.publish(newest)
    steps.add(steps.authority.crl([A], number=7))
    manifest = steps.manifest(reconcile=True)
    first = detect_drift(DetectDriftInput(manifest=manifest, previous={}), NOW)
    assert (first.status, first.in_place) == (DriftStatus.SUSPECTED, [])
    steps.remove(*steps.attached())
    added = steps.add(newest)
    again = detect_drift(DetectDriftInput(manifest=manifest, previous=first), NOW)
    (held,) = again.in_place
    assert (again.status, held.revocation_id) == (DriftStatus.NONE, added)
    assert (held.crl_number, held.number_of_revoked_entries) == (8, 2)


def test_without_any_list(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a list no CRL is in force, so the metric reports that no time is left."""
    steps.publish(steps.authority.crl([A], number=7))
    result = detect(steps)
    assert result.status is DriftStatus.SUSPECTED
    assert result.trust_stores[0].kind is DriftKind.NO_LIST
    assert json.loads(capsys.readouterr().out)["TimeToNextUpdate"] == 0


def test_time_to_next_update(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """It is that of the first list to expire, a list of another CA included, but no superseded one of this CA."""
    crl = steps.authority.crl([A], number=7)
    steps.publish(crl)
    steps.add(steps.authority.crl([A], number=6, next_update=NOW + timedelta(hours=1)))
    steps.add(crl)
    steps.add(Steps(steps.lab).authority.crl([1], number=99, next_update=NOW + timedelta(hours=3)))
    detect(steps)
    assert json.loads(capsys.readouterr().out)["TimeToNextUpdate"] == 3 * HOUR.total_seconds()


def test_days_to_ca_expiry(steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    """The days until the first CA certificate of the bundle expires."""
    steps.publish(steps.authority.crl([A], number=7))
    manifest = workflow_bucket.get_manifest(steps.manifest(reconcile=True))
    baselines = [each.model_copy(update={"ca_expiry": NOW + 59 * DAY}) for each in manifest.baselines]
    location = workflow_bucket.put_manifest(manifest.model_copy(update={"baselines": baselines}))
    detect_drift(DetectDriftInput(manifest=location, previous={}), NOW)
    assert json.loads(capsys.readouterr().out)["DaysToCaExpiry"] == 59


@pytest.mark.parametrize("kind", [DriftKind.OLDER_LIST, DriftKind.LEFTOVER_LISTS])
def test_kinds_of_drift(steps: Steps, kind: DriftKind) -> None:
    """An older list, or one that a newer one supersedes, is a drift; a list of another CA is not."""
    newest = steps.authority.crl([A, B], number=8)
    steps.publish(newest)
    steps.add(Steps(steps.lab).authority.crl([1], number=99))
    steps.add(steps.authority.crl([A], number=7))
    if kind is DriftKind.LEFTOVER_LISTS:
        steps.add(newest)
    (drift,) = detect(steps).trust_stores
    assert drift.kind is kind
    assert len(drift.revocation_ids) == (2 if kind is DriftKind.LEFTOVER_LISTS else 1)


def test_same_number_with_other_bytes(steps: Steps) -> None:
    """A list with the CRL's number and other bytes is a drift, not an error, if another trust store has no list."""
    steps.add(steps.authority.crl([A], number=7))
    steps.publish(steps.authority.crl([A, B], number=7))
    other = steps.another_trust_store()
    manifest = steps.manifest(trust_store_arns=[steps.trust_store_arn, other], reconcile=True)
    result = detect_drift(DetectDriftInput(manifest=manifest, previous={}), NOW)
    assert [store.kind for store in result.trust_stores] == [DriftKind.OTHER_BYTES, DriftKind.NO_LIST]


def test_confirmed_drift_is_claimed(steps: Steps) -> None:
    """A drift is claimed at the second comparison, and the same execution keeps the claim."""
    steps.publish(steps.authority.crl([A], number=7))
    assert detect_twice(steps).status is DriftStatus.CONFIRMED
    assert detect_twice(steps).status is DriftStatus.CONFIRMED


def test_claim_of_another_execution(steps: Steps) -> None:
    """A reconcile looks again while another one has the claim, and takes it over once it is released."""
    steps.publish(steps.authority.crl([A], number=7))
    ours = steps.manifest(reconcile=True)
    theirs = workflow_bucket.get_manifest(steps.peer().manifest(reconcile=True))
    assert claim.acquire(theirs, 7, NOW) is None
    first = detect_drift(DetectDriftInput(manifest=ours, previous={}), NOW)
    second = detect_drift(DetectDriftInput(manifest=ours, previous=first), NOW)
    assert (second.status, second.claimed_by) == (DriftStatus.CLAIMED, theirs.execution_arn)
    third = detect_drift(DetectDriftInput(manifest=ours, previous=second), NOW + timedelta(minutes=14))
    assert third.status is DriftStatus.CLAIMED
    claim.release(prepared(workflow_bucket.put_manifest(theirs)))
    assert detect_drift(DetectDriftInput(manifest=ours, previous=third), NOW).status is DriftStatus.CONFIRMED


@pytest.mark.parametrize("at", [timedelta(minutes=-15), timedelta(minutes=15), timedelta(days=3650)])
def test_claim_that_lasts_too_long(steps: Steps, at: timedelta) -> None:
    """A claim no longer counts after fifteen minutes, nor if it says that it was made that far in the future."""
    ours, theirs = (workflow_bucket.get_manifest(each.manifest(reconcile=True)) for each in (steps, steps.peer()))
    assert claim.acquire(theirs, 7, NOW + at) is None
    assert claim.acquire(ours, 7, NOW) is None


def test_claim_of_an_older_crl(steps: Steps) -> None:
    """A claim for one CRL does not delay the next CRL, and its owner does not release what it no longer has."""
    ours, theirs = (workflow_bucket.get_manifest(each.manifest(reconcile=True)) for each in (steps, steps.peer()))
    assert claim.acquire(theirs, 7, NOW) is None
    assert claim.acquire(ours, 8, NOW) is None
    claim.release(prepared(workflow_bucket.put_manifest(theirs)))
    assert claim.acquire(theirs, 8, NOW) == ours.execution_arn


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"ExecutionArn": "a", "At": "2026-01-01T00:00:00Z", "Lasts": "P9D"}',
        f'{{"ExecutionArn": "a", "CrlNumber": 7, "At": "{NOW:%Y-%m-%dT%H:%M:%S}"}}'.encode(),  # of no time zone
    ],
    ids=["empty", "no fields", "of version 0.1", "no time zone"],
)
def test_object_that_is_not_a_claim(steps: Steps, body: bytes) -> None:
    """What somebody else, or another version, has written there is replaced."""
    ours, theirs = (workflow_bucket.get_manifest(each.manifest(reconcile=True)) for each in (steps, steps.peer()))
    assert claim.acquire(theirs, 7, NOW) is None
    for key in s3.list_objects(environment().workflow_bucket, f"claims/{ours.authority_id}/"):
        s3.put_object(environment().workflow_bucket, key, body, "application/json")
    assert claim.acquire(ours, 7, NOW) is None


def test_one_of_ten_simultaneous_claims_succeeds(steps: Steps) -> None:
    """A claim is written only if it has not changed since it was read."""
    steps.publish(steps.authority.crl([A], number=7))
    manifests = [workflow_bucket.get_manifest(steps.peer().manifest(reconcile=True)) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        claimed_by = list(pool.map(lambda manifest: claim.acquire(manifest, 7, NOW), manifests))
    winners = [manifest.execution_arn for manifest, arn in zip(manifests, claimed_by, strict=True) if arn is None]
    assert set(claimed_by) - {None} <= set(winners)
    assert len(winners) == 1


def test_claim_of_a_faster_execution(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution that read no claim, and writes after another has written its own, respects that."""
    steps.publish(steps.authority.crl([A], number=7))
    ours, theirs = (workflow_bucket.get_manifest(each.manifest(reconcile=True)) for each in (steps, steps.peer()))
    replace = s3.replace_object

    def later(*arguments: Any, **etag: Any) -> None:  # noqa: ANN401 - those of replace_object
        monkeypatch.setattr(s3, "replace_object", replace)
        assert claim.acquire(theirs, 7, NOW) is None
        replace(*arguments, **etag)

    monkeypatch.setattr(s3, "replace_object", later)
    assert claim.acquire(ours, 7, NOW) == theirs.execution_arn


def test_claim_access_denied(steps: Steps) -> None:
    """A denied write is an error, not a claim that another execution has."""
    steps.publish(steps.authority.crl([A], number=7))
    previous = detect(steps)
    manifest = steps.manifest(reconcile=True)
    faults.add("s3:PutObject", code="AccessDenied", times=10)
    with pytest.raises(AwsCallRefused, match="AccessDenied"):
        detect_drift(DetectDriftInput(manifest=manifest, previous=previous), NOW)


def test_refused_crl(steps: Steps) -> None:
    """A refused CRL may be valid at the second comparison; if not, the drift is INVALID, with the error's name."""
    steps.publish(b"no crl")
    first = detect(steps)
    assert first.status is DriftStatus.SUSPECTED
    second = detect(steps, first)
    assert second.status is DriftStatus.INVALID
    assert second.refusal
    assert second.refusal.error == "CrlMalformed"


def test_crl_number_lower_than_attached(steps: Steps) -> None:
    """A CRL with a lower number than the attached list is refused, because it could undo revocations."""
    steps.add(steps.authority.crl([A, B], number=8))
    steps.publish(steps.authority.crl([A], number=7))
    second = detect_twice(steps)
    assert second.refusal
    assert second.refusal.error == "CrlNumberLower"


def test_no_crl_at_all(steps: Steps) -> None:
    """Without a CRL there is nothing to enforce; if one is attached, its absence is an error."""
    assert detect(steps).status is DriftStatus.NO_CRL
    steps.add(steps.authority.crl([A], number=7))
    with pytest.raises(CrlNotPublished, match="one of this CA is attached"):
        detect(steps)
