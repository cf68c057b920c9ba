"""RevokeBatch: some hundred serials of a long list at Private CA, as fast as its quota allows and no faster."""

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import AwsUnavailable, CertificateAuthorityBusy
from functions.handler import lambda_handler
from functions.models.states import Revocation, RevocationOutcome, RevokeBatchInput, RevokedBatch
from functions.models.stored import Manifest
from functions.revocation import batches as outcomes
from functions.revocation.rate_limiter import Pace
from functions.revocation.revoke import revoke

# 20 calls a second that take up to 0.4 s each keep eight threads busy (Little's law).
_THREADS = 8
# Of the 15 minutes that a Lambda has: the outcomes are kept before it ends, and the next try does the rest.
_SECONDS = 600
_PAUSE_SECONDS = 5.0


def revoke_batch(event: RevokeBatchInput, _now: datetime) -> RevokedBatch:
    """Revoke the serials of one batch that have no outcome yet, and keep each one's outcome in S3.

    Raises:
        CertificateAuthorityBusy: some could not be asked for; the others' outcomes are kept. The state machine asks
            again, and this step goes on where it was.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    wanted = outcomes.of_batch(manifest.request.serials, event.batch)
    known = {each.serial: each for each in workflow_bucket.get_outcomes(manifest, event.batch)}
    ends = time.monotonic() + _SECONDS
    pace = Pace(environment().revocations_per_second)
    while left := [serial for serial in wanted if serial not in known]:
        known |= {each.serial: each for each in _revoke(manifest, left, pace, ends)}
        if time.monotonic() > ends:
            break
        if len(known) < len(wanted):
            time.sleep(_PAUSE_SECONDS)
    workflow_bucket.put_outcomes(manifest.execution_name, event.batch, [known[s] for s in wanted if s in known])
    if len(known) < len(wanted):
        raise CertificateAuthorityBusy(
            f"Private CA was too busy for {len(wanted) - len(known)} of {len(wanted)} serials of batch {event.batch}"
        )
    counts = Counter(each.outcome for each in known.values())
    return RevokedBatch(
        batch=event.batch,
        revoked=counts[RevocationOutcome.REVOKED],
        already_revoked=counts[RevocationOutcome.ALREADY_REVOKED],
        expired=counts[RevocationOutcome.EXPIRED],
        failed=counts[RevocationOutcome.FAILED],
    )


def _revoke(manifest: Manifest, serials: list[int], pace: Pace, ends: float) -> Iterable[Revocation]:
    """Ask once for each; those that Private CA was too busy for are left out."""
    request, arn = manifest.request, manifest.request.certificate_authority_arn
    assert arn is not None  # noqa: S101 - an input that names serials names Private CA's

    def ask(serial: int) -> Revocation | None:
        pace.wait()
        if time.monotonic() > ends:
            return None
        try:
            return revoke(arn, serial, request.reason_of(serial), datetime.now(UTC))
        except (CertificateAuthorityBusy, AwsUnavailable):
            return None

    with ThreadPoolExecutor(_THREADS) as pool:
        return [each for each in pool.map(ask, serials) if each]


handler = lambda_handler(revoke_batch)
