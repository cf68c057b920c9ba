"""RevokeBatch: revoke one batch of a long list at Private CA, as fast as its quota allows and no faster."""

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
from functions.revocation.batches import serials_in_batch
from functions.revocation.rate_limiter import RateLimiter
from functions.revocation.revoke import revoke

# 20 calls a second that take up to 0.4 s each keep eight threads busy (Little's law).
_THREADS = 8
# Of Lambda's 15 minutes: the outcomes are stored before the function times out, and its next attempt does the rest.
_MAX_SECONDS = 600
_PAUSE_SECONDS = 5.0


def revoke_batch(event: RevokeBatchInput, _now: datetime) -> RevokedBatch:
    """Revoke the serials of one batch that have no outcome yet, and store every outcome in S3.

    Raises:
        CertificateAuthorityBusy: some serials are left; the others' outcomes are stored. The state machine retries,
            and this step continues where it stopped.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    serials = serials_in_batch(manifest.request.serials, event.batch)
    outcomes = {known.serial: known for known in workflow_bucket.get_outcomes(manifest, event.batch)}
    deadline = time.monotonic() + _MAX_SECONDS
    rate_limiter = RateLimiter(environment().revocations_per_second)
    while remaining := [serial for serial in serials if serial not in outcomes]:
        outcomes |= {done.serial: done for done in _revoke(manifest, remaining, rate_limiter, deadline)}
        if time.monotonic() > deadline:
            break
        if len(outcomes) < len(serials):
            time.sleep(_PAUSE_SECONDS)
    in_order = [outcomes[serial] for serial in serials if serial in outcomes]
    workflow_bucket.put_outcomes(manifest.execution_name, event.batch, in_order)
    if len(outcomes) < len(serials):
        left = len(serials) - len(outcomes)
        raise CertificateAuthorityBusy(
            f"Private CA was too busy for {left} of {len(serials)} serials of batch {event.batch}"
        )
    counts = Counter(revocation.outcome for revocation in outcomes.values())
    return RevokedBatch(
        batch=event.batch,
        revoked=counts[RevocationOutcome.REVOKED],
        already_revoked=counts[RevocationOutcome.ALREADY_REVOKED],
        expired=counts[RevocationOutcome.EXPIRED],
        failed=counts[RevocationOutcome.FAILED],
    )


def _revoke(manifest: Manifest, serials: list[int], rate_limiter: RateLimiter, deadline: float) -> Iterable[Revocation]:
    """Try each serial once; leave out those that Private CA was too busy for."""
    request, arn = manifest.request, manifest.request.certificate_authority_arn
    assert arn is not None  # noqa: S101 - an input that names serials names Private CA's

    def try_once(serial: int) -> Revocation | None:
        rate_limiter.wait()
        if time.monotonic() > deadline:
            return None
        try:
            return revoke(arn, serial, request.reason_of(serial), datetime.now(UTC))
        except (CertificateAuthorityBusy, AwsUnavailable):
            return None

    with ThreadPoolExecutor(_THREADS) as pool:
        return [revocation for revocation in pool.map(try_once, serials) if revocation]


handler = lambda_handler(revoke_batch)
