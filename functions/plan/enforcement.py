"""Plans what would be attached to each trust store and removed from it, by simulating the steps."""

from dataclasses import dataclass
from datetime import datetime

from functions.aws import elbv2, s3
from functions.environment import environment
from functions.errors import AwsCallRefused, AwsUnavailable, CrlAuthorityKeyMismatch, CrlRefused
from functions.models.plan import PlannedCrl, PlannedTrustStore
from functions.models.states import Failure
from functions.models.stored import AttachedList, Baseline, Manifest
from functions.pki import bundle_checks, crl, crl_checks
from functions.pki.crl import Crl
from functions.plan.trust_store_simulation import Simulation
from functions.trust_store import capacity, revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence, lowest_winner

_MAX_DROPPED_SERIALS = 100


@dataclass(frozen=True, slots=True)
class CurrentCrl:
    """The CRL that is in S3 now.

    `usable` is None if there is none or it is refused. `revoked` are the wanted serials that this CRL or an attached
    list holds, even if that list is old or expired.

    """

    planned: PlannedCrl
    usable: Crl | None
    revoked: frozenset[int]


def read_current_crl(manifest: Manifest, now: datetime) -> CurrentCrl:
    """Read the CRL as FindCrl does; a refused one counts as absent, because it was there before the revocations."""
    winners = [BY_NUMBER.winner(baseline.lists) for baseline in manifest.baselines]
    revoked = frozenset[int]().union(*(baseline.held_serials for baseline in manifest.baselines))
    planned = PlannedCrl(location=f"s3://{manifest.crl.bucket}/{manifest.crl.key}")
    try:
        fetched = s3.get_object(manifest.crl.bucket, manifest.crl.key)
        if fetched is None:
            return CurrentCrl(planned, None, revoked)
        current = crl.read(fetched.body, wanted=manifest.wanted, max_entries=environment().max_revocation_entries)
        planned = planned_crl(planned.location, current, now)
        if crl_checks.is_issued_by(current, manifest.issuer):
            revoked |= current.held_serials
        crl_checks.check(current, issuer=manifest.issuer, now=now, attached=lowest_winner(winners))
    except CrlRefused as error:
        failure = Failure(error=type(error).__name__, cause=str(error))
        return CurrentCrl(planned.model_copy(update={"refusal": failure}), None, revoked)
    return CurrentCrl(planned, current, revoked)


def planned_crl(location: str, current: Crl, now: datetime) -> PlannedCrl:
    """Return what a plan says of a CRL."""
    return PlannedCrl(
        location=location,
        crl_number=current.crl_number,
        this_update=current.this_update,
        next_update=current.next_update,
        number_of_revoked_entries=current.number_of_revoked_entries,
        expires_soon=environment().expires_soon(current.next_update, now),
    )


def plan_revocations(
    baseline: Baseline, current: Crl | None, wanted: frozenset[int], missing: frozenset[int]
) -> PlannedTrustStore:
    """Plan a trust store: the current CRL, if it holds a wanted serial, then the next one, if any is missing."""
    simulation = Simulation(baseline.trust_store_arn, list(baseline.lists))
    adds_now, adds_next = None, False
    if current and _is_refused(simulation, current, baseline):
        return _planned(baseline, baseline.lists, simulation, None, None, adds_next=False)
    if current and wanted - missing:
        adds_now = _simulate(simulation, current)
    if missing:
        adds_next = simulation.enforce(_next_list(baseline.lists, current, len(missing)), _refuse_to_read)
    return _planned(baseline, baseline.lists, simulation, adds_now, current if adds_now else None, adds_next=adds_next)


def plan_reconcile(
    baseline: Baseline, lists: list[AttachedList], newest: Crl | None, precedence: Precedence
) -> PlannedTrustStore:
    """Plan a trust store for a reconcile; `newest` is None if no trust store differs."""
    simulation = Simulation(baseline.trust_store_arn, list(lists), precedence)
    adds = _simulate(simulation, newest) if newest and not _is_refused(simulation, newest, baseline) else None
    return _planned(baseline, lists, simulation, adds, newest if adds else None, adds_next=False)


def _is_refused(simulation: Simulation, candidate: Crl, baseline: Baseline) -> bool:
    """Refuse a CRL that does not fit the bundle, as AttachCrl does; the CA's next one would not either."""
    try:
        bundle_checks.check_authority(candidate, baseline.issuers, baseline.trust_store_arn)
    except CrlAuthorityKeyMismatch as error:
        simulation.refusal = Failure(error=type(error).__name__, cause=str(error))
    return simulation.refusal is not None


def _simulate(simulation: Simulation, candidate: Crl) -> int | None:
    """Simulate enforcing a CRL; return its number if it would be added."""
    as_list = revocation_lists.attached_list(0, candidate.number_of_revoked_entries, candidate)
    return candidate.crl_number if simulation.enforce(as_list, lambda: candidate) else None


def _next_list(lists: list[AttachedList], current: Crl | None, new_entries: int) -> AttachedList:
    """Return a stand-in for the CA's next CRL: a number above all others, and this many more entries."""
    newest = current or BY_NUMBER.winner(lists)
    numbers = [attached.crl_number or 0 for attached in lists] + [(current and current.crl_number) or 0]
    return AttachedList(
        revocation_id=0,
        number_of_revoked_entries=(newest.number_of_revoked_entries if newest else 0) + new_entries,
        crl_number=max(numbers, default=0) + 1,
        sha256="",
    )


def _refuse_to_read() -> Crl:  # pragma: no cover - that nothing calls it is the assertion
    raise AssertionError("a CRL with the highest number is never compared by its content")


def _planned(  # noqa: PLR0913 - the parts of one trust store's plan
    baseline: Baseline,
    lists: list[AttachedList],
    simulation: Simulation,
    adds_now: int | None,
    added: Crl | None,
    *,
    adds_next: bool,
) -> PlannedTrustStore:
    dropped = _dropped(simulation, lists, added)
    return PlannedTrustStore(
        trust_store_arn=simulation.arn,
        lists=len(lists),
        entries=capacity.count_entries(lists),
        add_crl_number=adds_now,
        add_next_crl=adds_next,
        remove_revocation_ids=sorted({attached.revocation_id for attached in lists}.intersection(simulation.removed)),
        head_room=simulation.head_room,
        number_dropped=len(dropped),
        dropped_serials=dropped[:_MAX_DROPPED_SERIALS],
        namesakes=baseline.namesakes,
        load_balancers=_load_balancers(simulation.arn),
        refusal=simulation.refusal,
    )


def _dropped(simulation: Simulation, lists: list[AttachedList], added: Crl | None) -> list[int]:
    """Return the serials that only the removed lists of this CA hold, neither the added list nor a remaining one.

    What the next CRL will hold is unknown; it drops expired certificates.

    """
    removed = [attached for attached in BY_NUMBER.ranked(lists) if attached.revocation_id in simulation.removed]
    remaining = [attached for attached in BY_NUMBER.ranked(lists) if attached not in removed]
    if not removed or (added is None and not remaining):
        return []
    held_before = revocation_lists.read_serial_numbers(simulation.arn, removed) or set()
    still_held = revocation_lists.read_serial_numbers(simulation.arn, remaining) or set()
    return sorted(held_before - still_held - (crl.serial_numbers(added) if added else set()))


def _load_balancers(arn: str) -> int | None:
    """Return how many load balancers use the trust store, or None if that cannot be read."""
    try:
        return len(elbv2.describe_trust_store_associations(arn))
    except (AwsCallRefused, AwsUnavailable):
        return None
