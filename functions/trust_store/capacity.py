"""Whether a new list fits into a trust store beside those it holds, by the quotas of lists and of entries."""

from collections.abc import Sequence

from functions import limits
from functions.environment import environment
from functions.errors import TrustStoreFull
from functions.models.stored import AttachedList
from functions.trust_store.precedence import BY_NUMBER


def count_entries(lists: Sequence[AttachedList]) -> int:
    """Return the number of entries of these lists as the quota counts them: a serial in two lists counts twice."""
    return sum(attached.number_of_revoked_entries for attached in lists)


def lists_to_remove(arn: str, lists: Sequence[AttachedList], crl_number: int | None, entries: int) -> list[int]:
    """Return the ids of this CA's lists to remove before a list with this many entries fits; empty if it fits now.

    Raises:
        TrustStoreFull: the list would not fit even then.
        CrlNumberReused: a list has the winner's number and other bytes, so neither is known to be superseded.

    """
    if _fits(lists, entries):
        return []
    winner = BY_NUMBER.winner(lists)
    superseded = BY_NUMBER.superseded_by(winner, lists) if winner else []
    remaining = [attached for attached in lists if attached.revocation_id not in superseded]
    if not _fits(remaining, entries):
        raise TrustStoreFull(f"{arn} has no room for CRL number {crl_number}: {describe_usage(remaining, entries)}")
    return superseded


def _fits(lists: Sequence[AttachedList], entries: int) -> bool:
    quotas = environment()
    return len(lists) < quotas.max_revocation_lists and count_entries(lists) + entries <= quotas.max_revocation_entries


def describe_usage(lists: Sequence[AttachedList], entries: int) -> str:
    """Return a phrase with the lists and entries in use, the entries to be added, and the quotas and their codes."""
    quotas = environment()
    return (
        f"{len(lists)} lists of {quotas.max_revocation_lists} are used (quota {limits.REVOCATION_LISTS_QUOTA}), "
        f"{count_entries(lists)} entries of {quotas.max_revocation_entries} are used, {entries} are to be added "
        f"(quota {limits.REVOCATION_ENTRIES_QUOTA})"
    )
