"""PlanRevocation: a dry run. It reads what an execution would read, and calls nothing that changes anything."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from functions.aws import s3 as aws_s3
from functions.environment import environment
from functions.errors import (
    AwsCallRefused,
    AwsUnavailable,
    CrlTooLarge,
    RevocationError,
    SerialsNotRevoked,
    TrustStoreNotEnforced,
)
from functions.handler import lambda_handler
from functions.intake.collect import GetObject
from functions.intake.validate import validate
from functions.models.plan import NOT_LOOKED_UP, Plan, PlannedCrl, PlannedOutcome
from functions.models.request import ExecutionInput
from functions.models.states import DriftStatus, RevocationOutcome
from functions.models.stored import Manifest
from functions.pki import serial_number
from functions.plan import enforcement as planned_enforcement
from functions.plan import estimate as cost
from functions.plan import outcomes as expected_outcomes
from functions.revocation import batches as outcomes
from functions.trust_store import drift

_LARGEST_OUTPUT = 200_000  # bytes; a state may hold 256 KiB
_LONGEST_CAUSE = 20_000
_SHOWN, _NAMED = 200, 10
# States that every execution enters, and those of each look at the CRL and of each trust store.
_FIXED_TRANSITIONS, _A_LOOK, _A_TRUST_STORE = 14, 4, 6
_FIXED_STEPS, _STEPS_A_TRUST_STORE = 5, 3
_GIGABYTE_SECONDS_A_STEP = 1.0
_SECONDS_A_TRUST_STORE = 10.0  # one write every five seconds: an add and a remove


def plan_revocation(event: ExecutionInput, now: datetime, get_object: GetObject = aws_s3.get_object) -> Plan:
    """Say what an execution with this input would do; whatever would be refused is told, not raised.

    Raises:
        AwsUnavailable, AwsCallRefused: AWS could not be asked, so there is no plan.

    """
    try:
        return _cut(_plan(validate(event, now, get_object), now, get_object))
    except (AwsUnavailable, AwsCallRefused):
        raise
    except RevocationError as refusal:
        return _cut(Plan(outcome=PlannedOutcome.REFUSED, error=type(refusal).__name__, cause=str(refusal)))


def _plan(manifest: Manifest, now: datetime, get_object: GetObject) -> Plan:
    of_drift = manifest.request.reconcile or manifest.is_third_party
    made = _of_drift(manifest, now, get_object) if of_drift else _of_serials(manifest, now)
    return made.model_copy(
        update={
            "certificate_authority_arn": manifest.request.certificate_authority_arn,
            "issuer": manifest.issuer.subject.rfc4514_string()[:_SHOWN],
        }
    )


def _of_serials(manifest: Manifest, now: datetime) -> Plan:
    seen, asked = planned_enforcement.look(manifest, now), manifest.request.serials
    listed = expected_outcomes.look_up(manifest, seen.revoked, now)
    wanted = manifest.wanted - {each.serial for each in listed if not expected_outcomes.is_wanted_in_crl(each, now)}
    missing = wanted - (seen.usable.held if seen.usable else frozenset())
    counts = Counter(each.expected.value if each.expected else PlannedOutcome.UNKNOWN.value for each in listed)
    not_looked_up = {NOT_LOOKED_UP: len(asked) - len(listed)} if len(asked) > len(listed) else {}
    made = Plan(
        outcome=PlannedOutcome.SUCCEEDED,
        number_of_serials=len(asked),
        expected={**counts, **not_looked_up},
        serials=listed,
        reasons=Counter(map(manifest.request.reason_of, asked)),
        crl=seen.planned.model_copy(update={"wanted_held": len(wanted) - len(missing), "wanted_missing": len(missing)}),
        trust_stores=[
            planned_enforcement.of_serials(baseline, seen.usable, wanted, missing) for baseline in manifest.baselines
        ],
        batches=len(outcomes.batches(len(asked))),
    )
    return _judged(_with_totals(made, manifest), manifest)


def _of_drift(manifest: Manifest, now: datetime, get_object: GetObject) -> Plan:
    seen = drift.look(manifest, now, get_object)
    location = f"s3://{manifest.crl.bucket}/{manifest.crl.key}"
    differs = seen.drift.status in (DriftStatus.SUSPECTED, DriftStatus.CONFIRMED)
    newest = seen.newest if differs else None
    preferred = newest.sha256 if newest and manifest.request.accept_lower_crl_number else None
    made = Plan(
        outcome=PlannedOutcome.SUCCEEDED,
        crl=planned_enforcement.described(location, seen.newest)
        if seen.newest
        else PlannedCrl(location=location, refusal=seen.drift.refusal),
        drift=seen.drift,
        trust_stores=[planned_enforcement.of_drift(arn, lists, newest, preferred) for arn, lists in seen.lists.items()],
        seconds_giving_way=environment().give_way_seconds if seen.drift.status is DriftStatus.SUSPECTED else 0,
    )
    return _judged(_with_totals(made, manifest), manifest)


def _with_totals(made: Plan, manifest: Manifest) -> Plan:
    """Add up time and cost."""
    waits = bool(made.crl and made.crl.wanted_missing)
    calls, stores = made.batches or made.number_of_serials, len(made.trust_stores)
    adding = sum(bool(store.add_crl_number or store.add_next_crl) for store in made.trust_stores)
    polling, usual = manifest.request.polling, environment().usual_crl_seconds
    looks = 1 + (min(usual, polling.deadline_seconds) // polling.interval_seconds if waits else 0)
    transitions = _FIXED_TRANSITIONS + calls + looks * _A_LOOK + stores * _A_TRUST_STORE
    steps = _FIXED_STEPS + calls + looks + stores * _STEPS_A_TRUST_STORE
    revoking = round(made.number_of_serials / environment().revocations_per_second, 1)
    gigabyte_seconds = steps * _GIGABYTE_SECONDS_A_STEP + (revoking if made.batches else 0)
    return made.model_copy(
        update={
            "seconds_revoking": revoking,
            "seconds_waiting_for_crl": usual if waits else 0,
            "seconds_enforcing": adding * _SECONDS_A_TRUST_STORE,
            "state_transitions": transitions,
            "cost_usd": cost.usd(transitions, steps, gigabyte_seconds),
        }
    )


def _judged(made: Plan, manifest: Manifest) -> Plan:
    """Say what it comes to: what is known to fail, or else what decides and is not known."""
    undecided = list(_undecided(made, manifest.request.polling.deadline_seconds))
    error, cause = _undone(made)
    outcome = PlannedOutcome.FAILED if error else PlannedOutcome.SUCCEEDED
    if undecided and not error:
        outcome, cause = PlannedOutcome.UNKNOWN, "not known beforehand: " + "; ".join(undecided)
    unknown = [*undecided, *_unknown(made)]
    return made.model_copy(update={"outcome": outcome, "error": error, "cause": cause, "unknown_until_tried": unknown})


def _undone(made: Plan) -> tuple[str | None, str | None]:
    """Give what would be left undone, the most exposed first, as the report of an execution does."""
    if refusals := [store.refusal for store in made.trust_stores if store.refusal]:
        names = {refusal.error for refusal in refusals}
        error = names.pop() if len(names) == 1 else TrustStoreNotEnforced.__name__
        return error, "; ".join(refusal.cause for refusal in refusals)
    if made.crl and made.crl.refusal and _is_too_large(made.crl) and _brings_crl(made):
        return made.crl.refusal.error, f"{made.crl.refusal.cause}. The next CRL is larger still"
    if failed := [each for each in made.serials if each.expected is RevocationOutcome.FAILED]:
        why = {
            each.why: [serial_number.to_hex(other.serial) for other in failed if other.why == each.why]
            for each in failed
        }
        told = "; ".join(f"{reason}: {_some(listed)}" for reason, listed in why.items())
        return SerialsNotRevoked.__name__, f"{len(failed)} of {made.number_of_serials} would not be revoked. {told}"
    if made.drift and made.drift.refusal:
        return made.drift.refusal.error, made.drift.refusal.cause
    return None, None


def _some(listed: list[str]) -> str:
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def _is_too_large(found: PlannedCrl) -> bool:
    return bool(found.wanted_missing and found.refusal and found.refusal.error == CrlTooLarge.__name__)


def _brings_crl(made: Plan) -> bool:
    """Say whether anything may be newly revoked, upon which Private CA publishes a CRL."""
    return bool(made.expected.keys() & {RevocationOutcome.REVOKED.value, PlannedOutcome.UNKNOWN.value, NOT_LOOKED_UP})


def _undecided(made: Plan, deadline_seconds: int) -> Iterator[str]:
    """Tell what is not known, and decides between success and failure."""
    if number := made.expected.get(PlannedOutcome.UNKNOWN.value):
        yield f"what becomes of {number} serials that have no expected outcome"
    if number := made.expected.get(NOT_LOOKED_UP):
        yield f"what becomes of {number} serials that were not looked up, and whose certificates these are"
    if made.crl and made.crl.wanted_missing and not _brings_crl(made):
        yield "when the next CRL comes: nothing is newly revoked, so it is the CA's own refresh that brings it"
    elif made.seconds_waiting_for_crl > deadline_seconds:
        yield (
            f"whether the CRL comes before the deadline, {deadline_seconds} seconds: it usually takes "
            f"{made.seconds_waiting_for_crl}"
        )


def _unknown(made: Plan) -> Iterator[str]:
    if made.number_of_serials:
        yield "whether Private CA throttles or refuses a call"
    if made.expected.get(RevocationOutcome.REVOKED.value):
        yield "whether a certificate was revoked since the last CRL: it would be ALREADY_REVOKED"
    if made.crl and made.crl.wanted_missing:
        yield "when exactly the next CRL comes, and how many entries it has"
    yield "whether somebody else changes a trust store meanwhile"


def _cut(made: Plan) -> Plan:
    """Keep the output below what a state may hold: the serials are cut, their counts stay."""
    if made.cause and len(made.cause) > _LONGEST_CAUSE:
        made = made.model_copy(update={"cause": f"{made.cause[:_LONGEST_CAUSE]} …"})
    # Escaped, as Lambda's runtime may write what is not ASCII: six bytes a letter.
    while made.serials and len(json.dumps(made.model_dump(mode="json", exclude_none=True))) > _LARGEST_OUTPUT:
        made = made.model_copy(update={"serials": made.serials[: len(made.serials) // 2]})
    return made.model_copy(update={"serials_not_shown": made.number_of_serials - len(made.serials)})


handler = lambda_handler(plan_revocation)
