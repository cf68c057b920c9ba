"""A serial is enforced if, and since, this execution has read it back from every trust store."""

from datetime import timedelta

from functions import workflow_bucket
from functions.models.states import CrlStatus, Failure
from tests.support.pki import NOW, A, B
from tests.support.reporting import REVOKED, done, found, prepared, revocations, write_report
from tests.support.steps import Steps


def test_two_rounds(steps: Steps) -> None:
    """A serial is enforced since it was first read back, not since the last round."""
    manifest = steps.manifest(A, B)
    first = steps.enforce(manifest, steps.convert(steps.authority.crl([A], number=1), manifest))
    converted = steps.convert(steps.authority.crl([A, B], number=2), manifest)
    store = steps.enforce(manifest, converted, first)
    written = write_report(
        steps,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED, B: REVOKED}),
        found=found(CrlStatus.COMPLETE),
        converted=converted,
        trust_stores=[store],
    )
    since = {each.serial: each.enforced_at for each in written.report.serials}
    assert since[A] == steps.evidence(first).verified_at
    assert since[B] == steps.evidence(store).verified_at
    assert written.report.trust_stores[0].added_revocation_ids == [1, 2]
    assert written.report.trust_stores[0].removed_revocation_ids == [1]


def test_name_used_before(steps: Steps) -> None:
    """Evidence of an execution of the same name, 90 days ago, proves nothing now."""
    state = done(steps)
    (store,) = state["trust_stores"]
    old = steps.evidence(store).model_copy(update={"verified_at": NOW - timedelta(days=90)})
    workflow_bucket.put_evidence(steps.name, old)
    written = write_report(steps, **state)
    assert written.report.serials[0].enforced_at == steps.evidence(store).verified_at


def test_trust_store_deleted(steps: Steps) -> None:
    """What was read back from a trust store that has been deleted is no longer in force."""
    state = done(steps)
    (store,) = state["trust_stores"]
    failure = Failure(error="TrustStoreNotFound", cause="gone")
    written = write_report(steps, **{**state, "trust_stores": [store.model_copy(update={"failure": failure})]})
    assert written.enforced == []
    assert written.report.trust_stores[0].failure == failure
    assert "Nothing was done" not in str(written.report.what_to_do)
