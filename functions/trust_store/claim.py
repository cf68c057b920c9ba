"""Which of several reconciles corrects a drift: the first that claims it.

Ten events for one CRL start ten reconciles, and trust stores take one write every five seconds. A claim spares the
other nine theirs. It is no lock: a revocation asks for none, and without it all would be as safe.
"""

import hashlib
from datetime import datetime, timedelta

from functions.aws import s3 as aws_s3
from functions.environment import environment
from functions.models.states import Drift
from functions.models.stored import Claim, Manifest

# Longer than 20 trust stores take, with two throttled writes each; the claim of an execution that died ends then.
_LASTS = timedelta(minutes=15)
_OVER = timedelta(0)


def take(manifest: Manifest, crl_number: int, now: datetime) -> str | None:
    """Claim the drift of these trust stores from a CRL; give the ARN of the execution that has it, if another."""
    bucket, key = environment().workflow_bucket, _key(manifest, crl_number)
    ours = Claim(execution_arn=manifest.execution_arn, at=now, lasts=_LASTS)
    while True:
        standing = aws_s3.get_object(bucket, key)
        if standing:
            claim = Claim.model_validate_json(standing.body)
            if claim.execution_arn == manifest.execution_arn:
                return None
            if now < claim.at + claim.lasts:
                return claim.execution_arn
        try:
            aws_s3.replace_object(
                bucket, key, ours.model_dump_json().encode(), etag=standing.etag if standing else None
            )
        except aws_s3.ObjectChanged:
            continue  # a peer was quicker: see who
        return None


def release(manifest: Manifest, drift: Drift, now: datetime) -> None:
    """End the claim: should the same drift come again, the next reconcile is free to correct it."""
    over = Claim(execution_arn=manifest.execution_arn, at=now, lasts=_OVER)
    key = _key(manifest, drift.crl_number)
    aws_s3.put_object(environment().workflow_bucket, key, over.model_dump_json().encode(), "application/json")


def _key(manifest: Manifest, crl_number: int | None) -> str:
    stores = "\n".join(sorted(manifest.request.trust_store_arns))
    digest = hashlib.sha256(stores.encode()).hexdigest()[:16]
    return f"claims/{manifest.authority_id}/{crl_number}-{digest}.json"
