"""VerifyRevocation reads the list back, and relies on neither a count nor a response to a call."""

from datetime import UTC, datetime

import pytest

from functions.errors import CrlNumberReused, RevocationNotVerified, TrustStoreNotFound
from functions.models.states import TrustStore
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from tests.support import pki
from tests.support.pki import A, B, C, D
from tests.support.steps import Steps

CONTENT = "elasticloadbalancing:GetTrustStoreRevocationContent"


def verified(store: TrustStore) -> dict[str, object]:
    """Return the result of VerifyRevocation without the fields that differ from run to run."""
    return store.verified.model_dump(by_alias=False, exclude={"sha256", "evidence", "started_at", "finished_at"})


def test_list_attached(steps: Steps) -> None:
    """The entries in the bytes of the trust store are counted."""
    manifest = steps.manifest(A, B)
    converted = steps.convert(steps.authority.crl([A, C], number=7))
    store = steps.verify(manifest, converted, steps.attach(manifest, converted))
    assert verified(store) == {
        "revocation_id": 1,
        "crl_number": 7,
        "number_of_revoked_entries": 2,
        "wanted_held": 1,
        "wanted_new": 1,
        "new_entries": 2,
        "dropped_entries": 0,
        "total_revoked_entries": 2,
    }
    assert store.verified.sha256 == converted.sha256


def test_evidence(steps: Steps) -> None:
    """The list read back, its time and the serials that a newer CRL dropped are stored for an auditor."""
    steps.add(steps.authority.crl([D], number=1))
    manifest = steps.manifest(A, B)
    converted = steps.convert(steps.authority.crl([A, C], number=7))
    started = datetime.now(UTC)
    evidence = steps.evidence(steps.verify(manifest, converted, steps.attach(manifest, converted)))
    assert started <= evidence.verified_at <= datetime.now(UTC)
    assert evidence.attached.held_serials == [A]
    assert evidence.dropped_serials == [D]


def test_older_list_still_attached(steps: Steps) -> None:
    """New and dropped entries are counted against the lists at the start; the total counts both lists."""
    steps.add(steps.authority.crl([A, D], number=1))
    manifest = steps.manifest(A, B)
    converted = steps.convert(steps.authority.crl([A, B, C], number=2))
    result = steps.verify(manifest, converted, steps.attach(manifest, converted)).verified
    assert (result.new_entries, result.dropped_entries) == (2, 1)
    assert (result.wanted_held, result.wanted_new) == (2, 1)
    assert result.total_revoked_entries == 5


def test_older_list_beside_the_same_list(steps: Steps) -> None:
    """An execution that changes nothing counts nothing as new, even beside an older list left by another one."""
    crl = steps.authority.crl([A, B], number=2)
    steps.add(steps.authority.crl([A], number=1))
    steps.add(crl)
    manifest, converted = steps.manifest(B), steps.convert(crl)
    result = steps.verify(manifest, converted, steps.attach(manifest, converted)).verified
    assert (result.new_entries, result.dropped_entries, result.wanted_new) == (0, 0, 0)


def test_peer_attached_the_same_list_first(steps: Steps) -> None:
    """A list that another execution attached since the start counts as new."""
    steps.add(steps.authority.crl([A], number=1))
    manifest = steps.manifest(B)
    steps.add(steps.authority.crl([A, B], number=2))
    converted = steps.convert(steps.authority.crl([A, B, C], number=3))
    assert steps.verify(manifest, converted, steps.attach(manifest, converted)).verified.new_entries == 2


def test_peer_removed_the_older_list(steps: Steps) -> None:
    """New entries that cannot be counted any more are unknown, not zero; the wanted serials are still known."""
    old = steps.add(steps.authority.crl([A], number=1))
    manifest = steps.manifest(A, B)
    converted = steps.convert(steps.authority.crl([A, B], number=2))
    store = steps.attach(manifest, converted)
    steps.remove(old)
    result = steps.verify(manifest, converted, store).verified
    assert (result.new_entries, result.dropped_entries) == (None, None)
    assert (result.wanted_held, result.wanted_new) == (2, 1)


def test_second_round(steps: Steps) -> None:
    """Entries add up over the rounds of one execution."""
    manifest = steps.manifest(A, B)
    store = steps.enforce(manifest, steps.convert(steps.authority.crl([A, D], number=1)))
    store = steps.enforce(manifest, steps.convert(steps.authority.crl([A, B], number=2)), store)
    assert (store.verified.new_entries, store.verified.dropped_entries) == (3, 1)


def test_second_round_after_an_unknown_one(steps: Steps) -> None:
    """A total that was unknown once stays unknown."""
    old = steps.add(steps.authority.crl([A], number=1))
    manifest = steps.manifest(A, B)
    converted = steps.convert(steps.authority.crl([A, B], number=2))
    store = steps.attach(manifest, converted)
    steps.remove(old)
    store = steps.verify(manifest, converted, store)
    result = steps.enforce(manifest, steps.convert(steps.authority.crl([A, B, C], number=3)), store).verified
    assert (result.new_entries, result.dropped_entries) == (None, None)


def test_peer_with_a_newer_crl(steps: Steps) -> None:
    """The winner is verified, even if this execution's own list is gone, because it holds the same wanted serials."""
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=1))
    store = steps.attach(manifest, converted)
    newer = steps.add(steps.authority.crl([A, B], number=2))
    steps.remove(1)
    result = steps.verify(manifest, converted, store).verified
    assert (result.revocation_id, result.crl_number, result.wanted_held) == (newer, 2, 1)


def test_peer_with_a_newer_crl_that_lacks_a_wanted_serial(steps: Steps) -> None:
    """A winner that lacks a wanted serial of this execution's CRL is not accepted in its place."""
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=1))
    store = steps.attach(manifest, converted)
    steps.add(steps.authority.crl([B], number=2))
    with pytest.raises(RevocationNotVerified, match=r"number 2\) superseded CRL number 1 but lacks 1 of 1"):
        steps.verify(manifest, converted, store)


def test_same_number_with_other_bytes(steps: Steps) -> None:
    """A winner with the same number and other bytes is an error."""
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=1))
    store = steps.attach(manifest, converted)
    steps.add(steps.authority.crl([A, B], number=1))
    with pytest.raises(CrlNumberReused, match="carries CRL number 1 with other bytes"):
        steps.verify(manifest, converted, store)


def test_list_gone(steps: Steps) -> None:
    """A list that was added and is gone is not verified."""
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=1))
    store = steps.attach(manifest, converted)
    steps.remove(1)
    with pytest.raises(RevocationNotVerified, match="shows no list with CRL number 1: there is none of this CA"):
        steps.verify(manifest, converted, store)


def test_only_an_older_list_visible(steps: Steps) -> None:
    """While a list is not visible yet, the older one is not accepted as proof."""
    steps.add(steps.authority.crl([A], number=1))
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=2))
    with pytest.raises(RevocationNotVerified, match="shows no list with CRL number 2: the newest is 1"):
        steps.verify(manifest, converted, steps.store())


def test_list_gone_before_it_could_be_read_back(steps: Steps) -> None:
    """A winner that is removed before it is read back is not verified."""
    crl = steps.authority.crl([A], number=1)
    steps.add(crl)
    manifest, converted = steps.manifest(A), steps.convert(crl)
    faults.add(CONTENT, code="RevocationIdNotFound")
    with pytest.raises(RevocationNotVerified, match=r"list 1 of .* is not visible"):
        steps.verify(manifest, converted, steps.store())


def test_count_differs(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trust store whose count differs from the list's bytes has not parsed the list correctly."""
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=1))
    store = steps.attach(manifest, converted)
    describe = embedded_elbv2.describe_revocation
    wrong = {"NumberOfRevokedEntries": 9}
    monkeypatch.setattr(embedded_elbv2, "describe_revocation", lambda *arguments: {**describe(*arguments), **wrong})
    with pytest.raises(RevocationNotVerified, match="counts NumberOfRevokedEntries 9, its content holds 1"):
        steps.verify(manifest, converted, store)


def test_bytes_replaced(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes signed by another CA are refused, even if the id was known as a list of this CA."""
    crl = steps.authority.crl([A], number=1)
    steps.add(crl)
    manifest, converted = steps.manifest(A), steps.convert(crl)
    other = steps.fresh()
    other.authority = pki.certificate_authority("Other")
    other.add(other.authority.crl([A], number=1))
    foreign = embedded_elbv2.trust_store(other.trust_store_arn).lists[1]
    monkeypatch.setitem(embedded_elbv2.trust_store(steps.trust_store_arn).lists, 1, foreign)
    with pytest.raises(RevocationNotVerified, match="is not a complete CRL of this CA"):
        steps.verify(manifest, converted, steps.store())


def test_trust_store_gone(steps: Steps) -> None:
    """The error names a trust store that was deleted meanwhile."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A]))
    steps.lab.aws.client("elbv2").delete_trust_store(TrustStoreArn=steps.trust_store_arn)
    with pytest.raises(TrustStoreNotFound):
        steps.verify(manifest, converted, steps.store())
