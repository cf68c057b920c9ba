"""Which of the lists of one CA wins, and which of them it makes superfluous: pure, no call of AWS.

There is no lock. Of two lists of one CA the higher (CRL number, RevocationId) wins, whoever attached it; every
execution follows the same order, so any number of them converge on one list.
"""

from collections.abc import Sequence

from functions.errors import CrlNumberReused, RevocationNotVerified
from functions.models.states import ConvertedCrl, Verified
from functions.models.stored import AttachedList, Manifest
from functions.pki import crl


def of_this_ca(lists: Sequence[AttachedList], preferred: str | None = None) -> list[AttachedList]:
    """Give the complete base CRLs signed by this CA's key, the winner last.

    `preferred` is the SHA-256 of the one that wins whatever its number: that of a CA that has fallen back.

    """
    ours = (attached for attached in lists if attached.crl_number is not None)
    return sorted(ours, key=lambda attached: (attached.sha256 == preferred, *attached.rank))


def winner(lists: Sequence[AttachedList], preferred: str | None = None) -> AttachedList | None:
    """Give the list of this CA that all executions let stand."""
    ranked = of_this_ca(lists, preferred)
    return ranked[-1] if ranked else None


def preferred(manifest: Manifest, converted: ConvertedCrl) -> str | None:
    """Give the SHA-256 of the list that wins whatever its number, where the input accepts a lower one."""
    return converted.sha256 if manifest.request.accept_lower_crl_number else None


def lowest(winners: Sequence[AttachedList | None]) -> AttachedList | None:
    """Give the list that a CRL must not be older than, of several trust stores: AttachCrl checks again for each."""
    known = [winner for winner in winners if winner]
    return min(known, key=lambda winner: winner.rank) if len(known) == len(winners) else None


def of_verified(verified: Verified) -> AttachedList:
    """Give the list that this execution has itself read back.

    Raises:
        RevocationNotVerified: it has read back none.

    """
    if verified.revocation_id is None:
        raise RevocationNotVerified("no list was verified, so none is superseded")
    return AttachedList(
        revocation_id=verified.revocation_id,
        number_of_revoked_entries=verified.number_of_revoked_entries,
        crl_number=verified.crl_number,
        sha256=verified.sha256,
    )


def require_number_unused(trust_store_arn: str, lists: Sequence[AttachedList], newest: crl.Crl) -> None:
    """Refuse a CRL whose number is attached with other bytes, before it stands beside the one it could not remove.

    Raises:
        CrlNumberReused: neither is known to be the right one.

    """
    for attached in of_this_ca(lists):
        if attached.crl_number == newest.crl_number and attached.sha256 != newest.sha256:
            raise CrlNumberReused(
                f"CRL number {newest.crl_number} is attached to {trust_store_arn} as list {attached.revocation_id} "
                f"with other bytes: SHA-256 {attached.sha256} there, {newest.sha256} here. Have the CA sign one "
                "with a number that it has not used"
            )


def dominated(lists: Sequence[AttachedList], by: AttachedList, preferred: str | None = None) -> list[int]:
    """Give the ids of this CA's lists that a verified one makes superfluous.

    Raises:
        CrlNumberReused: one of them has its number and other bytes, so neither is known to be the right one.

    """
    ranked = of_this_ca(lists, preferred)
    at = next((place for place, each in enumerate(ranked) if each.revocation_id == by.revocation_id), None)
    below = [each for each in ranked if each.rank < by.rank] if at is None else ranked[:at]
    for attached in below:
        if attached.crl_number == by.crl_number and attached.sha256 != by.sha256:
            raise CrlNumberReused(
                f"lists {attached.revocation_id} and {by.revocation_id} both carry CRL number {by.crl_number} "
                f"but differ: SHA-256 {attached.sha256} and {by.sha256}"
            )
    return [attached.revocation_id for attached in below]
