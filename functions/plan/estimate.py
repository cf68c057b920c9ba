"""Estimates what an execution takes: seconds and state transitions, which is what Step Functions charges for."""

from functions import limits
from functions.environment import environment
from functions.models.plan import Plan
from functions.models.request import Polling

# States that every execution enters, and those of each poll of the CRL and of each trust store.
_TRANSITIONS, _TRANSITIONS_PER_POLL, _TRANSITIONS_PER_TRUST_STORE = 14, 4, 6
_SECONDS_PER_TRUST_STORE = 2.0 * limits.SECONDS_PER_TRUST_STORE_WRITE  # an add and a remove


def with_estimate(plan: Plan, polling: Polling) -> Plan:
    """Return the plan with its seconds and state transitions."""
    waits = bool(plan.crl and plan.crl.wanted_missing)
    additions = sum(bool(store.add_crl_number or store.add_next_crl) for store in plan.trust_stores)
    usual_seconds = environment().usual_crl_seconds
    polls = 1 + (min(usual_seconds, polling.deadline_seconds) // polling.interval_seconds if waits else 0)
    return plan.model_copy(
        update={
            "seconds_revoking": round(plan.number_of_serials / environment().revocations_per_second, 1),
            "seconds_waiting_for_crl": usual_seconds if waits else 0,
            "seconds_enforcing": additions * _SECONDS_PER_TRUST_STORE,
            "state_transitions": _TRANSITIONS
            + (plan.batches or plan.number_of_serials)
            + polls * _TRANSITIONS_PER_POLL
            + len(plan.trust_stores) * _TRANSITIONS_PER_TRUST_STORE,
        }
    )
