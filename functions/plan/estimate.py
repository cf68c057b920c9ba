"""Estimates what an execution takes: seconds, state transitions, and their cost at the list prices of us-east-1.

Left out of the cost: S3, notifications, logs and traces, which are less, and the free tiers.
https://aws.amazon.com/step-functions/pricing/, https://aws.amazon.com/lambda/pricing/ (arm64)
"""

from functions import limits
from functions.environment import environment
from functions.models.plan import Plan
from functions.models.request import Polling

_USD_PER_TRANSITION = 0.025 / 1_000
_USD_PER_INVOCATION = 0.20 / 1_000_000
_USD_PER_GIGABYTE_SECOND = 0.0000133334
# States that every execution enters, and those of each poll of the CRL and of each trust store.
_TRANSITIONS, _TRANSITIONS_PER_POLL, _TRANSITIONS_PER_TRUST_STORE = 14, 4, 6
_INVOCATIONS, _INVOCATIONS_PER_TRUST_STORE = 5, 3
_GIGABYTE_SECONDS_PER_INVOCATION = 1.0
_SECONDS_PER_TRUST_STORE = 2.0 * limits.SECONDS_PER_TRUST_STORE_WRITE  # an add and a remove


def with_estimate(plan: Plan, polling: Polling) -> Plan:
    """Return the plan with its seconds, state transitions and cost."""
    waits = bool(plan.crl and plan.crl.wanted_missing)
    revocation_calls, trust_stores = plan.batches or plan.number_of_serials, len(plan.trust_stores)
    additions = sum(bool(store.add_crl_number or store.add_next_crl) for store in plan.trust_stores)
    usual_seconds = environment().usual_crl_seconds
    polls = 1 + (min(usual_seconds, polling.deadline_seconds) // polling.interval_seconds if waits else 0)
    transitions = (
        _TRANSITIONS + revocation_calls + polls * _TRANSITIONS_PER_POLL + trust_stores * _TRANSITIONS_PER_TRUST_STORE
    )
    invocations = _INVOCATIONS + revocation_calls + polls + trust_stores * _INVOCATIONS_PER_TRUST_STORE
    seconds_revoking = round(plan.number_of_serials / environment().revocations_per_second, 1)
    gigabyte_seconds = invocations * _GIGABYTE_SECONDS_PER_INVOCATION + (seconds_revoking if plan.batches else 0)
    return plan.model_copy(
        update={
            "seconds_revoking": seconds_revoking,
            "seconds_waiting_for_crl": usual_seconds if waits else 0,
            "seconds_enforcing": additions * _SECONDS_PER_TRUST_STORE,
            "state_transitions": transitions,
            "cost_usd": cost_usd(transitions, invocations, gigabyte_seconds),
        }
    )


def cost_usd(transitions: int, invocations: int, gigabyte_seconds: float) -> float:
    """Return the cost in US dollars."""
    return round(
        transitions * _USD_PER_TRANSITION
        + invocations * _USD_PER_INVOCATION
        + gigabyte_seconds * _USD_PER_GIGABYTE_SECOND,
        4,
    )
