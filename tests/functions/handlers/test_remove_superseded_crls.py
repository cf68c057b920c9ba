"""RemoveSupersededCrls removes the lists that the verified one supersedes, nothing else, and checks again."""

import pytest
from cryptography import x509

from functions.errors import CrlNumberReused, RevocationNotVerified, TrustStoreThrottled
from functions.models.base import S3Object
from functions.models.states import ConvertedCrl, TrustStore
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from tests.support import pki
from tests.support.pki import A, B, C
from tests.support.steps import Steps

REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"
DESCRIBE = "elasticloadbalancing:DescribeTrustStores"


@pytest.fixture
def verified(steps: Steps) -> tuple[S3Object, ConvertedCrl, TrustStore]:
    """Return an execution that has verified list 3, with lists 1 and 2 of this CA below it."""
    for number in (1, 2):
        steps.add(steps.authority.crl([A], number=number))
    manifest = steps.manifest(B)
    converted = steps.convert(steps.authority.crl([A, B], number=3))
    return manifest, converted, steps.verify(manifest, converted, steps.attach(manifest, converted))


Verified = tuple[S3Object, ConvertedCrl, TrustStore]


def test_older_lists(steps: Steps, verified: Verified) -> None:
    """The older lists of this CA are removed, and the total counts what remains."""
    removed = steps.supersede(*verified).removed
    assert removed.removed_revocation_ids == [1, 2]
    assert (removed.verified_list_gone, removed.total_revoked_entries) == (False, 2)
    assert steps.attached() == {3: {A, B}}


def test_older_list_that_shuts_clients_out(steps: Steps) -> None:
    """A list of this CA that would be refused today, since its reason is critical, is removed like any other."""
    reason = (x509.CRLReason(x509.ReasonFlags.superseded), True)
    bad = steps.add(steps.authority.crl([A], number=1, entry_extensions=[reason]))
    manifest = steps.manifest(A)
    converted = steps.convert(steps.authority.crl([A], number=2))
    removed = steps.supersede(manifest, converted, steps.verify(manifest, converted, steps.attach(manifest, converted)))
    assert removed.removed.removed_revocation_ids == [bad]


def test_nothing_to_remove(steps: Steps, verified: Verified) -> None:
    """A second time there is nothing to do, and each id is reported once."""
    manifest, converted, _ = verified
    again = steps.supersede(manifest, converted, steps.supersede(*verified))
    assert again.removed.removed_revocation_ids == [1, 2]
    assert steps.attached().keys() == {3}


def test_list_of_another_ca_of_the_same_name(steps: Steps, verified: Verified) -> None:
    """An older list of another CA of the same name is not removed."""
    steps.add(steps.authority.crl([C], number=None))
    foreign = steps.add(pki.certificate_authority().crl([C], number=1))
    steps.supersede(*verified)
    assert steps.attached().keys() == {3, foreign}


def test_newer_list_of_a_peer(steps: Steps, verified: Verified) -> None:
    """A list that ranks above the verified one remains, and nothing is added."""
    newer = steps.add(steps.authority.crl([A, B, C], number=4))
    assert not steps.supersede(*verified).removed.verified_list_gone
    assert steps.attached().keys() == {3, newer}


def test_same_list_added_earlier_by_a_peer(steps: Steps) -> None:
    """Of two equal lists, the one with the higher id remains."""
    crl = steps.authority.crl([A])
    manifest, converted = steps.manifest(A), steps.convert(crl)
    steps.add(crl)
    steps.add(crl)
    store = steps.enforce(manifest, converted)
    assert steps.attached().keys() == {2}
    assert store.verified.revocation_id == 2


def test_list_of_the_same_number_with_other_bytes(steps: Steps, verified: Verified) -> None:
    """Of two different CRLs with one number, neither is removed."""
    manifest, converted, store = verified
    trust_store = embedded_elbv2.trust_store(steps.trust_store_arn)
    steps.add(steps.authority.crl([C], number=3))
    other = trust_store.lists[4]
    trust_store.lists = {1: other.__class__(1, other.pem, other.crl), 3: trust_store.lists[3]}
    fresh = steps.manifest(B)
    with pytest.raises(CrlNumberReused, match="lists 1 and 3 both carry CRL number 3 but differ"):
        steps.supersede(fresh, converted, store)
    assert steps.attached().keys() == {1, 3}
    assert manifest != fresh


def test_one_of_them_gone_already(steps: Steps, verified: Verified) -> None:
    """A list that another execution removed first counts as removed, and the others are removed too."""
    store = embedded_elbv2.trust_store(steps.trust_store_arn)
    faults.observe(lambda action, _: store.remove([1]) if action == REMOVE and 1 in store.lists else None)
    steps.supersede(*verified)
    assert steps.attached().keys() == {3}


def test_verified_list_gone_before(steps: Steps, verified: Verified) -> None:
    """If the verified list is gone, no other list is removed: the older ones are all that remains."""
    steps.remove(3)
    removed = steps.supersede(*verified).removed
    assert (removed.verified_list_gone, removed.times_gone) == (True, 1)
    assert steps.attached().keys() == {1, 2}


def test_verified_list_gone_meanwhile(steps: Steps, verified: Verified) -> None:
    """The second check notices that the verified list was removed while the others were."""
    store = embedded_elbv2.trust_store(steps.trust_store_arn)
    faults.observe(lambda action, _: store.remove([3]) if action == REMOVE and 3 in store.lists else None)
    assert steps.supersede(*verified).removed.verified_list_gone


def test_verified_list_is_attached_again(steps: Steps, verified: Verified) -> None:
    """A verified list that was removed is attached and verified again, and its entries count once."""
    manifest, converted, _ = verified
    store = embedded_elbv2.trust_store(steps.trust_store_arn)
    faults.observe(lambda action, _: store.remove([3]) if action == REMOVE and 3 in store.lists else None)
    result = steps.enforce(manifest, converted)
    assert steps.attached() == {4: {A, B}}
    assert result.attached.added_revocation_ids == [4]
    assert result.removed.removed_revocation_ids == [1, 2]
    assert (result.verified.new_entries, result.verified.dropped_entries) == (1, 0)


def test_verified_list_gone_again_and_again(steps: Steps, verified: Verified) -> None:
    """If every list is removed as soon as it is attached, the execution fails instead of going on forever."""
    manifest, converted, _ = verified
    store = embedded_elbv2.trust_store(steps.trust_store_arn)

    def remove_all(action: str, _resource: str) -> None:
        if action == DESCRIBE:  # the last call of a verification, and of a removal
            store.remove(list(store.lists))

    faults.observe(remove_all)
    with pytest.raises(RevocationNotVerified, match="was verified and removed by somebody else, 4 times"):
        steps.enforce(manifest, converted)


@pytest.mark.usefixtures("no_retry_delay")
def test_throttled(steps: Steps, verified: Verified) -> None:
    """A throttled removal leaves all lists and has an error of its own."""
    faults.add(REMOVE, code="ThrottlingException", times=9)
    with pytest.raises(TrustStoreThrottled):
        steps.supersede(*verified)
    assert steps.attached().keys() == {1, 2, 3}


def test_nothing_verified(steps: Steps, verified: Verified) -> None:
    """Without a list that was read back, nothing is removed."""
    manifest, converted, _ = verified
    with pytest.raises(RevocationNotVerified, match="no list was verified"):
        steps.supersede(manifest, converted, steps.store())
    assert steps.attached().keys() == {1, 2, 3}
