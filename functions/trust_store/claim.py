"""Which of several reconciles corrects a drift: the first one to claim it.

Ten events for one CRL start ten reconciles, and a trust store accepts one write every five seconds. A claim saves the
other nine their writes. It is not a lock: revocations do not use it, and everything would be just as safe without it.
"""

import hashlib
from datetime import datetime, timedelta

from functions.aws import s3
from functions.environment import environment
from functions.models.states import Drift
from functions.models.stored import Claim, Manifest

# Longer than 20 trust stores take with two throttled writes each; after it the claim of an execution that died expires.
_DURATION = timedelta(minutes=15)


def acquire(manifest: Manifest, crl_number: int, now: datetime) -> str | None:
    """Claim the correction of these trust stores from a CRL; return the ARN of the execution that has it, if another.

    An execution that has the claim already keeps it.

    """
    bucket, key = environment().workflow_bucket, _key(manifest, crl_number)
    claim = Claim(execution_arn=manifest.execution_arn, at=now, lasts=_DURATION)
    while True:
        stored = s3.get_object(bucket, key)
        if stored:
            existing = Claim.model_validate_json(stored.body)
            if existing.execution_arn == manifest.execution_arn:
                return None
            if now < existing.at + existing.lasts:
                return existing.execution_arn
        try:
            s3.replace_object(bucket, key, claim.model_dump_json().encode(), etag=stored.etag if stored else None)
        except s3.ObjectChanged:
            continue  # another execution was faster: read its claim
        return None


def release(manifest: Manifest, drift: Drift, now: datetime) -> None:
    """Write an expired claim: if the same drift occurs again, the next reconcile can correct it."""
    expired = Claim(execution_arn=manifest.execution_arn, at=now, lasts=timedelta(0))
    key = _key(manifest, drift.crl_number)
    s3.put_object(environment().workflow_bucket, key, expired.model_dump_json().encode(), "application/json")


def _key(manifest: Manifest, crl_number: int | None) -> str:
    arns = "\n".join(sorted(manifest.request.trust_store_arns))
    digest = hashlib.sha256(arns.encode()).hexdigest()[:16]
    return f"claims/{manifest.authority_id}/{crl_number}-{digest}.json"
