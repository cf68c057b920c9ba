"""Whether a new list fits into a trust store beside those it holds, by the quotas of lists and of entries."""

from collections.abc import Sequence

from functions import limits
from functions.environment import environment
from functions.errors import TrustStoreFull
from functions.models.stored import AttachedList
from functions.trust_store.precedence import BY_NUMBER


def fits(lists: Sequence[AttachedList], entries: int) -> bool:
    """Tell whether a list of so many entries fits beside these."""
    here = environment()
    return len(lists) < here.max_revocation_lists and used(lists) + entries <= here.max_revocation_entries


def used(lists: Sequence[AttachedList]) -> int:
    """Count the entries of these lists; a serial in two of them counts twice."""
    return sum(attached.number_of_revoked_entries for attached in lists)


def make_room(arn: str, lists: Sequence[AttachedList], crl_number: int | None, entries: int) -> list[int]:
    """Give the ids of this CA's lists that have to go before a list of so many entries fits; none where it does.

    Raises:
        TrustStoreFull: it would not fit even then.
        CrlNumberReused: nobody knows which of this CA's lists is superfluous.

    """
    if fits(lists, entries):
        return []
    superfluous = leftovers(lists)
    left = [attached for attached in lists if attached.revocation_id not in superfluous]
    if not fits(left, entries):
        raise TrustStoreFull(f"{arn} has no room for CRL number {crl_number}: {figures(left, entries)}")
    return superfluous


def leftovers(lists: Sequence[AttachedList]) -> list[int]:
    """Give the ids of this CA's lists that its winning one makes superfluous.

    Raises:
        CrlNumberReused: one of them has the winner's number and other bytes.

    """
    winner = BY_NUMBER.winner(lists)
    return BY_NUMBER.superseded_by(winner, lists) if winner else []


def figures(lists: Sequence[AttachedList], entries: int) -> str:
    """Say how much is used and how much comes, with the quotas' codes."""
    here = environment()
    return (
        f"{len(lists)} lists of {here.max_revocation_lists} are used (quota {limits.REVOCATION_LISTS_QUOTA}), "
        f"{used(lists)} entries of {here.max_revocation_entries} are used and {entries} come "
        f"(quota {limits.REVOCATION_ENTRIES_QUOTA})"
    )
