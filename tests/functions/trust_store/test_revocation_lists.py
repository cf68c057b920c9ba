"""Which list wins, which it dominates, and what is removed: the order that all executions follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import CrlNumberReused
from functions.models.stored import AttachedList
from functions.trust_store import revocation_lists as attached_lists
from infra.local.core import faults
from infra.local.elbv2 import responses as elbv2
from tests.support.steps import A, B, Bench, C

REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"


def attached(revocation_id: int, crl_number: int | None, sha256: str = "") -> AttachedList:
    """Make a list; its bytes follow from its number unless told otherwise."""
    return AttachedList(
        revocation_id=revocation_id,
        number_of_revoked_entries=1,
        crl_number=crl_number,
        sha256=sha256 or f"{crl_number}",
    )


LISTS = st.lists(
    st.builds(attached, st.integers(1, 99), st.none() | st.integers(0, 5)), unique_by=lambda each: each.revocation_id
)


@given(LISTS)
def test_winner_dominates_all_others(lists: list[AttachedList]) -> None:
    """One list of this CA is left, the highest by (CRL number, id), and no list of another CA is touched."""
    winner = attached_lists.winner(lists)
    if winner is None:
        assert all(each.crl_number is None for each in lists)
        return
    left = {each.revocation_id for each in lists} - set(attached_lists.dominated(lists, winner))
    foreign = {each.revocation_id for each in lists if each.crl_number is None}
    assert left == foreign | {winner.revocation_id}


@given(LISTS, st.data())
def test_nothing_that_wins_is_dominated(lists: list[AttachedList], data: st.DataObject) -> None:
    """Whichever list an execution has verified, it does not remove one that is higher."""
    ours = attached_lists.of_this_ca(lists)
    if not ours:
        return
    verified = data.draw(st.sampled_from(ours))
    gone = set(attached_lists.dominated(lists, verified))
    assert all(each.rank < verified.rank for each in ours if each.revocation_id in gone)
    assert ours[-1].revocation_id not in gone


def test_same_number_with_other_bytes() -> None:
    """Nothing is removed when two lists contradict each other."""
    lists = [attached(1, 4), attached(2, 5, "one"), attached(3, 5, "two")]
    with pytest.raises(CrlNumberReused, match="lists 2 and 3 both carry CRL number 5 but differ: SHA-256 one and two"):
        attached_lists.dominated(lists, lists[2])


def test_nothing_to_remove(bench: Bench) -> None:
    """Without ids no call is made: one write in five seconds is all there is."""
    faults.add(REMOVE, code="AccessDenied")
    attached_lists.remove(bench.trust_store_arn, [])


def test_one_of_several_gone(bench: Bench) -> None:
    """When one is unknown, those that are left are removed one by one."""
    ids = [bench.add(bench.authority.crl([A], number=number)) for number in (1, 2, 3)]
    bench.remove(ids[1])
    attached_lists.remove(bench.trust_store_arn, ids)
    assert bench.attached() == {}


def test_all_gone(bench: Bench) -> None:
    """Lists that a peer removed are as good as removed."""
    store = elbv2.trust_store(bench.trust_store_arn)
    ids = [bench.add(bench.authority.crl([A], number=number)) for number in (1, 2)]
    faults.observe(lambda action, _: store.remove(list(store.lists)) if action == REMOVE else None)
    attached_lists.remove(bench.trust_store_arn, ids)
    assert bench.attached() == {}


def test_entries_of_several_lists(bench: Bench) -> None:
    """A serial that stands in two lists is counted once; a list that is gone by then holds none."""
    bench.add(bench.authority.crl([A, B], number=1))
    bench.add(bench.authority.crl([B, C], number=2))
    arn, lists = bench.trust_store_arn, [attached(1, 1), attached(2, 2)]
    assert attached_lists.distinct_entries(arn, lists) == 3
    bench.remove(1)
    assert attached_lists.distinct_entries(arn, lists) == 2
    assert attached_lists.serial_numbers(arn, lists) is None
    assert attached_lists.distinct_entries(arn, []) == 0
