"""Batches of a long list of serials, and every serial's outcome at Private CA, from the state or from S3.

A long list is revoked in batches, one Lambda invocation each: one invocation per serial would be 7 of the 25,000 events
that an execution's history may hold. 100,000 serials are 250 batches and 1,750 events. A batch takes 21 seconds at 19
calls a second, far below any timeout.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from functions import limits, workflow_bucket
from functions.models.states import Revocation, RevocationOutcome, RevokedBatch
from functions.models.stored import Manifest

BATCH_SIZE = 400
_THREADS = 8


def batch_numbers(number_of_serials: int) -> list[int]:
    """Return the numbers of the batches that a list is revoked in; none for a short list."""
    return list(range(-(-number_of_serials // BATCH_SIZE))) if number_of_serials > limits.MAX_INLINE_SERIALS else []


def serials_in_batch(serials: Sequence[int], batch: int) -> Sequence[int]:
    """Return the serials of one batch."""
    return serials[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]


def read_outcomes(manifest: Manifest, inline: list[Revocation], batches: Iterable[RevokedBatch]) -> list[Revocation]:
    """Return every known outcome: `inline`, or those of the batches; what a failed batch left carries its error."""
    by_number = {batch.batch: batch for batch in batches}
    if not by_number:
        return inline
    with ThreadPoolExecutor(_THREADS) as pool:
        stored = pool.map(lambda number: workflow_bucket.get_outcomes(manifest, number), by_number)
        pairs = zip(by_number.values(), stored, strict=True)
        return [revocation for batch, outcomes in pairs for revocation in _complete(manifest, batch, outcomes)]


def _complete(manifest: Manifest, batch: RevokedBatch, outcomes: list[Revocation]) -> Iterator[Revocation]:
    yield from outcomes
    known = {revocation.serial for revocation in outcomes}
    for serial in serials_in_batch(manifest.request.serials, batch.batch):
        if serial not in known:
            yield Revocation(serial=serial, outcome=RevocationOutcome.FAILED, error=batch.error)
