"""Simulates what AttachCrl, VerifyRevocation and RemoveSupersededCrls would do to a trust store with a CRL."""

from collections.abc import Callable
from dataclasses import dataclass, field

from functions.errors import RevocationError
from functions.models.states import Failure
from functions.models.stored import AttachedList
from functions.pki import crl
from functions.trust_store import capacity, revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence


@dataclass(slots=True)
class Simulation:
    """A trust store's lists as the simulated rounds change them; invented ids are higher than any real one."""

    arn: str
    lists: list[AttachedList]
    precedence: Precedence = BY_NUMBER
    removed: list[int] = field(default_factory=list)
    head_room: str = ""
    refusal: Failure | None = None

    def __post_init__(self) -> None:
        """Start with the head-room before any round."""
        self.head_room = capacity.describe_usage(self.lists, 0)

    def enforce(self, candidate: AttachedList, read: Callable[[], crl.Crl]) -> bool:
        """Simulate one round and return whether it adds the list.

        `refusal` is the error of the last round. `read` reads the CRL if its content has to be compared.

        """
        self.refusal, adds = None, False
        try:
            adds = self._attach(candidate, read)
            winner = self.precedence.ranked(self.lists)[-1]  # at least what was added, or made adding unnecessary
            self._remove(revocation_lists.find_superseded(self.arn, self.lists, winner, self.precedence, read))
        except RevocationError as error:
            self.refusal = Failure(error=type(error).__name__, cause=str(error))
        return adds

    def _attach(self, candidate: AttachedList, read: Callable[[], crl.Crl]) -> bool:
        if revocation_lists.find_equivalent(self.arn, self.lists, candidate, self.precedence, read) is not None:
            return False
        entries = candidate.number_of_revoked_entries
        self.head_room = capacity.describe_usage(self.lists, entries)
        self._remove(capacity.lists_to_remove(self.arn, self.lists, candidate.crl_number, entries))
        next_id = 1 + max([attached.revocation_id for attached in self.lists] + self.removed, default=0)
        self.lists.append(candidate.model_copy(update={"revocation_id": next_id}))
        return True

    def _remove(self, revocation_ids: list[int]) -> None:
        self.lists = [attached for attached in self.lists if attached.revocation_id not in revocation_ids]
        self.removed += revocation_ids
