"""Which list wins, and which ones it supersedes: the order that all executions follow."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import CrlNumberReused, RevocationNotVerified
from functions.models.states import Verified
from functions.models.stored import AttachedList
from functions.trust_store.precedence import (
    BY_NUMBER,
    Precedence,
    lowest_winner,
    require_number_unused,
    verified_list,
)


def attached(revocation_id: int, crl_number: int | None, sha256: str = "") -> AttachedList:
    """Return a list; by default, its bytes follow from its number."""
    return AttachedList(
        revocation_id=revocation_id,
        number_of_revoked_entries=1,
        crl_number=crl_number,
        sha256=sha256 or f"{crl_number}",
    )


def foreign(revocation_id: int) -> AttachedList:
    """Return a list of another CA."""
    return AttachedList(revocation_id=revocation_id, number_of_revoked_entries=1)


LISTS = st.lists(
    st.builds(attached, st.integers(1, 99), st.none() | st.integers(0, 5)) | st.builds(foreign, st.integers(1, 99)),
    unique_by=lambda each: each.revocation_id,
)


@given(LISTS)
def test_winner_supersedes_all_others(lists: list[AttachedList]) -> None:
    """One list of this CA remains, the highest by (CRL number, id), and no list of another CA is removed.

    Without any CRL number, none is known to be newer, and all remain.

    """
    winner = BY_NUMBER.winner(lists)
    others = {each.revocation_id for each in lists if each.sha256 is None}
    if winner is None:
        assert len(others) == len(lists)
        return
    remaining = {each.revocation_id for each in lists} - set(BY_NUMBER.superseded_by(winner, lists))
    expected = others | {winner.revocation_id} if winner.crl_number is not None else {x.revocation_id for x in lists}
    assert remaining == expected


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
    ours = [each for each in lists if each.sha256 is not None]
    preferred = [each for each in ours if each.crl_number == number]
    winner = precedence.winner(lists)
    expected = max(preferred or ours, key=lambda each: each.rank, default=None)
    assert winner == expected
    if winner:
        others = (
            {each.revocation_id for each in ours} - {winner.revocation_id} if winner.crl_number is not None else set()
        )
        assert set(precedence.superseded_by(winner, lists)) == others
        assert precedence.is_enforced(lists, winner.rank) == bool(preferred)


def test_list_that_has_been_removed() -> None:
    """Whatever is below a verified list is superseded by it, though the list itself is gone."""
    verified = attached(9, 5)
    lists = [attached(1, 4), attached(2, 5), attached(3, 6), foreign(4)]
    assert BY_NUMBER.superseded_by(verified, lists) == [1, 2]


@pytest.mark.parametrize(("accepts_lower", "preferred"), [(True, "x"), (False, None)])
def test_precedence_of_a_request(accepts_lower: bool, preferred: str | None) -> None:  # noqa: FBT001 - a table
    """A CRL is preferred only where the input accepts a lower number."""
    manifest = SimpleNamespace(request=SimpleNamespace(accept_lower_crl_number=accepts_lower))
    assert Precedence.of(manifest, attached(0, 1, "x")) == Precedence(preferred)  # type: ignore[arg-type]


def test_lowest_winner() -> None:
    """Of several trust stores' winners the lowest; none if one trust store has none."""
    low, high = attached(7, 4), attached(1, 5)
    assert lowest_winner([high, low]) == low
    assert lowest_winner([low, None, high]) is None


def test_verified_list() -> None:
    """What an execution has read back is a list that can be ranked; without it nothing is superseded."""
    verified = Verified(revocation_id=3, number_of_revoked_entries=7, crl_number=5, sha256="x")
    expected = AttachedList(revocation_id=3, number_of_revoked_entries=7, crl_number=5, sha256="x")
    assert verified_list(verified) == expected
    with pytest.raises(RevocationNotVerified, match=r"^no list was verified, so none is superseded$"):
        verified_list(Verified())


def test_number_that_is_used() -> None:
    """A number that is attached with other bytes is refused, with both hashes; the same bytes are not."""
    lists = [attached(1, 4), attached(2, 5, "one"), attached(3, None)]
    require_number_unused("arn", lists, attached(0, 5, "one"))
    require_number_unused("arn", lists, attached(0, 6, "two"))
    with pytest.raises(CrlNumberReused) as raised:
        require_number_unused("arn", lists, attached(0, 5, "two"))
    assert str(raised.value) == (
        "CRL number 5 is attached to arn as list 2 with other bytes: SHA-256 one there, two here. "
        "Have the CA sign one with a number that it has not used"
    )
