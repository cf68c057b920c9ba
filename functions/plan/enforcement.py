"""What would be attached to the trust stores and removed from them, found out by rehearsing it."""

from dataclasses import dataclass
from datetime import datetime

from functions.aws import elbv2 as aws_elbv2
from functions.aws import s3 as aws_s3
from functions.environment import environment
from functions.errors import AwsCallRefused, AwsUnavailable, CrlRefused
from functions.models.plan import PlannedCrl, PlannedTrustStore
from functions.models.states import Failure
from functions.models.stored import AttachedList, Baseline, Manifest
from functions.pki import crl
from functions.pki.crl import Crl
from functions.plan.simulation import Rehearsal
from functions.trust_store import capacity, revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence, lowest_winner

_DROPPED_SHOWN = 100


@dataclass(frozen=True, slots=True)
class SeenCrl:
    """The CRL that lies in S3 now, and what it is good for."""

    planned: PlannedCrl
    usable: Crl | None
    revoked: frozenset[
        int
    ]  # of the wanted serials, those that this CRL or an attached list names: good, old or expired


def look(manifest: Manifest, now: datetime) -> SeenCrl:
    """Read the CRL as FindCrl does; one that is refused counts as absent, for it lay there before."""
    winners = [BY_NUMBER.winner(baseline.lists) for baseline in manifest.baselines]
    revoked = frozenset[int]().union(*(baseline.held for baseline in manifest.baselines))
    planned = PlannedCrl(location=f"s3://{manifest.crl.bucket}/{manifest.crl.key}")
    try:
        fetched = aws_s3.get_object(manifest.crl.bucket, manifest.crl.key)
        if fetched is None:
            return SeenCrl(planned, None, revoked)
        found = crl.read(fetched.body, wanted=manifest.wanted, max_entries=environment().max_revocation_entries)
        planned = described(planned.location, found)
        if crl.is_issued_by(found, manifest.issuer):
            revoked |= found.held
        crl.check(found, issuer=manifest.issuer, now=now, attached=lowest_winner(winners))
    except CrlRefused as refusal:
        failure = Failure(error=type(refusal).__name__, cause=str(refusal))
        return SeenCrl(planned.model_copy(update={"refusal": failure}), None, revoked)
    return SeenCrl(planned, found, revoked)


def described(location: str, found: Crl) -> PlannedCrl:
    """Show a CRL that was read."""
    return PlannedCrl(
        location=location,
        crl_number=found.crl_number,
        this_update=found.this_update,
        next_update=found.next_update,
        number_of_revoked_entries=found.number_of_revoked_entries,
    )


def of_serials(
    baseline: Baseline, current: Crl | None, wanted: frozenset[int], missing: frozenset[int]
) -> PlannedTrustStore:
    """Rehearse the CRL that is there, if it holds anything wanted, and then the next one, if anything is missing."""
    rehearsal = Rehearsal(baseline.trust_store_arn, list(baseline.lists))
    adds_now, adds_next = None, False
    if current and wanted - missing:
        adds_now = _rehearse(rehearsal, current)
    if missing:
        adds_next = rehearsal.enforce(_next(baseline.lists, current, len(missing)), _unread)
    return _planned(baseline.lists, rehearsal, adds_now, current if adds_now else None, adds_next=adds_next)


def of_drift(arn: str, lists: list[AttachedList], newest: Crl | None, precedence: Precedence) -> PlannedTrustStore:
    """Rehearse the CRL that a reconcile brings; None: nothing differs anywhere."""
    rehearsal = Rehearsal(arn, list(lists), precedence)
    adds = _rehearse(rehearsal, newest) if newest else None
    return _planned(lists, rehearsal, adds, newest if adds else None, adds_next=False)


def _rehearse(rehearsal: Rehearsal, coming: Crl) -> int | None:
    """Give the CRL's number if it would be added."""
    as_list = revocation_lists.attached_list(0, coming.number_of_revoked_entries, coming)
    return coming.crl_number if rehearsal.enforce(as_list, lambda: coming) else None


def _next(lists: list[AttachedList], current: Crl | None, more: int) -> AttachedList:
    """Imagine the CA's next CRL: above every number there is, and with so many more entries."""
    newest = current or BY_NUMBER.winner(lists)
    numbers = [each.crl_number or 0 for each in lists] + [(current and current.crl_number) or 0]
    return AttachedList(
        revocation_id=0,
        number_of_revoked_entries=(newest.number_of_revoked_entries if newest else 0) + more,
        crl_number=max(numbers, default=0) + 1,
    )


def _unread() -> Crl:
    raise AssertionError("a CRL above every number there is is never compared by its content")


def _planned(
    lists: list[AttachedList], rehearsal: Rehearsal, adds_now: int | None, added: Crl | None, *, adds_next: bool
) -> PlannedTrustStore:
    dropped = _dropped(rehearsal, lists, added)
    return PlannedTrustStore(
        trust_store_arn=rehearsal.arn,
        lists=len(lists),
        entries=capacity.count_entries(lists),
        add_crl_number=adds_now,
        add_next_crl=adds_next,
        remove_revocation_ids=sorted({each.revocation_id for each in lists}.intersection(rehearsal.removed)),
        head_room=rehearsal.head_room,
        number_dropped=len(dropped),
        dropped_serials=dropped[:_DROPPED_SHOWN],
        load_balancers=_load_balancers(rehearsal.arn),
        refusal=rehearsal.refusal,
    )


def _dropped(rehearsal: Rehearsal, lists: list[AttachedList], added: Crl | None) -> list[int]:
    """Give the serials of this CA's lists that would go, and that neither the list added nor one that stays has.

    What the next CRL will hold nobody knows; it drops what has expired.

    """
    going = [each for each in BY_NUMBER.ranked(lists) if each.revocation_id in rehearsal.removed]
    staying = [each for each in BY_NUMBER.ranked(lists) if each not in going]
    if not going or (added is None and not staying):
        return []
    held = revocation_lists.read_serial_numbers(rehearsal.arn, going) or set()
    kept = revocation_lists.read_serial_numbers(rehearsal.arn, staying) or set()
    return sorted(held - kept - (crl.serial_numbers(added) if added else set()))


def _load_balancers(arn: str) -> int | None:
    """Count what the trust store hangs on: where that is nothing, it refuses nobody."""
    try:
        return len(aws_elbv2.describe_trust_store_associations(arn))
    except (AwsCallRefused, AwsUnavailable):
        return None
