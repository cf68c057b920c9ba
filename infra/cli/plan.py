"""A plan made with the caller's own credentials, by the very code of the stack's function, and how it is shown."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from functions.environment import environment
from functions.errors import AwsCallRefused, AwsUnavailable
from functions.models.plan import NOT_LOOKED_UP, Plan, PlannedOutcome, PlannedSerial, PlannedTrustStore
from functions.models.request import ExecutionInput
from functions.models.states import RevocationOutcome
from functions.pki import serial_number
from functions.plan.build import build_plan
from infra.cli.input import Asked, in_options
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNUSABLE, Stack, Unreachable, plain

EXIT_CODES = {
    PlannedOutcome.SUCCEEDED: ENFORCED,
    PlannedOutcome.FAILED: NOT_ENFORCED,
    PlannedOutcome.REFUSED: UNUSABLE,
    PlannedOutcome.UNKNOWN: NOT_ENFORCED,
}
# What cannot be undone is shown first, and most of it.
_WORDS = {
    RevocationOutcome.REVOKED: ("will be revoked", 50),
    None: ("unknown", 20),
    RevocationOutcome.ALREADY_REVOKED: ("is revoked already, and keeps its reason", 20),
    RevocationOutcome.EXPIRED: ("is revoked already and has expired", 5),
    RevocationOutcome.FAILED: ("cannot be revoked", 5),
}
_MINUTES_FROM = 180  # seconds


def make(stack: Stack, asked: Asked) -> Plan:
    """Plan an execution; nothing is called that changes anything, and files that would be uploaded are not.

    Raises:
        Unreachable: AWS could not be asked, or does not let the caller ask.

    """
    os.environ.update(stack.settings)
    environment.cache_clear()
    now = datetime.now(UTC)
    question = ExecutionInput(request=asked.request, execution_arn="none", execution_name="plan", start_time=now)
    try:
        return build_plan(question, now, asked.get_object)
    except (AwsUnavailable, AwsCallRefused) as fault:
        raise Unreachable(f"{type(fault).__name__}: {fault}") from None


def render(plan: Plan, stack: Stack) -> Iterator[str]:
    """Show a plan to a person, what is irreversible first."""
    if plan.cause:
        told = ": ".join(filter(None, (plan.outcome, plan.error, in_options(plan.cause))))
        yield from map(plain, told.splitlines())
    else:
        yield f"{plan.outcome} is expected."
    yield f"Stack: {stack.state_machine_arn}"
    if plan.issuer:
        yield plain(f"CA: {', '.join(filter(None, (plan.issuer, plan.certificate_authority_arn)))}")
    for expected, (words, most) in _WORDS.items():
        yield from _certificates(plan, expected, words, most)
    if left := plan.expected.get(NOT_LOOKED_UP):
        yield f"  {left} were not looked up"
    yield from _crl(plan)
    for store in plan.trust_stores:
        yield from _trust_store(store)
    yield from _time(plan)
    for unknown in plan.unknown_until_tried:
        yield f"Unknown until tried: {unknown}."


def _certificates(plan: Plan, expected: RevocationOutcome | None, words: str, most: int) -> Iterator[str]:
    these = [each for each in plan.serials if each.expected is expected]
    for each in these[:most]:
        yield plain("  " + "  ".join(_certificate(each, plan.issuer, words)))
    number = plan.expected.get(expected.value if expected else PlannedOutcome.UNKNOWN.value, 0)
    if number > most:
        yield f"  {words}: {number} in all, {number - min(len(these), most)} of them not shown"


def _certificate(each: PlannedSerial, issuer: str | None, words: str) -> Iterator[str]:
    yield serial_number.to_hex(each.serial)
    yield words
    if each.expected is RevocationOutcome.REVOKED and each.revocation_reason:
        yield f"for {each.revocation_reason}"
    if each.not_after:
        yield f"{each.subject}, expires {each.not_after:%Y-%m-%d}"
    if each.issuer and each.issuer != issuer:
        yield f"issued by {each.issuer}"
    if each.why:
        yield f"({each.why})"


def _crl(plan: Plan) -> Iterator[str]:
    if plan.crl is None:
        return
    if plan.crl.crl_number is None:
        yield f"CRL: {'' if plan.crl.refusal else 'none yet at '}{plan.crl.location}"
    else:
        held = f", holds {plan.crl.wanted_held} of those that count" if plan.number_of_serials else ""
        valid = f"from {_day(plan.crl.this_update)} to {_day(plan.crl.next_update)}"
        yield f"CRL: number {plan.crl.crl_number}, {plan.crl.number_of_revoked_entries} entries, {valid}{held}"
    if plan.crl.refusal:
        yield plain(f"  it is not usable: {plan.crl.refusal.error}: {plan.crl.refusal.cause}")


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "no end"


def _trust_store(store: PlannedTrustStore) -> Iterator[str]:
    yield f"Trust store: {store.trust_store_arn}"
    yield f"  {'; '.join(_deeds(store)) or 'nothing to do'}"
    if store.refusal:
        yield plain(f"  REFUSED: {store.refusal.error}: {store.refusal.cause}")
    if store.number_dropped:
        shown = ", ".join(map(serial_number.to_hex, store.dropped_serials[:10]))
        yield f"  MIND: {store.number_dropped} serials that it refuses now would be accepted, unless expired: {shown}"
    if store.load_balancers == 0:
        yield "  MIND: no load balancer uses it, so nothing refuses these certificates there"
    yield f"  {store.head_room}"


def _deeds(store: PlannedTrustStore) -> Iterator[str]:
    if store.add_crl_number is not None:
        yield f"attach CRL number {store.add_crl_number}"
    if store.add_next_crl:
        yield "attach the next CRL when it comes"
    if store.remove_revocation_ids:
        yield f"then remove list {', '.join(map(str, store.remove_revocation_ids))}"


def _time(plan: Plan) -> Iterator[str]:
    if not (plan.number_of_serials or plan.seconds_enforcing):
        return
    parts = [
        f"{_long(plan.seconds_revoking)} to revoke" if plan.number_of_serials else "",
        f"{plan.seconds_giving_way} s to give way to others" if plan.seconds_giving_way else "",
        f"{_long(plan.seconds_waiting_for_crl)} until the CRL comes" if plan.seconds_waiting_for_crl else "",
        f"{plan.seconds_enforcing:.0f} s to enforce",
    ]
    cost = f"about USD {plan.cost_usd:.4f} for {plan.state_transitions} state transitions and Lambda"
    yield f"Takes about {', '.join(filter(None, parts))}; {cost}"


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _MINUTES_FROM else f"{seconds / 60:.0f} min"
