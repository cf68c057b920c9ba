"""What became of each serial at Private CA: in the state for a short list, in S3 for a long one.

A long list is revoked in batches, one Lambda call each: one call for each serial would be 7 events in the execution's
history, of 25,000. 100,000 serials are 250 batches and 1,750 events, and 21 seconds of one batch at 19 calls a second
are shorter than any time-out.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from functions import limits, workflow_bucket
from functions.models.states import Revocation, RevocationOutcome, RevokedBatch
from functions.models.stored import Manifest

BATCH_SIZE = 400
_READERS = 8


def batches(number_of_serials: int) -> list[int]:
    """Give the numbers of the batches that a list is revoked in; none for a short list."""
    return list(range(-(-number_of_serials // BATCH_SIZE))) if number_of_serials > limits.MAX_INLINE_SERIALS else []


def of_batch(serials: Sequence[int], batch: int) -> Sequence[int]:
    """Give the serials of one batch."""
    return serials[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]


def gather(manifest: Manifest, inline: list[Revocation], revoked: Iterable[RevokedBatch]) -> list[Revocation]:
    """Give every serial's outcome, as far as it is known; a batch that failed names its error for what it left."""
    known = {each.batch: each for each in revoked}
    if not known:
        return inline
    with ThreadPoolExecutor(_READERS) as pool:
        kept = pool.map(lambda batch: workflow_bucket.get_outcomes(manifest, batch), known)
        found = zip(known.values(), kept, strict=True)
        return [each for batch, done in found for each in _all(manifest, batch, done)]


def _all(manifest: Manifest, batch: RevokedBatch, kept: list[Revocation]) -> Iterator[Revocation]:
    yield from kept
    told = {each.serial for each in kept}
    for serial in of_batch(manifest.request.serials, batch.batch):
        if serial not in told:
            yield Revocation(serial=serial, outcome=RevocationOutcome.FAILED, error=batch.error)
