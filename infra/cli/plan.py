"""Makes a plan with the caller's own credentials, running the code of PlanRevocationFunction, and shows it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from functions import text
from functions.environment import environment
from functions.errors import AwsCallRefused, AwsUnavailable
from functions.models.plan import NOT_LOOKED_UP, Plan, PlannedOutcome, PlannedSerial, PlannedTrustStore
from functions.models.request import ExecutionInput
from functions.models.states import RevocationOutcome
from functions.pki import serial_number
from functions.plan.build import build_plan
from infra.cli.input import StagedInput, with_option_names
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNUSABLE, Stack, Unreachable

EXIT_CODES = {
    PlannedOutcome.SUCCEEDED: ENFORCED,
    PlannedOutcome.FAILED: NOT_ENFORCED,
    PlannedOutcome.REFUSED: UNUSABLE,
    PlannedOutcome.UNKNOWN: NOT_ENFORCED,
}
# What is shown of each expected outcome, and for how many serials; what cannot be undone comes first.
_DESCRIPTIONS = {
    RevocationOutcome.REVOKED: ("will be revoked", 50),
    None: ("unknown", 20),
    RevocationOutcome.ALREADY_REVOKED: ("is revoked already, and keeps its reason", 20),
    RevocationOutcome.EXPIRED: ("is revoked already and has expired", 5),
    RevocationOutcome.FAILED: ("cannot be revoked", 5),
}
_SHORT_SECONDS = 180  # shown as seconds; longer durations as minutes


def make_plan(stack: Stack, execution_input: StagedInput) -> Plan:
    """Return what an execution would do. Nothing is changed, and no file uploaded.

    Raises:
        Unreachable: AWS could not be reached, or denied access.

    """
    os.environ.update(stack.settings)
    environment.cache_clear()
    now = datetime.now(UTC)
    event = ExecutionInput(request=execution_input.request, execution_arn="none", execution_name="plan", start_time=now)
    try:
        return build_plan(event, now, execution_input.get_object)
    except (AwsUnavailable, AwsCallRefused) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from None


def render_plan(plan: Plan, stack: Stack) -> Iterator[str]:
    """Yield the lines that show a plan to a person, what cannot be undone first."""
    if plan.cause:
        message = ": ".join(filter(None, (plan.outcome, plan.error, with_option_names(plan.cause))))
        yield from text.indented(message).splitlines()
    else:
        yield f"{plan.outcome} is expected."
    yield f"Stack: {stack.state_machine_arn}"
    if plan.issuer:
        yield text.one_line(f"CA: {', '.join(filter(None, (plan.issuer, plan.certificate_authority_arn)))}")
    for expected, (description, max_shown) in _DESCRIPTIONS.items():
        yield from _certificates(plan, expected, description, max_shown)
    if number := plan.expected.get(NOT_LOOKED_UP):
        yield f"  not looked up: {number}"
    yield from _crl(plan)
    for store in plan.trust_stores:
        yield from _trust_store(store)
    yield from _time(plan)
    for unknown in plan.unknown_until_tried:
        yield f"Unknown until tried: {unknown}."


def _certificates(plan: Plan, expected: RevocationOutcome | None, description: str, max_shown: int) -> Iterator[str]:
    serials = [each for each in plan.serials if each.expected is expected]
    for each in serials[:max_shown]:
        yield text.one_line("  " + "  ".join(_certificate(each, plan.issuer, description)))
    number = plan.expected.get(expected.value if expected else PlannedOutcome.UNKNOWN.value, 0)
    if number > max_shown:
        yield f"  {description}: {number} in all, not shown: {number - min(len(serials), max_shown)}"


def _certificate(each: PlannedSerial, issuer: str | None, description: str) -> Iterator[str]:
    yield serial_number.to_hex(each.serial)
    yield description
    if each.expected is RevocationOutcome.REVOKED and each.revocation_reason:
        yield f"for {each.revocation_reason}"
    if each.not_after:
        yield f"{each.subject}, expires {each.not_after:%Y-%m-%d}"
    if each.issuer and each.issuer != issuer:
        yield f"issued by {each.issuer}"
    if each.explanation:
        yield f"({each.explanation})"


def _crl(plan: Plan) -> Iterator[str]:
    if plan.crl is None:
        return
    if plan.crl.crl_number is None:
        yield f"CRL: {'' if plan.crl.refusal else 'none yet at '}{plan.crl.location}"
    else:
        held = f", holds {plan.crl.wanted_held} of the wanted serials" if plan.number_of_serials else ""
        valid = f"from {_to_minute(plan.crl.this_update)} to {_to_minute(plan.crl.next_update)}"
        yield f"CRL: number {plan.crl.crl_number}, {plan.crl.number_of_revoked_entries} entries, {valid}{held}"
    if plan.crl.expires_soon:
        yield "  Warning: it expires soon. AWS does not document what load balancers do with an expired list"
    if plan.crl.refusal:
        yield text.one_line(f"  it is not usable: {plan.crl.refusal.error}: {plan.crl.refusal.cause}")


def _to_minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "no end"


def _trust_store(store: PlannedTrustStore) -> Iterator[str]:
    yield f"Trust store: {store.trust_store_arn}"
    yield f"  {'; '.join(_actions(store)) or 'nothing to do'}"
    if store.refusal:
        yield text.one_line(f"  REFUSED: {store.refusal.error}: {store.refusal.cause}")
    if store.number_dropped:
        shown = ", ".join(map(serial_number.to_hex, store.dropped_serials[:10]))
        number = store.number_dropped
        yield f"  Warning: serials that it refuses now and would then accept, unless expired: {number}: {shown}"
    if store.namesakes:
        yield text.one_line(f"  Warning: {store.namesakes}")
    if store.load_balancers == 0:
        yield "  Warning: no load balancer uses it, so nothing refuses these certificates there"
    yield f"  {store.head_room}"


def _actions(store: PlannedTrustStore) -> Iterator[str]:
    if store.add_crl_number is not None:
        yield f"attach CRL number {store.add_crl_number}"
    if store.add_next_crl:
        yield "attach the next CRL when it is published"
    if store.remove_revocation_ids:
        yield f"then remove list {', '.join(map(str, store.remove_revocation_ids))}"


def _time(plan: Plan) -> Iterator[str]:
    if not (plan.number_of_serials or plan.seconds_enforcing):
        return
    parts = [
        f"{_duration(plan.seconds_revoking)} to revoke" if plan.number_of_serials else "",
        f"{plan.seconds_giving_way} s to give way to others" if plan.seconds_giving_way else "",
        f"{_duration(plan.seconds_waiting_for_crl)} until the CRL is published" if plan.seconds_waiting_for_crl else "",
        f"{plan.seconds_enforcing:.0f} s to enforce",
    ]
    yield f"Takes about {', '.join(filter(None, parts))}, and {plan.state_transitions} state transitions"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _SHORT_SECONDS else f"{seconds / 60:.0f} min"
