"""DetectDrift: compare what the trust stores hold with the CA's newest CRL, and say who corrects what differs."""

from datetime import datetime

from functions import attached_lists, aws, claims, crl, metrics, workflow_bucket
from functions.contracts import DetectDriftInput, Drift, DriftKind, DriftStatus, Failure, TrustStoreDrift
from functions.crl import Crl
from functions.deployment import deployment
from functions.errors import CrlNotPublished, CrlNumberLower, CrlRefused
from functions.records import AttachedList, Manifest
from functions.task import task

Lists = dict[str, list[AttachedList]]


def detect_drift(question: DetectDriftInput, now: datetime) -> Drift:
    """Look once; a drift that was seen before, and that no other reconcile is at work on, is ours to correct.

    Raises:
        CrlNotPublished: there is no CRL where the CA's should lie, though one was attached once.

    """
    manifest = workflow_bucket.get_manifest(question.manifest)
    seen_before = isinstance(question.previous, Drift)
    # First the trust stores: what a peer attaches meanwhile can then only be newer than what is compared with.
    lists = {b.trust_store_arn: attached_lists.read(b.trust_store_arn, manifest) for b in manifest.baselines}
    fetched = aws.get_object(manifest.crl.bucket, manifest.crl.key, version_id=manifest.crl.version_id)
    if fetched is None:
        return _without_crl(manifest, lists)
    try:
        newest = crl.read(fetched.body, max_entries=deployment().max_revocation_entries)
        if manifest.handed_over:
            _check_handed_over(newest, manifest, lists, now)
        else:
            crl.check(newest, issuer=manifest.issuer, now=now, attached=_lowest_winner(lists))
    except CrlRefused as refusal:
        if manifest.handed_over:
            raise
        _measure(manifest, lists, None, now)
        failure = Failure(error=type(refusal).__name__, cause=str(refusal))
        return Drift(status=DriftStatus.BAD if seen_before else DriftStatus.SUSPECTED, refusal=failure)
    _measure(manifest, lists, newest, now)
    drifts = [drift for arn, held in lists.items() if (drift := _drift(arn, held, newest, manifest))]
    found = Drift(
        status=DriftStatus.SUSPECTED if drifts else DriftStatus.NONE,
        crl=fetched.version,
        crl_number=newest.crl_number,
        trust_stores=drifts,
    )
    if drifts and manifest.handed_over:
        return found.model_copy(update={"status": DriftStatus.LASTING})  # somebody asks: nobody else is given way
    if not drifts or not seen_before or newest.crl_number is None:
        return found
    other = claims.take(manifest, newest.crl_number, now)
    status = DriftStatus.TAKEN if other else DriftStatus.LASTING
    return found.model_copy(update={"status": status, "taken_by": other})


def _without_crl(manifest: Manifest, lists: Lists) -> Drift:
    if any(map(attached_lists.winner, lists.values())):
        where = f"s3://{manifest.crl.bucket}/{manifest.crl.key}"
        raise CrlNotPublished(f"there is no CRL at {where}, though one of this CA is attached: nobody can renew it")
    return Drift(status=DriftStatus.NO_CRL)


def _lowest_winner(lists: Lists) -> AttachedList | None:
    """Give the list that a CRL must not be older than: AttachCrl checks again, for each trust store."""
    winners = [attached_lists.winner(held) for held in lists.values()]
    known = [winner for winner in winners if winner]
    return min(known, key=lambda winner: winner.rank) if len(known) == len(winners) else None


def _check_handed_over(newest: Crl, manifest: Manifest, lists: Lists, now: datetime) -> None:
    """Refuse a CRL that is older than what any trust store holds, unless that is wanted and loses no serial."""
    winners = {arn: winner for arn, held in lists.items() if (winner := attached_lists.winner(held))}
    highest = max(winners.values(), key=lambda winner: winner.rank, default=None)
    wanted = manifest.request.accept_lower_crl_number
    try:
        crl.check(
            newest,
            issuer=manifest.issuer,
            now=now,
            attached=None if wanted else highest,
            key_identifier_needed=False,
        )
    except CrlNumberLower as lower:
        raise CrlNumberLower(f"{lower}. If the CA was restored, ask again with AcceptLowerCrlNumber") from lower
    for arn in winners if wanted else ():
        attached_lists.require_none_lost(arn, lists[arn], newest)


def _drift(trust_store_arn: str, held: list[AttachedList], newest: Crl, manifest: Manifest) -> TrustStoreDrift | None:
    ours = attached_lists.of_this_ca(held)
    winner = ours[-1] if ours else None
    kind = _kind(ours, newest, fallen_back=manifest.request.accept_lower_crl_number)
    if kind is None:
        return None
    return TrustStoreDrift(
        trust_store_arn=trust_store_arn,
        kind=kind,
        attached_crl_number=winner.crl_number if winner else None,
        revocation_ids=[each.revocation_id for each in ours],
    )


def _kind(ours: list[AttachedList], newest: Crl, *, fallen_back: bool) -> DriftKind | None:
    if not ours:
        return DriftKind.NO_LIST
    winner = ours[-1]
    if fallen_back and (winner.crl_number or 0) > (newest.crl_number or 0):
        return DriftKind.HIGHER_NUMBER
    if winner.rank < (newest.crl_number or 0, 0):
        return DriftKind.OLDER_LIST
    if winner.crl_number == newest.crl_number and winner.sha256 != newest.sha256:
        return DriftKind.OTHER_BYTES
    return DriftKind.LEFTOVER_LISTS if len(ours) > 1 else None


def _measure(manifest: Manifest, lists: Lists, newest: Crl | None, now: datetime) -> None:
    """Tell the gauges of each trust store: how old its list is, and whether the next one fits beside it."""
    here = deployment()
    for arn, held in lists.items():
        winner = attached_lists.winner(held)
        used = sum(each.number_of_revoked_entries for each in held)
        following = max(
            winner.number_of_revoked_entries if winner else 0, newest.number_of_revoked_entries if newest else 0
        )
        entries = (used + following) / here.max_revocation_entries
        values = {
            "RevocationEntriesUsed": 100 * used / here.max_revocation_entries,
            "RevocationListsUsed": 100 * len(held) / here.max_revocation_lists,
            "HeadroomUsedByNextCrl": 100 * max(entries, (len(held) + 1) / here.max_revocation_lists),
            "TimeToNextUpdate": 0.0,  # without a list, nothing is in force
        }
        if winner and winner.this_update and winner.next_update:
            values["AttachedCrlAge"] = (now - winner.this_update).total_seconds()
            values["TimeToNextUpdate"] = (winner.next_update - now).total_seconds()
        dimensions = {
            "CertificateAuthority": manifest.authority_id,
            "TrustStore": arn.split("/", 1)[1],
        }
        metrics.emit(values, dimensions, now)


handler = task(detect_drift)
