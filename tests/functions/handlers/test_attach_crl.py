"""AttachCrl adds a list at most once, leaves no gap, and refuses what would not fit."""

from datetime import timedelta

import pytest
from cryptography import x509
from moto.core.responses import ActionResult

from functions.environment import environment
from functions.errors import (
    AwsUnavailable,
    CrlNumberLower,
    CrlNumberReused,
    RevocationAddUnclear,
    TrustStoreFull,
    TrustStoreNotFound,
    TrustStoreThrottled,
)
from functions.handlers.attach_crl import attach_crl
from functions.models.states import Attached, EnforceInput
from functions.pki.der import SEQUENCE, wrap
from infra.local.core import faults
from infra.local.elbv2 import responses as elbv2
from tests.support import pki
from tests.support.pki import NOW
from tests.support.steps import A, B, Bench, C

ADD = "elasticloadbalancing:AddTrustStoreRevocations"
CONTENT = "elasticloadbalancing:GetTrustStoreRevocationContent"


def test_nothing_attached(bench: Bench) -> None:
    """An empty trust store gets the list."""
    manifest = bench.manifest(A)
    store = bench.attach(manifest, bench.convert(bench.authority.crl([A, B])))
    assert bench.attached() == {1: {A, B}}
    assert (store.attached.revocation_id, store.attached.added_revocation_ids) == (1, [1])


def test_older_list_attached(bench: Bench) -> None:
    """The new list stands beside the old one, which is not removed yet."""
    old = bench.add(bench.authority.crl([A], number=1))
    store = bench.attach(bench.manifest(B), bench.convert(bench.authority.crl([A, B], number=2)))
    assert bench.attached().keys() == {old, store.attached.revocation_id}
    assert store.attached.removed_revocation_ids == []


def test_same_list_attached(bench: Bench) -> None:
    """The very CRL is not added a second time."""
    crl = bench.authority.crl([A])
    there = bench.add(crl)
    store = bench.attach(bench.manifest(A), bench.convert(crl))
    assert bench.attached().keys() == {there}
    assert (store.attached.revocation_id, store.attached.added_revocation_ids) == (there, [])


def test_same_list_attached_by_a_peer_since_the_start(bench: Bench) -> None:
    """A list that the manifest does not know is read, and found to be the same."""
    crl = bench.authority.crl([A])
    manifest, converted = bench.manifest(A), bench.convert(crl)
    there = bench.add(crl)
    assert bench.attach(manifest, converted).attached.revocation_id == there


def test_same_number_with_other_bytes_attached(bench: Bench) -> None:
    """Two different CRLs of one number contradict each other: neither is known to be right."""
    bench.add(bench.authority.crl([A], number=5))
    with pytest.raises(CrlNumberReused, match="number 5 is attached as list 1 with other bytes"):
        bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A, B], number=5)))
    assert bench.attached() == {1: {A}}


def test_newer_list_with_all_wanted_serials_attached(bench: Bench) -> None:
    """A peer that found a newer CRL has done the work."""
    there = bench.add(bench.authority.crl([A, B], number=2))
    store = bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A], number=1)))
    assert store.attached.revocation_id == there
    assert bench.attached().keys() == {there}


def test_newer_list_without_a_wanted_serial_attached(bench: Bench) -> None:
    """An older CRL is not added below a newer one, where it would not stay."""
    bench.add(bench.authority.crl([B], number=2))
    with pytest.raises(CrlNumberLower, match=r"1 is lower than the attached 2 .* lacks 1 wanted"):
        bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A], number=1)))


def test_newer_list_of_another_ca_of_the_same_name(bench: Bench) -> None:
    """An issuer is a name and a key: a namesake's list neither counts nor is touched."""
    there = bench.add(pki.certificate_authority().crl([A], number=9))
    store = bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A], number=1)))
    assert bench.attached().keys() == {there, store.attached.revocation_id}


def test_newer_list_that_is_no_complete_crl(bench: Bench) -> None:
    """A delta CRL of this CA is not compared with."""
    delta = bench.authority.crl([A], number=9, extensions=[(x509.DeltaCRLIndicator(1), True)])
    there = bench.add(delta)
    store = bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A], number=1)))
    assert bench.attached().keys() == {there, store.attached.revocation_id}


def test_list_without_a_number(bench: Bench) -> None:
    """A list that cannot be ordered is not compared with, whoever signed it."""
    there = bench.add(bench.authority.crl([A], number=None))
    store = bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A], number=1)))
    assert bench.attached().keys() == {there, store.attached.revocation_id}


def test_list_that_cannot_be_read(bench: Bench) -> None:
    """What AWS takes and RFC 5280 forbids, such as an empty revokedCertificates, stays what it is."""
    there = bench.add(pki.hand_made_crl(bench.authority, revoked=wrap(SEQUENCE, b"")))
    store = bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A], number=1)))
    assert bench.attached().keys() == {there, store.attached.revocation_id}


def test_second_round(bench: Bench) -> None:
    """Ids add up over the rounds of one execution."""
    manifest = bench.manifest(A, B)
    store = bench.attach(manifest, bench.convert(bench.authority.crl([A], number=1)))
    store = bench.attach(manifest, bench.convert(bench.authority.crl([A, B], number=2)), store)
    assert store.attached.added_revocation_ids == [1, 2]
    assert store.attached.revocation_id == 2


def limit(patch: pytest.MonkeyPatch, **quotas: int) -> None:
    """Set the quotas that the deployment knows."""
    for name, value in quotas.items():
        patch.setenv(f"MAX_REVOCATION_{name.upper()}", str(value))
    environment.cache_clear()


def test_no_list_free(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """Without a leftover to remove, a trust store with all lists in use is full."""
    limit(lambda_environment, lists=2)
    bench.add(pki.certificate_authority("One").crl([C]))
    bench.add(pki.certificate_authority("Two").crl([C]))
    with pytest.raises(TrustStoreFull, match=r"2 lists of 2 are used \(quota L-332EE142\)"):
        bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A])))


def test_no_entry_free(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """The only list of this CA is not removed to make room: that would be an unprotected moment."""
    limit(lambda_environment, entries=3)
    bench.add(bench.authority.crl([A, B], number=1))
    with pytest.raises(TrustStoreFull, match=r"2 entries of 3 are used and 3 come \(quota L-37E1617B\)"):
        bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A, B, C], number=2)))
    assert bench.attached() == {1: {A, B}}


def test_leftover_in_the_way(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """A list that a newer attached one makes superfluous is removed for the new one, and told of."""
    limit(lambda_environment, lists=3)
    bench.add(pki.certificate_authority("Other").crl([C]))
    leftover = bench.add(bench.authority.crl([A], number=1))
    bench.add(bench.authority.crl([A, B], number=2))
    store = bench.attach(bench.manifest(C), bench.convert(bench.authority.crl([A, B, C], number=3)))
    assert store.attached.removed_revocation_ids == [leftover]
    assert bench.attached().keys() == {1, 3, 4}


def test_leftover_removed_is_not_enough(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """When the new list would not fit even so, nothing is removed."""
    limit(lambda_environment, entries=3)
    bench.add(bench.authority.crl([A], number=1))
    bench.add(bench.authority.crl([A, B], number=2))
    with pytest.raises(TrustStoreFull, match="2 entries of 3 are used and 3 come"):
        bench.attach(bench.manifest(C), bench.convert(bench.authority.crl([A, B, C], number=3)))
    assert bench.attached().keys() == {1, 2}


def test_service_says_full(bench: Bench) -> None:
    """A quota that is lower than the deployment believes is named by the service's words and our figures."""
    bench.lab.aws.settings.trust_stores.max_entries = 1
    with pytest.raises(
        TrustStoreFull, match=r"TooManyTrustStoreRevocationEntries: .* as far as known here, 0 lists of 30"
    ):
        bench.attach(bench.manifest(A), bench.convert(bench.authority.crl([A, B])))


def test_service_says_full_because_of_a_peer(bench: Bench) -> None:
    """The last place went to a peer with the same CRL, so the work is done."""
    crl = bench.authority.crl([A])
    manifest, converted = bench.manifest(A), bench.convert(crl)
    bench.lab.aws.settings.trust_stores.max_lists = 1
    faults.observe(lambda action, _: bench.add_directly(crl) if action == ADD and not bench.attached() else None)
    assert bench.attach(manifest, converted).attached.added_revocation_ids == []
    assert bench.attached() == {1: {A}}


def test_answer_lost(bench: Bench) -> None:
    """The list was added and the answer lost: it is found, not added twice."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    faults.add(ADD, code="InternalFailure", after=True)
    assert bench.attach(manifest, converted).attached.added_revocation_ids == [1]
    assert bench.attached() == {1: {A}}


def test_answer_lost_and_list_not_to_be_seen(bench: Bench) -> None:
    """A list that is not visible yet is not added again before the state machine has waited."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A], number=4))
    bench.lab.aws.settings.trust_stores.visibility_delay_seconds = 60
    faults.add(ADD, code="InternalFailure", after=True)
    with pytest.raises(RevocationAddUnclear, match="CRL number 4 is not among the lists"):
        bench.attach(manifest, converted)
    assert len(bench.attached()) == 1


def test_answer_empty(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without a list is no success."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    monkeypatch.setattr(elbv2.TrustStoreResponse, "add_trust_store_revocations", lambda _: ActionResult({}))
    with pytest.raises(RevocationAddUnclear, match="returned 0 lists, expected one"):
        bench.attach(manifest, converted)


def test_throttled(bench: Bench) -> None:
    """A throttled call was not carried out, and is not taken for an unclear one."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    faults.add(ADD, code="ThrottlingException")
    with pytest.raises(TrustStoreThrottled):
        bench.attach(manifest, converted)


def test_trust_store_gone(bench: Bench) -> None:
    """A trust store that was deleted meanwhile is named."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    bench.lab.aws.client("elbv2").delete_trust_store(TrustStoreArn=bench.trust_store_arn)
    question = EnforceInput(manifest=manifest, trust_store=bench.store(), converted=converted)
    with pytest.raises(TrustStoreNotFound):
        attach_crl(question, NOW)


def test_list_shown_that_cannot_be_read(bench: Bench) -> None:
    """A list that is shown and never given leaves the look without a result, instead of without that list."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A]))
    bench.add(bench.authority.crl([A]))
    faults.add(CONTENT, code="RevocationIdNotFound", times=9)
    with pytest.raises(AwsUnavailable, match=r"shows lists that cannot be read: \[1\]"):
        bench.attach(manifest, converted)


def test_list_removed_while_being_read(bench: Bench) -> None:
    """A list that goes between the listing and the reading is left out, and the others are not."""
    manifest, converted = bench.manifest(A), bench.convert(bench.authority.crl([A], number=3))
    gone, stays = (bench.add(bench.authority.crl([A], number=number)) for number in (1, 2))
    store = elbv2.trust_store(bench.trust_store_arn)
    faults.observe(lambda action, _: store.remove([gone]) if action == CONTENT and gone in store.lists else None)
    assert bench.attach(manifest, converted).attached == Attached(
        revocation_id=3, added_revocation_ids=[3], started_at=NOW, finished_at=NOW + timedelta(seconds=1)
    )
    assert bench.attached().keys() == {stays, 3}
