"""VerifyRevocation reads the list back, and relies on neither a count nor a response to a call."""

from datetime import UTC, datetime

import pytest

from functions.errors import CrlNumberReused, RevocationNotVerified, TrustStoreNotFound
from functions.models.states import TrustStore
from infra.local.core import faults
from infra.local.elbv2 import responses as elbv2
from tests.support import pki
from tests.support.steps import A, B, Bench, C, D

CONTENT = "elasticloadbalancing:GetTrustStoreRevocationContent"


def verified(store: TrustStore) -> dict[str, object]:
    """Return the result of VerifyRevocation without the fields that differ from run to run."""
    return store.verified.model_dump(by_alias=False, exclude={"sha256", "evidence", "started_at", "finished_at"})


def test_list_attached(bench: Bench) -> None:
    """The entries in the bytes of the trust store are counted."""
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, C], number=7))
    store = bench.verify(manifest, converted, bench.attach(manifest, converted))
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


def test_evidence(bench: Bench) -> None:
    """The list read back, its time and the serials that a newer CRL dropped are stored for an auditor."""
    bench.add(bench.authority.crl([D], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, C], number=7))
    started = datetime.now(UTC)
    evidence = bench.evidence(bench.verify(manifest, converted, bench.attach(manifest, converted)))
    assert started <= evidence.verified_at <= datetime.now(UTC)
    assert evidence.attached.held_serials == [A]
    assert evidence.dropped_serials == [D]


def test_older_list_still_attached(bench: Bench) -> None:
    """New and dropped entries are counted against the lists at the start; the total counts both lists."""
    bench.add(bench.authority.crl([A, D], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, B, C], number=2))
    result = bench.verify(manifest, converted, bench.attach(manifest, converted)).verified
    assert (result.new_entries, result.dropped_entries) == (2, 1)
    assert (result.wanted_held, result.wanted_new) == (2, 1)
    assert result.total_revoked_entries == 5


def test_older_list_beside_the_same_list(bench: Bench) -> None:
    """An execution that changes nothing counts nothing as new, even beside an older list left by another one."""
    crl = bench.authority.crl([A, B], number=2)
    bench.add(bench.authority.crl([A], number=1))
    bench.add(crl)
    manifest, converted = bench.manifest(B), bench.convert(crl)
    result = bench.verify(manifest, converted, bench.attach(manifest, converted)).verified
    assert (result.new_entries, result.dropped_entries, result.wanted_new) == (0, 0, 0)


def test_peer_attached_the_same_list_first(bench: Bench) -> None:
    """A list that another execution attached since the start counts as new."""
    bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(B)
    bench.add(bench.authority.crl([A, B], number=2))
    converted = bench.convert(bench.authority.crl([A, B, C], number=3))
    assert bench.verify(manifest, converted, bench.attach(manifest, converted)).verified.new_entries == 2


def test_peer_removed_the_older_list(bench: Bench) -> None:
    """New entries that cannot be counted any more are unknown, not zero; the wanted serials are still known."""
    old = bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, B], number=2))
    store = bench.attach(manifest, converted)
    bench.remove(old)
    result = bench.verify(manifest, converted, store).verified
    assert (result.new_entries, result.dropped_entries) == (None, None)
    assert (result.wanted_held, result.wanted_new) == (2, 1)


def test_second_round(bench: Bench) -> None:
    """Entries add up over the rounds of one execution."""
    manifest = bench.manifest(A, B)
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A, D], number=1)))
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A, B], number=2)), store)
    assert (store.verified.new_entries, store.verified.dropped_entries) == (3, 1)


def test_second_round_after_an_unknown_one(bench: Bench) -> None:
    """A total that was unknown once stays unknown."""
    old = bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, B], number=2))
    store = bench.attach(manifest, converted)
    bench.remove(old)
    store = bench.verify(manifest, converted, store)
    result = bench.enforce(manifest, bench.convert(bench.authority.crl([A, B, C], number=3)), store).verified
    assert (result.new_entries, result.dropped_entries) == (None, None)


def test_peer_with_a_newer_crl(bench: Bench) -> None:
    """The winner is verified, even if this execution's own list is gone, because it holds the same wanted serials."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    newer = bench.add(bench.authority.crl([A, B], number=2))
    bench.remove(1)
    result = bench.verify(manifest, converted, store).verified
    assert (result.revocation_id, result.crl_number, result.wanted_held) == (newer, 2, 1)


def test_peer_with_a_newer_crl_that_lacks_a_wanted_serial(bench: Bench) -> None:
    """A winner that lacks a wanted serial of this execution's CRL is not accepted in its place."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    bench.add(bench.authority.crl([B], number=2))
    with pytest.raises(RevocationNotVerified, match=r"number 2\) superseded CRL number 1 but lacks 1 of 1"):
        bench.verify(manifest, converted, store)


def test_same_number_with_other_bytes(bench: Bench) -> None:
    """A winner with the same number and other bytes is an error."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    bench.add(bench.authority.crl([A, B], number=1))
    with pytest.raises(CrlNumberReused, match="carries CRL number 1 with other bytes"):
        bench.verify(manifest, converted, store)


def test_list_gone(bench: Bench) -> None:
    """A list that was added and is gone is not verified."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    bench.remove(1)
    with pytest.raises(RevocationNotVerified, match="shows no list with CRL number 1: there is none of this CA"):
        bench.verify(manifest, converted, store)


def test_only_an_older_list_visible(bench: Bench) -> None:
    """While a list is not visible yet, the older one is not accepted as proof."""
    bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=2))
    with pytest.raises(RevocationNotVerified, match="shows no list with CRL number 2: the newest is 1"):
        bench.verify(manifest, converted, bench.store())


def test_list_gone_before_it_could_be_read_back(bench: Bench) -> None:
    """A winner that is removed before it is read back is not verified."""
    crl = bench.authority.crl([A], number=1)
    bench.add(crl)
    manifest, converted = bench.manifest(A), bench.convert(crl)
    faults.add(CONTENT, code="RevocationIdNotFound")
    with pytest.raises(RevocationNotVerified, match=r"list 1 of .* is not visible"):
        bench.verify(manifest, converted, bench.store())


def test_count_differs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trust store whose count differs from the list's bytes has not parsed the list correctly."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    describe = elbv2.describe_revocation
    wrong = {"NumberOfRevokedEntries": 9}
    monkeypatch.setattr(elbv2, "describe_revocation", lambda *arguments: {**describe(*arguments), **wrong})
    with pytest.raises(RevocationNotVerified, match="counts NumberOfRevokedEntries 9, its content holds 1"):
        bench.verify(manifest, converted, store)


def test_bytes_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes signed by another CA are refused, even if the id was known as a list of this CA."""
    crl = bench.authority.crl([A], number=1)
    bench.add(crl)
    manifest, converted = bench.manifest(A), bench.convert(crl)
    other = bench.fresh()
    other.authority = pki.certificate_authority("Other")
    other.add(other.authority.crl([A], number=1))
    foreign = elbv2.trust_store(other.trust_store_arn).lists[1]
    monkeypatch.setitem(elbv2.trust_store(bench.trust_store_arn).lists, 1, foreign)
    with pytest.raises(RevocationNotVerified, match="is not a complete CRL of this CA"):
        bench.verify(manifest, converted, bench.store())


def test_trust_store_gone(bench: Bench) -> None:
    """The error names a trust store that was deleted meanwhile."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    bench.lab.aws.client("elbv2").delete_trust_store(TrustStoreArn=bench.trust_store_arn)
    with pytest.raises(TrustStoreNotFound):
        bench.verify(manifest, converted, bench.store())
