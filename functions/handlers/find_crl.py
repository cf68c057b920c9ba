"""FindCrl: read the CA's CRL in S3 and check which of the wanted serials it holds."""

from datetime import datetime, timedelta
from typing import Any

from functions import workflow_bucket
from functions.aws import s3
from functions.environment import environment
from functions.errors import CrlNotYetValid, CrlRefused
from functions.handler import lambda_handler
from functions.models.states import CrlStatus, Failure, FindCrlInput, FoundCrl, Notice, TrustStore
from functions.models.stored import AttachedList, Manifest
from functions.pki import crl, crl_checks
from functions.report import crl_failure
from functions.revocation.batches import read_outcomes
from functions.trust_store.precedence import BY_NUMBER, lowest_winner

_MAX_MISSING_SERIALS = 10
_TEMPORARY_ERRORS = (CrlNotYetValid.__name__,)


def find_crl(event: FindCrlInput, now: datetime) -> FoundCrl:
    """Poll once; the state machine polls again while serials are missing and the deadline has not passed."""
    manifest = workflow_bucket.get_manifest(event.manifest)
    previous = event.previous if isinstance(event.previous, FoundCrl) else None
    first_poll_at = previous.first_poll_at if previous else now
    deadline = first_poll_at + timedelta(seconds=manifest.request.polling.deadline_seconds)
    revocations = read_outcomes(manifest, event.revocations, event.batches)
    wanted = frozenset(revocation.serial for revocation in revocations if revocation.wanted_in_crl)
    poll = {
        "polls": previous.polls + 1 if previous else 1,
        "first_poll_at": first_poll_at,
        "deadline": deadline,
        "deadline_passed": now >= deadline,
        "number_wanted": len(wanted),
    }
    try:
        fields = _poll(manifest, wanted, event.trust_stores, _etag_to_skip(previous, event.trust_stores), now)
    except s3.ObjectUnchanged:
        assert previous is not None  # noqa: S101 - its ETag was given
        status = CrlStatus.INVALID if previous.status is CrlStatus.INVALID else CrlStatus.NOT_YET
        result = previous.model_copy(update={**poll, "status": status})
    else:
        result = FoundCrl.model_validate({**poll, **fields})
    return result.model_copy(
        update={**_notices(result, previous, now), "generation_failure": _generation_failure(result, manifest)}
    )


def _notices(result: FoundCrl, previous: FoundCrl | None, now: datetime) -> dict[str, Any]:
    """Return which notice is due before the next wait: one when the wait begins, and one when it takes long."""
    sent = previous.notices if previous else []
    waits = result.number_missing and not result.deadline_passed
    delayed = now >= result.first_poll_at + timedelta(seconds=environment().delay_notice_seconds)
    notice = Notice.STILL_WAITING if delayed else Notice.WAIT_BEGINS
    is_due = bool(waits) and notice not in sent
    return {"notices": [*sent, notice] if is_due else sent, "notice_due": is_due}


def _generation_failure(result: FoundCrl, manifest: Manifest) -> Failure | None:
    """Return Private CA's reason for not publishing a CRL, if it reported one since the start and wrote none."""
    if result.status is not CrlStatus.NOT_YET or result.etag not in (None, manifest.crl.etag):
        return None
    failure = workflow_bucket.get_crl_failure(manifest.authority_id)
    # The time of an event is in whole seconds.
    if failure is None or failure.at < manifest.start_time.replace(microsecond=0):
        return None
    return crl_failure.to_failure(failure, manifest.crl.bucket)


def _etag_to_skip(previous: FoundCrl | None, trust_stores: list[TrustStore]) -> str | None:
    """Return the ETag of the CRL that need not be read again, or None to read it in any case.

    If enforcing it failed on a trust store, it is read again at polls 2, 4, 8, and so on. At each of a thousand polls,
    it would exceed the 25,000 events of an execution's history, which ends an execution without a report.

    """
    if previous is None or (previous.refusal and previous.refusal.error in _TEMPORARY_ERRORS):
        return None
    is_retry = (previous.polls + 1).bit_count() == 1
    return None if is_retry and any(store.failure for store in trust_stores) else previous.etag


def _poll(
    manifest: Manifest,
    wanted: frozenset[int],
    trust_stores: list[TrustStore],
    etag_to_skip: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the fields of FoundCrl that depend on the object.

    A newer object proves nothing, because Private CA also refreshes CRLs on its own: the serials in it count.

    """
    if not wanted:
        return {"status": CrlStatus.NOTHING_WANTED, "number_missing": 0}
    in_force = [_in_force(manifest, store) for store in trust_stores]
    not_in_force = wanted - frozenset.intersection(*(serials for serials, _ in in_force))
    etag = None
    try:
        fetched = s3.get_object(manifest.crl.bucket, manifest.crl.key, unless_etag=etag_to_skip)
        if fetched is None:
            return {"status": CrlStatus.NOT_YET, **_missing(not_in_force)}
        etag = fetched.etag
        parsed = crl.read(fetched.body, wanted=wanted, max_entries=environment().max_revocation_entries)
        attached = lowest_winner([winner for _, winner in in_force])
        crl_checks.check(parsed, issuer=manifest.issuer, now=now, attached=attached)
    except CrlRefused as error:
        return {"etag": etag, **_missing(not_in_force), **_refused(error, etag, manifest)}
    return {
        "status": _status(parsed, wanted, not_in_force),
        "etag": etag,
        "crl": fetched.version,
        "crl_number": parsed.crl_number,
        **_missing(wanted - parsed.held_serials),
    }


def _status(parsed: crl.Crl, wanted: frozenset[int], not_in_force: frozenset[int]) -> CrlStatus:
    if wanted <= parsed.held_serials:
        return CrlStatus.COMPLETE
    return CrlStatus.PARTIAL if parsed.held_serials & not_in_force else CrlStatus.NOT_YET


def _refused(error: CrlRefused, etag: str | None, manifest: Manifest) -> dict[str, Any]:
    """Return a refused CRL as INVALID, unless it was there before the execution: the next one is waited for."""
    if etag is not None and etag == manifest.crl.etag:
        return {"status": CrlStatus.NOT_YET}
    return {"status": CrlStatus.INVALID, "refusal": Failure(error=type(error).__name__, cause=str(error))}


def _missing(serial_numbers: frozenset[int]) -> dict[str, Any]:
    return {"number_missing": len(serial_numbers), "missing_serials": sorted(serial_numbers)[:_MAX_MISSING_SERIALS]}


def _in_force(manifest: Manifest, store: TrustStore) -> tuple[frozenset[int], AttachedList | None]:
    """Return the wanted serials that this execution has read back from a trust store, and its winning list.

    A list attached before the start proves nothing, for it may have expired: it counts only for the order of CRLs.

    """
    if store.verified.evidence:
        attached = workflow_bucket.get_evidence(store.verified.evidence).attached
        return frozenset(attached.held_serials), attached
    return frozenset(), BY_NUMBER.winner(manifest.baseline(store.trust_store_arn).lists)


handler = lambda_handler(find_crl)
