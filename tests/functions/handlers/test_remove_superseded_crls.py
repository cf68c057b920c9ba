"""RemoveSupersededCrls removes what the verified list dominates, nothing else, and looks once more."""

import pytest

from functions.errors import CrlNumberReused, RevocationNotVerified, TrustStoreThrottled
from functions.models.base import S3Object
from functions.models.states import ConvertedCrl, TrustStore
from infra.local.core import faults
from infra.local.elbv2 import responses as elbv2
from tests.support import pki
from tests.support.steps import A, B, Bench, C

REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"
DESCRIBE = "elasticloadbalancing:DescribeTrustStores"


@pytest.fixture
def verified(bench: Bench) -> tuple[S3Object, ConvertedCrl, TrustStore]:
    """Give an execution that has verified list 3, with lists 1 and 2 of this CA below it."""
    for number in (1, 2):
        bench.add(bench.authority.crl([A], number=number))
    manifest = bench.manifest(B)
    converted = bench.convert(bench.authority.crl([A, B], number=3))
    return manifest, converted, bench.verify(manifest, converted, bench.attach(manifest, converted))


Verified = tuple[S3Object, ConvertedCrl, TrustStore]


def test_older_lists(bench: Bench, verified: Verified) -> None:
    """The older lists of this CA go, and the total is what is left."""
    removed = bench.supersede(*verified).removed
    assert removed.removed_revocation_ids == [1, 2]
    assert (removed.verified_list_gone, removed.total_revoked_entries) == (False, 2)
    assert bench.attached() == {3: {A, B}}


def test_nothing_to_remove(bench: Bench, verified: Verified) -> None:
    """A second time there is nothing to do, and ids are told once."""
    manifest, converted, _ = verified
    again = bench.supersede(manifest, converted, bench.supersede(*verified))
    assert again.removed.removed_revocation_ids == [1, 2]
    assert bench.attached().keys() == {3}


def test_list_of_another_ca_of_the_same_name(bench: Bench, verified: Verified) -> None:
    """A namesake's older list is not this CA's."""
    theirs = bench.add(pki.certificate_authority().crl([C], number=1))
    bench.supersede(*verified)
    assert bench.attached().keys() == {3, theirs}


def test_newer_list_of_a_peer(bench: Bench, verified: Verified) -> None:
    """A list above the verified one stays, and nothing is added."""
    theirs = bench.add(bench.authority.crl([A, B, C], number=4))
    assert not bench.supersede(*verified).removed.verified_list_gone
    assert bench.attached().keys() == {3, theirs}


def test_same_list_added_earlier_by_a_peer(bench: Bench) -> None:
    """Of two equal lists the one with the higher id stays."""
    crl = bench.authority.crl([A])
    manifest, converted = bench.manifest(A), bench.convert(crl)
    bench.add(crl)
    bench.add(crl)
    store = bench.enforce(manifest, converted)
    assert bench.attached().keys() == {2}
    assert store.verified.revocation_id == 2


def test_list_of_the_same_number_with_other_bytes(bench: Bench, verified: Verified) -> None:
    """Of two different CRLs of one number neither is removed."""
    manifest, converted, store = verified
    odd = elbv2.trust_store(bench.trust_store_arn)
    bench.add(bench.authority.crl([C], number=3))
    odd.lists = {1: odd.lists[4].__class__(1, odd.lists[4].pem, odd.lists[4].crl), 3: odd.lists[3]}
    fresh = bench.manifest(B)
    with pytest.raises(CrlNumberReused, match="lists 1 and 3 both carry CRL number 3 but differ"):
        bench.supersede(fresh, converted, store)
    assert bench.attached().keys() == {1, 3}
    assert manifest != fresh


def test_one_of_them_gone_already(bench: Bench, verified: Verified) -> None:
    """A list that a peer removed first is as good as removed, and the others go too."""
    store = elbv2.trust_store(bench.trust_store_arn)
    faults.observe(lambda action, _: store.remove([1]) if action == REMOVE and 1 in store.lists else None)
    bench.supersede(*verified)
    assert bench.attached().keys() == {3}


def test_verified_list_gone_before(bench: Bench, verified: Verified) -> None:
    """When somebody removed the verified list, nothing else is: the older ones are all that is left."""
    bench.remove(3)
    removed = bench.supersede(*verified).removed
    assert (removed.verified_list_gone, removed.times_gone) == (True, 1)
    assert bench.attached().keys() == {1, 2}


def test_verified_list_gone_meanwhile(bench: Bench, verified: Verified) -> None:
    """The second look sees that the verified list went while the others were removed."""
    store = elbv2.trust_store(bench.trust_store_arn)
    faults.observe(lambda action, _: store.remove([3]) if action == REMOVE and 3 in store.lists else None)
    assert bench.supersede(*verified).removed.verified_list_gone


def test_verified_list_gone_all_round(bench: Bench, verified: Verified) -> None:
    """It is attached and verified again, and counted as what it is: the same."""
    manifest, converted, _ = verified
    store = elbv2.trust_store(bench.trust_store_arn)
    faults.observe(lambda action, _: store.remove([3]) if action == REMOVE and 3 in store.lists else None)
    done = bench.enforce(manifest, converted)
    assert bench.attached() == {4: {A, B}}
    assert done.attached.added_revocation_ids == [4]
    assert done.removed.removed_revocation_ids == [1, 2]
    assert (done.verified.new_entries, done.verified.dropped_entries) == (1, 0)


def test_verified_list_gone_again_and_again(bench: Bench, verified: Verified) -> None:
    """Somebody who removes each list as it comes is told of, and not fought for ever."""
    manifest, converted, _ = verified
    store = elbv2.trust_store(bench.trust_store_arn)

    def vandal(action: str, _resource: str) -> None:
        if action == DESCRIBE:  # the last call of a verification, and of a removal
            store.remove(list(store.lists))

    faults.observe(vandal)
    with pytest.raises(RevocationNotVerified, match="was verified and removed by somebody else, 4 times"):
        bench.enforce(manifest, converted)


@pytest.mark.usefixtures("impatient")
def test_throttled(bench: Bench, verified: Verified) -> None:
    """A throttled removal leaves all lists, and has its name."""
    faults.add(REMOVE, code="ThrottlingException", times=9)
    with pytest.raises(TrustStoreThrottled):
        bench.supersede(*verified)
    assert bench.attached().keys() == {1, 2, 3}


def test_nothing_verified(bench: Bench, verified: Verified) -> None:
    """Without a list that was read back nothing is removed."""
    manifest, converted, _ = verified
    with pytest.raises(RevocationNotVerified, match="no list was verified"):
        bench.supersede(manifest, converted, bench.store())
    assert bench.attached().keys() == {1, 2, 3}
