"""Which list wins, and which ones it supersedes: the order that all executions follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import CrlNumberReused
from functions.models.stored import AttachedList
from functions.trust_store.precedence import BY_NUMBER, Precedence


def attached(revocation_id: int, crl_number: int | None, sha256: str = "") -> AttachedList:
    """Return a list; by default, its bytes follow from its number."""
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
def test_winner_supersedes_all_others(lists: list[AttachedList]) -> None:
    """One list of this CA remains, the highest by (CRL number, id), and no list of another CA is removed."""
    winner = BY_NUMBER.winner(lists)
    if winner is None:
        assert all(each.crl_number is None for each in lists)
        return
    remaining = {each.revocation_id for each in lists} - set(BY_NUMBER.superseded_by(winner, lists))
    foreign = {each.revocation_id for each in lists if each.crl_number is None}
    assert remaining == foreign | {winner.revocation_id}


@given(LISTS, st.data())
def test_only_lower_lists_are_superseded(lists: list[AttachedList], data: st.DataObject) -> None:
    """Whichever list an execution has verified, it does not remove a higher one."""
    ours = BY_NUMBER.ranked(lists)
    if not ours:
        return
    verified = data.draw(st.sampled_from(ours))
    superseded = set(BY_NUMBER.superseded_by(verified, lists))
    assert all(each.rank < verified.rank for each in ours if each.revocation_id in superseded)
    assert ours[-1].revocation_id not in superseded


def test_same_number_with_other_bytes() -> None:
    """Nothing is removed if two lists with one number differ."""
    lists = [attached(1, 4), attached(2, 5, "one"), attached(3, 5, "two")]
    with pytest.raises(CrlNumberReused, match="lists 2 and 3 both carry CRL number 5 but differ: SHA-256 one and two"):
        BY_NUMBER.superseded_by(lists[2], lists)


@given(LISTS, st.integers(0, 5))
def test_preferred_list_wins(lists: list[AttachedList], number: int) -> None:
    """The preferred CRL wins whatever its number, and supersedes all other lists of this CA."""
    precedence = Precedence(f"{number}")
    ours = [each for each in lists if each.crl_number is not None]
    preferred = [each for each in ours if each.crl_number == number]
    winner = precedence.winner(lists)
    expected = max(preferred or ours, key=lambda each: each.rank, default=None)
    assert winner == expected
    if winner:
        others = {each.revocation_id for each in ours} - {winner.revocation_id}
        assert set(precedence.superseded_by(winner, lists)) == others
        assert precedence.is_enforced(lists, winner.rank) == bool(preferred)
