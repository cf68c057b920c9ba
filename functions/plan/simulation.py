"""What enforcing a CRL would do to a trust store: AttachCrl, VerifyRevocation and RemoveSupersededCrls, on paper."""

from collections.abc import Callable
from dataclasses import dataclass, field

from functions.errors import RevocationError
from functions.models.states import Failure
from functions.models.stored import AttachedList
from functions.pki import crl
from functions.trust_store import capacity, revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence


@dataclass(slots=True)
class Rehearsal:
    """A trust store's lists, round after round; ids that are made up are higher than any real one."""

    arn: str
    lists: list[AttachedList]
    precedence: Precedence = BY_NUMBER
    removed: list[int] = field(default_factory=list)
    head_room: str = ""
    refusal: Failure | None = None

    def __post_init__(self) -> None:
        """Begin with the room that there is."""
        self.head_room = capacity.describe_usage(self.lists, 0)

    def enforce(self, coming: AttachedList, read: Callable[[], crl.Crl]) -> bool:
        """Do one round, and say whether it adds the list; a refusal stays until a later round goes well."""
        self.refusal, adds = None, False
        try:
            adds = self._attach(coming, read)
            if winner := self.precedence.winner(self.lists):
                self._remove(self.precedence.superseded_by(winner, self.lists))
        except RevocationError as refusal:
            self.refusal = Failure(error=type(refusal).__name__, cause=str(refusal))
        return adds

    def _attach(self, coming: AttachedList, read: Callable[[], crl.Crl]) -> bool:
        if revocation_lists.find_equivalent(self.arn, self.lists, coming, self.precedence, read) is not None:
            return False
        entries = coming.number_of_revoked_entries
        self.head_room = capacity.describe_usage(self.lists, entries)
        self._remove(capacity.lists_to_remove(self.arn, self.lists, coming.crl_number, entries))
        following = 1 + max([each.revocation_id for each in self.lists] + self.removed, default=0)
        self.lists.append(coming.model_copy(update={"revocation_id": following}))
        return True

    def _remove(self, revocation_ids: list[int]) -> None:
        self.lists = [each for each in self.lists if each.revocation_id not in revocation_ids]
        self.removed += revocation_ids
