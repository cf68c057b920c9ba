"""A plan made with the caller's own credentials, by the very code of the stack's function, and how it is shown."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from functions.deployment import deployment
from functions.errors import AwsCallRefused, AwsUnavailable
from functions.plan import Plan, PlannedSerial, PlannedTrustStore
from functions.plan_revocation import plan_revocation
from functions.request import ExecutionInput
from functions.serials import write
from infra.cli.asked import Asked
from infra.cli.stack import Stack, Unreachable

_SHOWN = 50


def make(stack: Stack, asked: Asked) -> Plan:
    """Plan an execution; nothing is called that changes anything, and files that would be uploaded are not."""
    os.environ.update(stack.settings)
    deployment.cache_clear()
    now = datetime.now(UTC)
    question = ExecutionInput(request=asked.request, execution_arn="none", execution_name="plan", start_time=now)
    try:
        return plan_revocation(question, now, asked.get_object)
    except (AwsUnavailable, AwsCallRefused) as fault:
        raise Unreachable(f"{type(fault).__name__}: {fault}") from None


def render(plan: Plan) -> Iterator[str]:
    """Show a plan to a person, what is irreversible first."""
    if plan.error:
        yield f"{plan.outcome}: {plan.error}: {plan.cause}"
    else:
        yield f"{plan.outcome}: {plan.cause}" if plan.cause else f"{plan.outcome} is expected."
    if plan.certificate_authority_arn:
        yield f"CA: {plan.certificate_authority_arn} ({plan.issuer})"
    for each in plan.serials[:_SHOWN]:
        yield "  " + "  ".join(filter(None, _certificate(each, plan.issuer)))
    if (left := plan.number_of_serials - min(len(plan.serials), _SHOWN)) > 0:
        of_all = ", ".join(f"{number} {name}" for name, number in plan.expected.items())
        yield f"  and {left} more; of all {plan.number_of_serials}: {of_all}"
    if plan.crl:
        number = "none" if plan.crl.crl_number is None else f"number {plan.crl.crl_number}"
        held = f", holds {plan.crl.wanted_held} of the wanted serials" if plan.number_of_serials else ""
        yield f"CRL now: {number} at {plan.crl.location}{held}"
        if plan.crl.refusal:
            yield f"  it is not usable: {plan.crl.refusal.error}: {plan.crl.refusal.cause}"
    for store in plan.trust_stores:
        yield f"Trust store {store.trust_store_arn}: {'; '.join(_deeds(store)) or 'nothing to do'}. {store.head_room}"
    if plan.number_of_serials:
        yield (
            f"Takes about {plan.seconds_revoking:.0f} s to revoke, {plan.seconds_waiting_for_crl / 60:.0f} min until "
            f"the CRL comes, {plan.seconds_enforcing:.0f} s to enforce; {plan.state_transitions} state transitions, "
            f"about USD {plan.cost_usd:.4f} with Lambda"
        )
    for unknown in plan.unknown_until_tried:
        yield f"Unknown until tried: {unknown}."


def _certificate(each: PlannedSerial, issuer: str | None) -> Iterator[str]:
    yield write(each.serial)
    yield each.expected or "UNKNOWN"
    if each.not_after:
        yield f"{each.subject}, expires {each.not_after:%Y-%m-%d}"
    if each.issuer and each.issuer != issuer:
        yield f"issued by {each.issuer}"
    if each.why:
        yield f"({each.why})"


def _deeds(store: PlannedTrustStore) -> Iterator[str]:
    if store.add_crl_number is not None:
        yield f"attach CRL number {store.add_crl_number}"
    if store.add_next_crl:
        yield "attach the next CRL when it comes"
    if store.remove_revocation_ids:
        yield f"then remove list {', '.join(map(str, store.remove_revocation_ids))}"
    if store.refusal:
        yield f"REFUSED, {store.refusal.error}"
