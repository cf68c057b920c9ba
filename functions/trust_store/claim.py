"""Which of several reconciles corrects a drift: the first one to claim it.

Ten events for one CRL start ten reconciles, and a trust store accepts one write every five seconds. A claim saves the
other nine their writes; they look again until the drift is gone or the claim ends. It is not a lock: revocations do
not use it, and everything would be just as safe without it.
"""

import contextlib
import hashlib
from datetime import datetime, timedelta

from pydantic import ValidationError

from functions import log, workflow_bucket
from functions.aws import s3
from functions.environment import environment
from functions.errors import RevocationError
from functions.models.states import Prepared
from functions.models.stored import Claim, Manifest

# Longer than 20 trust stores take with two throttled writes each. After it a claim no longer counts, whatever it says:
# its execution may have ended without releasing it.
_MAX_DURATION = timedelta(minutes=15)


def acquire(manifest: Manifest, crl_number: int, now: datetime) -> str | None:
    """Claim the correction of these trust stores from a CRL; return the ARN of the execution that has it, if another.

    An execution that has the claim already keeps it. A claim of another CRL number is of a correction that is no longer
    needed.

    """
    bucket, key = environment().workflow_bucket, _key(manifest)
    ours = Claim(execution_arn=manifest.execution_arn, crl_number=crl_number, at=now)
    while True:
        stored = s3.get_object(bucket, key)
        existing = _parse(stored)
        if existing and existing.crl_number == crl_number:
            if existing.execution_arn == manifest.execution_arn:
                return None
            if abs(now - existing.at) < _MAX_DURATION:
                return existing.execution_arn
        try:
            s3.replace_object(bucket, key, ours.model_dump_json().encode(), etag=stored.etag if stored else None)
        except s3.ObjectChanged:
            continue  # another execution was faster: read its claim
        return None


def release(prepared: Prepared | None) -> None:
    """Release the claim of an execution that ends, if it has one, so that the next reconcile corrects what is left.

    A claim that cannot be released is noted in the log; it ends by itself.

    """
    if prepared is None or not prepared.reconcile:
        return
    try:
        manifest = workflow_bucket.get_manifest(prepared.manifest)
        bucket, key = environment().workflow_bucket, _key(manifest)
        stored = s3.get_object(bucket, key)
        existing = _parse(stored)
        if stored and existing and existing.execution_arn == manifest.execution_arn:
            released = existing.model_copy(update={"crl_number": None})
            s3.replace_object(bucket, key, released.model_dump_json().encode(), etag=stored.etag)
    except (RevocationError, s3.ObjectChanged) as error:
        log.note(ClaimNotReleased=repr(error))


def _parse(stored: s3.FetchedObject | None) -> Claim | None:
    """Return the claim, or None for what is not one: that of another version, for example."""
    with contextlib.suppress(ValidationError):
        return Claim.model_validate_json(stored.body) if stored else None
    return None


def _key(manifest: Manifest) -> str:
    arns = "\n".join(sorted(manifest.request.trust_store_arns))
    return f"claims/{manifest.authority_id}/{hashlib.sha256(arns.encode()).hexdigest()[:16]}.json"
