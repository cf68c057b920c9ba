"""A plan made with the caller's own credentials, by the very code of the stack's function, and how it is shown."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from functions.deployment import deployment
from functions.plan import Plan, PlannedTrustStore
from functions.plan_revocation import plan_revocation
from functions.request import ExecutionInput
from functions.serials import write
from infra.cli.stack import Stack

_SHOWN = 50


def make(stack: Stack, request: dict[str, Any]) -> Plan:
    """Plan an execution; nothing is called that changes anything."""
    os.environ.update(stack.settings)
    deployment.cache_clear()
    now = datetime.now(UTC)
    question = ExecutionInput(request=request, execution_arn="none", execution_name="plan", start_time=now)
    return plan_revocation(question, now)


def render(plan: Plan) -> Iterator[str]:
    """Show a plan to a person, what is irreversible first."""
    if plan.error:
        yield f"{plan.outcome}: {plan.error}: {plan.cause}"
    else:
        yield f"{plan.outcome} is expected."
    if plan.certificate_authority_arn:
        yield f"CA: {plan.certificate_authority_arn} ({plan.issuer})"
    for each in plan.serials[:_SHOWN]:
        whose = f"{each.subject}, expires {each.not_after:%Y-%m-%d}" if each.not_after else "not known to Private CA"
        yield f"  {write(each.serial)}  {each.expected or 'UNKNOWN'}  {whose}{(each.why and f' ({each.why})') or ''}"
    if (left := plan.number_of_serials - min(len(plan.serials), _SHOWN)) > 0:
        yield f"  and {left} more: " + ", ".join(f"{number} {name}" for name, number in plan.expected.items())
    if plan.crl:
        number = "none" if plan.crl.crl_number is None else f"number {plan.crl.crl_number}"
        held = f", holds {plan.crl.wanted_held} of the wanted serials" if plan.number_of_serials else ""
        yield f"CRL now: {number} at {plan.crl.location}{held}"
    for store in plan.trust_stores:
        yield f"Trust store {store.trust_store_arn}: {'; '.join(_deeds(store)) or 'nothing to do'}. {store.head_room}"
    if plan.number_of_serials:
        yield (
            f"Takes about {plan.seconds_revoking:.0f} s to revoke, {plan.seconds_waiting_for_crl / 60:.0f} min until "
            f"the CRL comes, {plan.seconds_enforcing:.0f} s to enforce; {plan.state_transitions} state transitions, "
            f"USD {plan.cost_usd:.4f}"
        )
    for unknown in plan.unknown_until_tried:
        yield f"Unknown until tried: {unknown}."


def _deeds(store: PlannedTrustStore) -> Iterator[str]:
    if store.refusal:
        yield f"REFUSED, {store.refusal.error}"
        return
    if store.add_crl_number is not None:
        yield f"attach CRL number {store.add_crl_number}"
    if store.add_next_crl:
        yield "attach the next CRL when it comes"
    if store.remove_revocation_ids:
        yield f"then remove list {', '.join(map(str, store.remove_revocation_ids))}"
