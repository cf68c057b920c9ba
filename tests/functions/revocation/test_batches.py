"""Short lists are revoked in the state machine's Map, long ones in batches."""

from functions import limits
from functions.models.states import Revocation, RevocationOutcome
from functions.revocation.batches import batch_numbers, read_outcomes


def test_short_list() -> None:
    """A short list has no batches; its outcomes are those in the state."""
    inline = [Revocation(serial=1, outcome=RevocationOutcome.ALREADY_REVOKED)]
    assert read_outcomes(None, inline, []) == inline  # type: ignore[arg-type] # no manifest is needed
    assert batch_numbers(limits.MAX_INLINE_SERIALS) == []
