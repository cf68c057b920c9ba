"""VerifyRevocation reads the list back, and believes neither a count nor an answer."""

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
    """Give what VerifyRevocation said, without what differs from run to run."""
    return store.verified.model_dump(by_alias=False, exclude={"sha256", "evidence", "started_at", "finished_at"})


def test_list_attached(bench: Bench) -> None:
    """What is in the trust store's own bytes is counted and told."""
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
    """What was read back, and when, is kept for an auditor, with the serials that a newer CRL dropped."""
    bench.add(bench.authority.crl([D], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, C], number=7))
    began = datetime.now(UTC)
    evidence = bench.evidence(bench.verify(manifest, converted, bench.attach(manifest, converted)))
    assert began <= evidence.verified_at <= datetime.now(UTC)
    assert evidence.attached.held_serials == [A]
    assert evidence.dropped_serials == [D]


def test_older_list_still_attached(bench: Bench) -> None:
    """Entries that came and went are told against the lists at the start; the total counts both lists."""
    bench.add(bench.authority.crl([A, D], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, B, C], number=2))
    found = bench.verify(manifest, converted, bench.attach(manifest, converted)).verified
    assert (found.new_entries, found.dropped_entries) == (2, 1)
    assert (found.wanted_held, found.wanted_new) == (2, 1)
    assert found.total_revoked_entries == 5


def test_leftover_beside_the_same_list(bench: Bench) -> None:
    """A run that changes nothing counts nothing as new, also beside an older list that a run before left."""
    crl = bench.authority.crl([A, B], number=2)
    bench.add(bench.authority.crl([A], number=1))
    bench.add(crl)
    manifest, converted = bench.manifest(B), bench.convert(crl)
    found = bench.verify(manifest, converted, bench.attach(manifest, converted)).verified
    assert (found.new_entries, found.dropped_entries, found.wanted_new) == (0, 0, 0)


def test_peer_attached_the_same_list_first(bench: Bench) -> None:
    """A peer's new list was not there at the start, so what it holds is new."""
    bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(B)
    bench.add(bench.authority.crl([A, B], number=2))
    converted = bench.convert(bench.authority.crl([A, B, C], number=3))
    assert bench.verify(manifest, converted, bench.attach(manifest, converted)).verified.new_entries == 2


def test_peer_removed_the_older_list(bench: Bench) -> None:
    """What cannot be compared any more is unknown, not zero; the wanted serials are known all the same."""
    old = bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, B], number=2))
    store = bench.attach(manifest, converted)
    bench.remove(old)
    found = bench.verify(manifest, converted, store).verified
    assert (found.new_entries, found.dropped_entries) == (None, None)
    assert (found.wanted_held, found.wanted_new) == (2, 1)


def test_second_round(bench: Bench) -> None:
    """Entries add up over the rounds of one execution."""
    manifest = bench.manifest(A, B)
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A, D], number=1)))
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A, B], number=2)), store)
    assert (store.verified.new_entries, store.verified.dropped_entries) == (3, 1)


def test_second_round_after_an_unknown_one(bench: Bench) -> None:
    """Once unknown, always unknown."""
    old = bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A, B)
    converted = bench.convert(bench.authority.crl([A, B], number=2))
    store = bench.attach(manifest, converted)
    bench.remove(old)
    store = bench.verify(manifest, converted, store)
    found = bench.enforce(manifest, bench.convert(bench.authority.crl([A, B, C], number=3)), store).verified
    assert (found.new_entries, found.dropped_entries) == (None, None)


def test_peer_with_a_newer_crl(bench: Bench) -> None:
    """The winner is verified, also when our own list is gone: it holds what ours did."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    peer = bench.add(bench.authority.crl([A, B], number=2))
    bench.remove(1)
    found = bench.verify(manifest, converted, store).verified
    assert (found.revocation_id, found.crl_number, found.wanted_held) == (peer, 2, 1)


def test_peer_with_a_newer_crl_that_lacks_a_wanted_serial(bench: Bench) -> None:
    """A winner that does less than our CRL is not accepted in its place."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    bench.add(bench.authority.crl([B], number=2))
    with pytest.raises(RevocationNotVerified, match=r"number 2\) superseded CRL number 1 but lacks 1 of 1"):
        bench.verify(manifest, converted, store)


def test_same_number_with_other_bytes(bench: Bench) -> None:
    """A winner of our number and other bytes is an error, not a winner."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    bench.add(bench.authority.crl([A, B], number=1))
    with pytest.raises(CrlNumberReused, match="carries CRL number 1 with other bytes"):
        bench.verify(manifest, converted, store)


def test_list_gone(bench: Bench) -> None:
    """A list that was added and is not there is not verified."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    bench.remove(1)
    with pytest.raises(RevocationNotVerified, match="shows no list with CRL number 1: there is none of this CA"):
        bench.verify(manifest, converted, store)


def test_only_an_older_list_to_be_seen(bench: Bench) -> None:
    """A list that is not visible yet is waited for; the older one beside it is no proof."""
    bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=2))
    with pytest.raises(RevocationNotVerified, match="shows no list with CRL number 2: the newest is 1"):
        bench.verify(manifest, converted, bench.store())


def test_list_gone_before_it_could_be_read_back(bench: Bench) -> None:
    """A winner that goes between two looks is not verified by the first of them."""
    crl = bench.authority.crl([A], number=1)
    bench.add(crl)
    manifest, converted = bench.manifest(A), bench.convert(crl)
    faults.add(CONTENT, code="RevocationIdNotFound")
    with pytest.raises(RevocationNotVerified, match=r"list 1 of .* is not to be seen"):
        bench.verify(manifest, converted, bench.store())


def test_count_differs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trust store that counts other entries than its bytes hold has not understood the list."""
    manifest = bench.manifest(A)
    converted = bench.convert(bench.authority.crl([A], number=1))
    store = bench.attach(manifest, converted)
    describe = elbv2.describe_revocation
    wrong = {"NumberOfRevokedEntries": 9}
    monkeypatch.setattr(elbv2, "describe_revocation", lambda *arguments: {**describe(*arguments), **wrong})
    with pytest.raises(RevocationNotVerified, match="counts NumberOfRevokedEntries 9, its content holds 1"):
        bench.verify(manifest, converted, store)


def test_bytes_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that another CA signed are not taken for the list, whatever was known of its id."""
    crl = bench.authority.crl([A], number=1)
    bench.add(crl)
    manifest, converted = bench.manifest(A), bench.convert(crl)
    other = bench.fresh()
    other.authority = pki.certificate_authority("Other")
    other.add(other.authority.crl([A], number=1))
    theirs = elbv2.trust_store(other.trust_store_arn).lists[1]
    monkeypatch.setitem(elbv2.trust_store(bench.trust_store_arn).lists, 1, theirs)
    with pytest.raises(RevocationNotVerified, match="is not a complete CRL of this CA"):
        bench.verify(manifest, converted, bench.store())


def test_trust_store_gone(bench: Bench) -> None:
    """A trust store that was deleted meanwhile is named."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    bench.lab.aws.client("elbv2").delete_trust_store(TrustStoreArn=bench.trust_store_arn)
    with pytest.raises(TrustStoreNotFound):
        bench.verify(manifest, converted, bench.store())
