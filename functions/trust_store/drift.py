"""How the trust stores differ from what they should hold: the CA's newest CRL, and no other list of this CA."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from functions.aws import s3 as aws_s3
from functions.aws.s3 import GetObject
from functions.environment import environment
from functions.errors import CrlNotPublished, CrlNumberLower, CrlRefused
from functions.models.states import Drift, DriftKind, DriftStatus, Failure, ListInPlace, TrustStoreDrift
from functions.models.stored import AttachedList, Manifest
from functions.pki import crl
from functions.pki.crl import Crl
from functions.trust_store import revocation_lists as attached_lists
from functions.trust_store.precedence import BY_NUMBER, lowest_winner, require_number_unused

Lists = dict[str, list[AttachedList]]


@dataclass(frozen=True, slots=True)
class Seen:
    """The trust stores' lists and the CA's newest CRL at one moment, and what they come to."""

    lists: Lists
    newest: Crl | None
    drift: Drift


def look(manifest: Manifest, now: datetime, get_object: GetObject = aws_s3.get_object) -> Seen:
    """Compare once. A drift is SUSPECTED; from a CRL that was handed over it is CONFIRMED: nobody else is given way.

    Raises:
        CrlNotPublished: there is no CRL where the CA's should lie, though one was attached once.
        CrlRefused: a subclass of it, when the CRL was handed over.

    """
    # First the trust stores: what a peer attaches meanwhile can then only be newer than what is compared with.
    lists = {b.trust_store_arn: attached_lists.read(b.trust_store_arn, manifest) for b in manifest.baselines}
    fetched = get_object(manifest.crl.bucket, manifest.crl.key, version_id=manifest.crl.version_id)
    if fetched is None:
        return Seen(lists, None, _without_crl(manifest, lists))
    try:
        newest = crl.read(fetched.body, max_entries=environment().max_revocation_entries)
        if manifest.is_third_party:
            _check_handed_over(newest, manifest, lists, now)
        else:
            winners = [BY_NUMBER.winner(held) for held in lists.values()]
            crl.check(newest, issuer=manifest.issuer, now=now, attached=lowest_winner(winners))
    except CrlRefused as refusal:
        if manifest.is_third_party:
            raise
        failure = Failure(error=type(refusal).__name__, cause=str(refusal))
        return Seen(lists, None, Drift(status=DriftStatus.SUSPECTED, refusal=failure))
    drifts = [drift for arn, held in lists.items() if (drift := _drift(arn, held, newest, manifest))]
    differs = DriftStatus.CONFIRMED if manifest.is_third_party else DriftStatus.SUSPECTED
    found = Drift(
        status=differs if drifts else DriftStatus.NONE,
        crl=fetched.version,
        crl_number=newest.crl_number,
        trust_stores=drifts,
        in_place=[] if drifts else list(_in_place(lists)),
    )
    return Seen(lists, newest, found)


def _in_place(lists: Lists) -> Iterator[ListInPlace]:
    for arn, held in lists.items():
        if winner := BY_NUMBER.winner(held):
            yield ListInPlace(
                trust_store_arn=arn,
                revocation_id=winner.revocation_id,
                crl_number=winner.crl_number or 0,
                number_of_revoked_entries=winner.number_of_revoked_entries,
            )


def _without_crl(manifest: Manifest, lists: Lists) -> Drift:
    if any(map(BY_NUMBER.winner, lists.values())):
        where = f"s3://{manifest.crl.bucket}/{manifest.crl.key}"
        raise CrlNotPublished(f"there is no CRL at {where}, though one of this CA is attached: nobody can renew it")
    return Drift(status=DriftStatus.NO_CRL)


def _check_handed_over(newest: Crl, manifest: Manifest, lists: Lists, now: datetime) -> None:
    """Refuse a CRL that is older than what any trust store holds, unless that is wanted and loses no serial."""
    winners = {arn: winner for arn, held in lists.items() if (winner := BY_NUMBER.winner(held))}
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
        require_number_unused(arn, lists[arn], newest)


def _drift(trust_store_arn: str, held: list[AttachedList], newest: Crl, manifest: Manifest) -> TrustStoreDrift | None:
    ours = BY_NUMBER.ranked(held)
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
