"""DetectDrift: what differs, whose it is to correct, and what is refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from functions import workflow_bucket
from functions.errors import AwsCallRefused, CrlNotPublished
from functions.handlers.detect_drift import detect_drift
from functions.metrics import UNITS
from functions.models.states import DetectDriftInput, Drift, DriftKind, DriftStatus
from functions.trust_store import claim
from infra.local.core import faults
from tests.support.pki import DAY, HOUR, NOW
from tests.support.steps import A, B, Bench


def look(bench: Bench, previous: Drift | None = None) -> Drift:
    """Run the step on the trust store as it is."""
    manifest = bench.manifest(reconcile=True)
    return detect_drift(DetectDriftInput(manifest=manifest, previous=previous or {}), NOW)


def twice(bench: Bench) -> Drift:
    """Look, give way, and look again."""
    return look(bench, look(bench))


def test_nothing_to_do(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest CRL is attached, and nothing else of this CA; how it stands is measured."""
    crl = bench.authority.crl([A], number=7)
    bench.publish(crl)
    bench.add(crl)
    found = look(bench)
    assert (found.status, found.crl_number, found.trust_stores) == (DriftStatus.NONE, 7, [])
    told = json.loads(capsys.readouterr().out)
    assert told["TimeToNextUpdate"] == (7 * DAY).total_seconds()
    assert told["AttachedCrlAge"] == HOUR.total_seconds()
    assert told["HeadroomUsedByNextCrl"] == pytest.approx(100 * 2 / 30)
    (block,) = told["_aws"]["CloudWatchMetrics"]
    assert block["Dimensions"] == [["CertificateAuthority"], ["CertificateAuthority", "TrustStore"]]
    assert {metric["Name"]: metric["Unit"] for metric in block["Metrics"]}.items() <= UNITS.items()
    assert all(name in told for metric in block["Metrics"] for name in (metric["Name"],))


def test_what_was_read_last_is_told(bench: Bench) -> None:
    """A peer has corrected it between the two looks: what is told is the list that is there now."""
    newest = bench.authority.crl([A, B], number=8)
    bench.publish(newest)
    bench.add(bench.authority.crl([A], number=7))
    manifest = bench.manifest(reconcile=True)
    first = detect_drift(DetectDriftInput(manifest=manifest, previous={}), NOW)
    assert (first.status, first.in_place) == (DriftStatus.SUSPECTED, [])
    bench.remove(*bench.attached())
    added = bench.add(newest)
    again = detect_drift(DetectDriftInput(manifest=manifest, previous=first), NOW)
    (held,) = again.in_place
    assert (again.status, held.revocation_id) == (DriftStatus.NONE, added)
    assert (held.crl_number, held.number_of_revoked_entries) == (8, 2)


def test_without_any_list(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is in force, so the gauge says that no time is left."""
    bench.publish(bench.authority.crl([A], number=7))
    found = look(bench)
    assert found.status is DriftStatus.SUSPECTED
    assert found.trust_stores[0].kind is DriftKind.NO_LIST
    assert json.loads(capsys.readouterr().out)["TimeToNextUpdate"] == 0


@pytest.mark.parametrize("kind", [DriftKind.OLDER_LIST, DriftKind.LEFTOVER_LISTS])
def test_what_differs(bench: Bench, kind: DriftKind) -> None:
    """An older list, or one that a newer has made superfluous; a foreign list is none of this CA's."""
    newest = bench.authority.crl([A, B], number=8)
    bench.publish(newest)
    bench.add(Bench(bench.lab).authority.crl([1], number=99))
    bench.add(bench.authority.crl([A], number=7))
    if kind is DriftKind.LEFTOVER_LISTS:
        bench.add(newest)
    (drift,) = look(bench).trust_stores
    assert drift.kind is kind
    assert len(drift.revocation_ids) == (2 if kind is DriftKind.LEFTOVER_LISTS else 1)


def test_the_same_number_with_other_bytes(bench: Bench) -> None:
    """Two CRLs of one number contradict each other; with another store that has none, it is no refusal here."""
    bench.add(bench.authority.crl([A], number=7))
    bench.publish(bench.authority.crl([A, B], number=7))
    other = bench.another_trust_store()
    manifest = bench.manifest(trust_store_arns=[bench.trust_store_arn, other], reconcile=True)
    found = detect_drift(DetectDriftInput(manifest=manifest, previous={}), NOW)
    assert [each.kind for each in found.trust_stores] == [DriftKind.OTHER_BYTES, DriftKind.NO_LIST]


def test_a_drift_that_lasts_is_ours(bench: Bench) -> None:
    """Seen a second time, it is claimed; asked again, the same execution still has it."""
    bench.publish(bench.authority.crl([A], number=7))
    assert twice(bench).status is DriftStatus.CONFIRMED
    assert twice(bench).status is DriftStatus.CONFIRMED


def test_a_drift_that_another_has_claimed_is_left_to_it(bench: Bench) -> None:
    """Until it lets go, or fifteen minutes have passed."""
    bench.publish(bench.authority.crl([A], number=7))
    ours = twice(bench)
    manifest = workflow_bucket.get_manifest(bench.manifest(reconcile=True))
    peer_manifest = workflow_bucket.get_manifest(bench.peer().manifest(reconcile=True))
    assert claim.acquire(peer_manifest, 7, NOW) == manifest.execution_arn
    claim.release(manifest, ours, NOW)
    assert claim.acquire(peer_manifest, 7, NOW) is None
    third = workflow_bucket.get_manifest(bench.peer().manifest(reconcile=True))
    assert claim.acquire(third, 7, NOW + timedelta(minutes=14)) == peer_manifest.execution_arn
    assert claim.acquire(third, 7, NOW + timedelta(minutes=15)) is None


def test_of_ten_at_once_exactly_one_has_it(bench: Bench) -> None:
    """A claim is written only where there is none, whoever reads first."""
    bench.publish(bench.authority.crl([A], number=7))
    manifests = [workflow_bucket.get_manifest(bench.peer().manifest(reconcile=True)) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(lambda manifest: claim.acquire(manifest, 7, NOW), manifests))
    winners = [each.execution_arn for each, other in zip(manifests, told, strict=True) if other is None]
    assert set(told) - {None} <= set(winners)
    assert len(winners) == 1


def test_a_claim_that_may_not_be_written_is_an_error(bench: Bench) -> None:
    """A refusal that is no lost race is not taken for one."""
    bench.publish(bench.authority.crl([A], number=7))
    before = look(bench)
    manifest = bench.manifest(reconcile=True)
    faults.add("s3:PutObject", code="AccessDenied", times=10)
    with pytest.raises(AwsCallRefused, match="AccessDenied"):
        detect_drift(DetectDriftInput(manifest=manifest, previous=before), NOW)


def test_a_refused_crl_is_looked_at_twice(bench: Bench) -> None:
    """What is wrong may be cured by time; what stays wrong fails by its name."""
    bench.publish(b"no crl")
    first = look(bench)
    assert first.status is DriftStatus.SUSPECTED
    second = look(bench, first)
    assert second.status is DriftStatus.INVALID
    assert second.refusal
    assert second.refusal.error == "CrlMalformed"


def test_a_crl_that_went_back_is_refused(bench: Bench) -> None:
    """It would undo revocations."""
    bench.add(bench.authority.crl([A, B], number=8))
    bench.publish(bench.authority.crl([A], number=7))
    second = twice(bench)
    assert second.refusal
    assert second.refusal.error == "CrlNumberLower"


def test_no_crl_at_all(bench: Bench) -> None:
    """A CA that has published none yet has nothing to bring; one whose CRL is gone has."""
    assert look(bench).status is DriftStatus.NO_CRL
    bench.add(bench.authority.crl([A], number=7))
    with pytest.raises(CrlNotPublished, match="one of this CA is attached"):
        look(bench)
