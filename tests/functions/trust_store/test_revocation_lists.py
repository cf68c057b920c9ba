"""Lists that are still attached are removed, and each serial number in them is counted once."""

import pytest

from functions.errors import AwsUnavailable
from functions.models.stored import AttachedList
from functions.pki import crl
from functions.trust_store import revocation_lists
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from tests.support.pki import A, B, C
from tests.support.steps import Steps

REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"


def test_nothing_to_remove(steps: Steps) -> None:
    """Without ids no call is made, because AWS accepts only one write every five seconds."""
    faults.add(REMOVE, code="AccessDenied")
    revocation_lists.remove(steps.trust_store_arn, [])


def test_one_of_several_gone(steps: Steps) -> None:
    """If one is unknown, the remaining lists are removed one by one."""
    ids = [steps.add(steps.authority.crl([A], number=number)) for number in (1, 2, 3)]
    steps.remove(ids[1])
    revocation_lists.remove(steps.trust_store_arn, ids)
    assert steps.attached() == {}


def test_all_gone(steps: Steps) -> None:
    """Lists that another execution removed count as removed."""
    store = embedded_elbv2.trust_store(steps.trust_store_arn)
    ids = [steps.add(steps.authority.crl([A], number=number)) for number in (1, 2)]
    faults.observe(lambda action, _: store.remove(list(store.lists)) if action == REMOVE else None)
    revocation_lists.remove(steps.trust_store_arn, ids)
    assert steps.attached() == {}


def test_entries_of_several_lists(steps: Steps) -> None:
    """A serial in two lists is counted once; a list that is gone counts as empty."""
    steps.add(steps.authority.crl([A, B], number=1))
    steps.add(steps.authority.crl([B, C], number=2))
    arn = steps.trust_store_arn
    lists = [AttachedList(revocation_id=each, number_of_revoked_entries=2, sha256=f"{each}") for each in (1, 2)]
    assert revocation_lists.count_distinct_entries(arn, lists) == 3
    steps.remove(1)
    assert revocation_lists.count_distinct_entries(arn, lists) == 2
    assert revocation_lists.read_serial_numbers(arn, lists) is None
    assert revocation_lists.count_distinct_entries(arn, []) == 0


def test_list_removed_while_it_is_compared(steps: Steps) -> None:
    """What it held is not known, so nothing can be said of what would be lost; the step is repeated."""
    newest = crl.read(steps.authority.crl([A], number=1))
    gone = AttachedList(revocation_id=7, number_of_revoked_entries=1, crl_number=2, sha256="x")
    with pytest.raises(AwsUnavailable, match="was removed while it was compared"):
        revocation_lists.require_no_serial_lost(steps.trust_store_arn, [gone], newest)
