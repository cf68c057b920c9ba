"""How the trust stores differ from what they should hold: the CA's newest CRL, and no other list of this CA."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from functions.aws import s3
from functions.environment import environment
from functions.errors import CrlNotPublished, CrlNumberLower, CrlRefused
from functions.models.drift import DriftKind, DriftStatus, ListInPlace, TrustStoreDrift
from functions.models.states import Drift, Failure
from functions.models.stored import AttachedList, Manifest
from functions.pki import bundle_checks, crl, crl_checks
from functions.pki.crl import Crl
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import BY_NUMBER, lowest_winner, require_number_unused

ListsByArn = dict[str, list[AttachedList]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The trust stores' lists, the CA's newest CRL, and how they differ."""

    lists: ListsByArn
    newest: Crl | None
    drift: Drift


def compare(manifest: Manifest, now: datetime, get_object: s3.GetObject = s3.get_object) -> Comparison:
    """Compare once. A difference is SUSPECTED, or CONFIRMED for a CRL from the input: nobody else would correct it.

    Raises:
        CrlNotPublished: S3 has no CRL of this CA, though one is attached.
        CrlRefused: a subclass of it, for a CRL from the input.

    """
    # Read the trust stores first: a list attached meanwhile can then only be newer than what is compared.
    lists = {b.trust_store_arn: revocation_lists.read(b.trust_store_arn, manifest) for b in manifest.baselines}
    fetched = get_object(manifest.crl.bucket, manifest.crl.key, version_id=manifest.crl.version_id)
    if fetched is None:
        return Comparison(lists, None, _without_crl(manifest, lists))
    try:
        newest = crl.read(fetched.body, max_entries=environment().max_revocation_entries)
        if manifest.is_third_party:
            _check_third_party(newest, manifest, lists, now)
        else:
            winners = [BY_NUMBER.winner(attached) for attached in lists.values()]
            crl_checks.check(newest, issuer=manifest.issuer, now=now, attached=lowest_winner(winners))
        compared = (_trust_store_drift(arn, attached, newest, manifest) for arn, attached in lists.items())
        drifts = [drift for drift in compared if drift]
        if manifest.is_third_party and not manifest.request.accept_dropped_entries:
            for each in drifts:
                revocation_lists.require_no_entry_dropped(each.trust_store_arn, lists[each.trust_store_arn], newest)
        if not drifts:  # AttachCrl checks it otherwise
            _check_bundles(newest, manifest)
    except CrlRefused as error:
        if manifest.is_third_party:
            raise
        failure = Failure(error=type(error).__name__, cause=str(error))
        return Comparison(lists, None, Drift(status=DriftStatus.SUSPECTED, refusal=failure))
    differs = DriftStatus.CONFIRMED if manifest.is_third_party else DriftStatus.SUSPECTED
    result = Drift(
        status=differs if drifts else DriftStatus.NONE,
        crl=fetched.version,
        crl_number=newest.crl_number,
        trust_stores=drifts,
        in_place=[] if drifts else list(_in_place(lists)),
    )
    return Comparison(lists, newest, result)


def _check_bundles(in_force: Crl, manifest: Manifest) -> None:
    """Refuse a CRL that is in force and shuts every client out: it was attached by hand, or the bundle was replaced."""
    for baseline in manifest.baselines:
        bundle_checks.check_authority(in_force, baseline.issuers, baseline.trust_store_arn)


def _in_place(lists: ListsByArn) -> Iterator[ListInPlace]:
    for arn, attached in lists.items():
        newest = BY_NUMBER.ranked(attached)[-1]  # there is one: to have none is a drift
        yield ListInPlace(
            trust_store_arn=arn,
            revocation_id=newest.revocation_id,
            crl_number=newest.crl_number or 0,
            number_of_revoked_entries=newest.number_of_revoked_entries,
        )


def _without_crl(manifest: Manifest, lists: ListsByArn) -> Drift:
    if any(map(BY_NUMBER.winner, lists.values())):
        location = f"s3://{manifest.crl.bucket}/{manifest.crl.key}"
        raise CrlNotPublished(f"there is no CRL at {location}, though one of this CA is attached: nobody can renew it")
    return Drift(status=DriftStatus.NO_CRL)


def _check_third_party(newest: Crl, manifest: Manifest, lists: ListsByArn, now: datetime) -> None:
    """Refuse a CRL older than any attached one, unless the input accepts that and no serial is lost."""
    winners = {arn: winner for arn, attached in lists.items() if (winner := BY_NUMBER.winner(attached))}
    highest = max(winners.values(), key=lambda winner: winner.rank, default=None)
    accepts_lower = manifest.request.accept_lower_crl_number
    try:
        crl_checks.check(
            newest,
            issuer=manifest.issuer,
            now=now,
            attached=None if accepts_lower else highest,
            require_key_identifier=False,
        )
    except CrlNumberLower as error:
        raise CrlNumberLower(f"{error}. If the CA was restored, start again with AcceptLowerCrlNumber") from error
    for arn in winners if accepts_lower else ():
        revocation_lists.require_no_serial_lost(arn, lists[arn], newest)
        require_number_unused(arn, lists[arn], newest)


def _trust_store_drift(arn: str, lists: list[AttachedList], newest: Crl, manifest: Manifest) -> TrustStoreDrift | None:
    ranked = BY_NUMBER.ranked(lists)
    winner = ranked[-1] if ranked else None
    kind = _kind(ranked, newest, accepts_lower=manifest.request.accept_lower_crl_number)
    if kind is None:
        return None
    return TrustStoreDrift(
        trust_store_arn=arn,
        kind=kind,
        attached_crl_number=winner.crl_number if winner else None,
        revocation_ids=[attached.revocation_id for attached in ranked],
    )


def _kind(ranked: list[AttachedList], newest: Crl, *, accepts_lower: bool) -> DriftKind | None:
    if not ranked:
        return DriftKind.NO_LIST
    winner = ranked[-1]
    if accepts_lower and (winner.crl_number or 0) > (newest.crl_number or 0):
        return DriftKind.HIGHER_NUMBER
    if winner.rank < (newest.crl_number or 0, 0):
        return DriftKind.OLDER_LIST
    if winner.crl_number == newest.crl_number and winner.sha256 != newest.sha256:
        return DriftKind.OTHER_BYTES
    return DriftKind.LEFTOVER_LISTS if len(ranked) > 1 else None
