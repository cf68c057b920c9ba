"""FindCrl: read the CA's CRL in S3 and say what it is good for. Find first, then wait."""

from datetime import datetime, timedelta
from typing import Any

from functions import workflow_bucket
from functions.aws import s3 as aws_s3
from functions.environment import environment
from functions.errors import CrlNotYetValid, CrlRefused
from functions.handler import lambda_handler
from functions.models.states import CrlStatus, Failure, FindCrlInput, Found, Notice, TrustStore
from functions.models.stored import AttachedList, Manifest
from functions.pki import crl
from functions.report import crl_failure
from functions.revocation import batches as outcomes
from functions.trust_store.precedence import BY_NUMBER, lowest_winner

_SHOWN = 10
_CURED_BY_TIME = (CrlNotYetValid.__name__,)


def find_crl(event: FindCrlInput, now: datetime) -> Found:
    """Look once; the state machine looks again while serials are missing and the deadline has not passed."""
    manifest = workflow_bucket.get_manifest(event.manifest)
    previous = event.previous if isinstance(event.previous, Found) else None
    first_poll_at = previous.first_poll_at if previous else now
    deadline = first_poll_at + timedelta(seconds=manifest.request.polling.deadline_seconds)
    revocations = outcomes.gather(manifest, event.revocations, event.batches)
    wanted = frozenset(each.serial for each in revocations if each.wanted_in_crl)
    poll = {
        "polls": previous.polls + 1 if previous else 1,
        "first_poll_at": first_poll_at,
        "deadline": deadline,
        "deadline_passed": now >= deadline,
        "number_wanted": len(wanted),
    }
    try:
        seen = _look(manifest, wanted, event.trust_stores, _etag_to_skip(previous, event.trust_stores), now)
    except aws_s3.ObjectUnchanged:
        assert previous is not None  # noqa: S101 - its ETag was given
        status = CrlStatus.INVALID if previous.status is CrlStatus.INVALID else CrlStatus.NOT_YET
        found = previous.model_copy(update={**poll, "status": status})
    else:
        found = Found.model_validate({**poll, **seen})
    return found.model_copy(
        update={**_notices(found, previous, now), "generation_failure": _generation_failure(found, manifest)}
    )


def _notices(found: Found, previous: Found | None, now: datetime) -> dict[str, Any]:
    """Say what people are to be told before the next wait: when it begins, and once when it takes long."""
    given = previous.notices if previous else []
    waits = found.number_missing and not found.deadline_passed
    delayed = now >= found.first_poll_at + timedelta(seconds=environment().delay_notice_seconds)
    notice = Notice.STILL_WAITING if delayed else Notice.WAIT_BEGINS
    due = bool(waits) and notice not in given
    return {"notices": [*given, notice] if due else given, "notice_due": due}


def _generation_failure(found: Found, manifest: Manifest) -> Failure | None:
    """Give Private CA's own word why there is no CRL yet, if it has said so since the start and wrote none since."""
    if found.status is not CrlStatus.NOT_YET or found.etag not in (None, manifest.crl.etag):
        return None
    failure = workflow_bucket.get_crl_failure(manifest.authority_id)
    # The time of an event has whole seconds.
    if failure is None or failure.at < manifest.start_time.replace(microsecond=0):
        return None
    return crl_failure.to_failure(failure, manifest.crl.bucket)


def _etag_to_skip(previous: Found | None, trust_stores: list[TrustStore]) -> str | None:
    """Spare the download of what was read before, unless a trust store still has to get it.

    That is tried at looks 2, 4, 8, and so on: at each of a thousand looks, it would fill the 25,000 events that the
    history of an execution may hold, and such an end leaves no report.

    """
    if previous is None or (previous.refusal and previous.refusal.error in _CURED_BY_TIME):
        return None
    is_try = (previous.polls + 1).bit_count() == 1
    return None if is_try and any(store.failure for store in trust_stores) else previous.etag


def _look(
    manifest: Manifest,
    wanted: frozenset[int],
    trust_stores: list[TrustStore],
    etag_to_skip: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Give the fields of Found that depend on the object.

    A newer object is no proof, for Private CA refreshes CRLs on its own: what counts is which serials it holds.

    """
    if not wanted:
        return {"status": CrlStatus.NOTHING_WANTED, "number_missing": 0}
    in_force = [_in_force(manifest, store) for store in trust_stores]
    lacking = wanted - frozenset.intersection(*(held for held, _ in in_force))
    etag: dict[str, str] = {}
    try:
        fetched = aws_s3.get_object(manifest.crl.bucket, manifest.crl.key, unless_etag=etag_to_skip)
        if fetched is None:
            return {"status": CrlStatus.NOT_YET, **_missing(lacking)}
        etag = {"etag": fetched.etag}
        found = crl.read(fetched.body, wanted=wanted, max_entries=environment().max_revocation_entries)
        crl.check(found, issuer=manifest.issuer, now=now, attached=lowest_winner([winner for _, winner in in_force]))
    except CrlRefused as refusal:
        if etag and etag["etag"] == manifest.crl.etag:
            return {"status": CrlStatus.NOT_YET, **etag, **_missing(lacking)}
        failure = Failure(error=type(refusal).__name__, cause=str(refusal))
        return {"status": CrlStatus.INVALID, **etag, **_missing(lacking), "refusal": failure}
    missing = wanted - found.held
    status = CrlStatus.NOT_YET
    if not missing:
        status = CrlStatus.COMPLETE
    elif found.held & lacking:
        status = CrlStatus.PARTIAL
    good: dict[str, Any] = {"crl": fetched.version, "crl_number": found.crl_number}
    return {"status": status, **etag, **good, **_missing(missing)}


def _missing(serial_numbers: frozenset[int]) -> dict[str, Any]:
    return {"number_missing": len(serial_numbers), "missing_serials": sorted(serial_numbers)[:_SHOWN]}


def _in_force(manifest: Manifest, store: TrustStore) -> tuple[frozenset[int], AttachedList | None]:
    """Give the wanted serials that this execution has read back from a trust store, and its winning list.

    What was attached before counts for the order of CRLs alone: it may have expired, and is no proof.

    """
    if store.verified.evidence:
        attached = workflow_bucket.get_evidence(store.verified.evidence).attached
        return frozenset(attached.held_serials), attached
    return frozenset(), BY_NUMBER.winner(manifest.baseline(store.trust_store_arn).lists)


handler = lambda_handler(find_crl)
