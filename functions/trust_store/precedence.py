"""Which of the lists of one CA wins, and which of them it supersedes: pure, no call of AWS.

There is no lock. Of two lists of one CA the higher (CRL number, RevocationId) wins, regardless of who attached
it. All executions follow this order, so any number of them converge on one list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from functions.errors import CrlNumberReused, RevocationNotVerified
from functions.models.states import Verified
from functions.models.stored import AttachedList, Manifest
from functions.pki.crl_checks import HasCrlNumber


@dataclass(frozen=True, slots=True)
class Precedence:
    """The order of one CA's lists, the same for all executions.

    Where the CA was restored to an earlier state and the input accepts that its CRL numbers went back,
    `preferred_sha256` is the SHA-256 of the CRL that wins whatever its number.

    """

    preferred_sha256: str | None = None

    @classmethod
    def of(cls, manifest: Manifest, crl: HasCrlNumber) -> Self:
        """Return the order in which this CRL is enforced: it is preferred if the input accepts a lower number."""
        return cls(crl.sha256 if manifest.request.accept_lower_crl_number else None)

    def ranked(self, lists: Sequence[AttachedList]) -> list[AttachedList]:
        """Return the complete CRLs signed by this CA's key, the winner last; first those without a CRL number."""
        ours = (attached for attached in lists if attached.sha256 is not None)
        return sorted(ours, key=lambda attached: (attached.sha256 == self.preferred_sha256, *attached.rank))

    def winner(self, lists: Sequence[AttachedList]) -> AttachedList | None:
        """Return the list of this CA that no execution removes."""
        ranked = self.ranked(lists)
        return ranked[-1] if ranked else None

    def is_preferred(self, attached: AttachedList) -> bool:
        """Return whether no CRL is preferred, or this list is the one that is."""
        return self.preferred_sha256 in (None, attached.sha256)

    def is_enforced(self, lists: Sequence[AttachedList], rank: tuple[int, int]) -> bool:
        """Return whether the winner has at least this rank, and is the preferred CRL where there is one."""
        winner = self.winner(lists)
        return winner is not None and winner.rank >= rank and self.is_preferred(winner)

    def superseded_by(self, verified: AttachedList, lists: Sequence[AttachedList]) -> list[int]:
        """Return the ids of this CA's lists that a verified one supersedes; one without a CRL number supersedes none.

        Raises:
            CrlNumberReused: one of them has its number and other bytes, so neither is known to be the right one.

        """
        if verified.crl_number is None:
            return []
        ranked = self.ranked(lists)
        at = next((place for place, each in enumerate(ranked) if each.revocation_id == verified.revocation_id), None)
        below = [each for each in ranked if each.rank < verified.rank] if at is None else ranked[:at]
        for attached in below:
            if attached.crl_number == verified.crl_number and attached.sha256 != verified.sha256:
                raise CrlNumberReused(
                    f"lists {attached.revocation_id} and {verified.revocation_id} both carry CRL number "
                    f"{verified.crl_number} but differ: SHA-256 {attached.sha256} and {verified.sha256}"
                )
        return [attached.revocation_id for attached in below]


BY_NUMBER = Precedence()


def lowest_winner(winners: Sequence[AttachedList | None]) -> AttachedList | None:
    """Return the lowest of several trust stores' winners, None if one has none: AttachCrl checks again for each.

    A CRL that is older than this one is of no use to any of them.

    """
    known = [winner for winner in winners if winner]
    return min(known, key=lambda winner: winner.rank) if len(known) == len(winners) else None


def verified_list(verified: Verified) -> AttachedList:
    """Return the list that this execution has itself read back.

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


def require_number_unused(trust_store_arn: str, lists: Sequence[AttachedList], newest: HasCrlNumber) -> None:
    """Refuse a CRL whose number is attached with other bytes, before it stands beside the one it could not remove.

    Raises:
        CrlNumberReused: neither is known to be the right one.

    """
    for attached in BY_NUMBER.ranked(lists):
        if attached.crl_number == newest.crl_number and attached.sha256 != newest.sha256:
            raise CrlNumberReused(
                f"CRL number {newest.crl_number} is attached to {trust_store_arn} as list {attached.revocation_id} "
                f"with other bytes: SHA-256 {attached.sha256} there, {newest.sha256} here. Have the CA sign one "
                "with a number that it has not used"
            )
