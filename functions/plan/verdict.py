"""The outcome that a plan expects: the failure that is certain, or else what is not known and decides the outcome."""

from collections.abc import Iterator

from functions.errors import CrlTooLarge, SerialsNotRevoked, TrustStoreNotEnforced
from functions.models.plan import NOT_LOOKED_UP, Plan, PlannedCrl, PlannedOutcome, PlannedSerial
from functions.models.states import Failure, RevocationOutcome
from functions.pki import serial_number

_SERIALS_SHOWN = 10


def with_verdict(plan: Plan, deadline_seconds: int) -> Plan:
    """Return the plan with outcome, error, cause and the list of what is unknown until tried."""
    undecided = list(_undecided(plan, deadline_seconds))
    failure = next(_expected_failures(plan), None)
    verdict: dict[str, object] = {"outcome": PlannedOutcome.SUCCEEDED, "error": None, "cause": None}
    if failure:
        verdict = {"outcome": PlannedOutcome.FAILED, "error": failure.error, "cause": failure.cause}
    elif undecided:
        verdict |= {"outcome": PlannedOutcome.UNKNOWN, "cause": "not known beforehand: " + "; ".join(undecided)}
    return plan.model_copy(update={**verdict, "unknown_until_tried": [*undecided, *_always_unknown(plan)]})


def _expected_failures(plan: Plan) -> Iterator[Failure]:
    """Yield what would not be done, the most exposed first, as an execution's report does."""
    if refusals := [store.refusal for store in plan.trust_stores if store.refusal]:
        errors = {refusal.error for refusal in refusals}
        error = errors.pop() if len(errors) == 1 else TrustStoreNotEnforced.__name__
        yield Failure(error=error, cause="; ".join(refusal.cause for refusal in refusals))
    if plan.crl and plan.crl.refusal and _is_too_large(plan.crl) and _brings_crl(plan):
        yield Failure(error=plan.crl.refusal.error, cause=f"{plan.crl.refusal.cause}. The next CRL is larger still")
    if failed := [serial for serial in plan.serials if serial.expected is RevocationOutcome.FAILED]:
        cause = f"serials that would not be revoked: {len(failed)} of {plan.number_of_serials}. {_reasons(failed)}"
        yield Failure(error=SerialsNotRevoked.__name__, cause=cause)
    if plan.drift and plan.drift.refusal:
        yield plan.drift.refusal


def _reasons(failed: list[PlannedSerial]) -> str:
    by_reason: dict[str | None, list[str]] = {}
    for serial in failed:
        by_reason.setdefault(serial.explanation, []).append(serial_number.to_hex(serial.serial))
    return "; ".join(f"{reason}: {_shortened(serials)}" for reason, serials in by_reason.items())


def _shortened(serials: list[str]) -> str:
    more = f" and {len(serials) - _SERIALS_SHOWN} more" if len(serials) > _SERIALS_SHOWN else ""
    return ", ".join(serials[:_SERIALS_SHOWN]) + more


def _is_too_large(planned: PlannedCrl) -> bool:
    return bool(planned.wanted_missing and planned.refusal and planned.refusal.error == CrlTooLarge.__name__)


def _brings_crl(plan: Plan) -> bool:
    """Return whether a serial may be newly revoked, after which Private CA publishes a CRL."""
    return bool(plan.expected.keys() & {RevocationOutcome.REVOKED.value, PlannedOutcome.UNKNOWN.value, NOT_LOOKED_UP})


def _undecided(plan: Plan, deadline_seconds: int) -> Iterator[str]:
    """Yield what is not known and decides between success and failure."""
    if number := plan.expected.get(PlannedOutcome.UNKNOWN.value):
        yield f"the outcome of serials for which none can be predicted: {number}"
    if number := plan.expected.get(NOT_LOOKED_UP):
        yield f"the outcome of serials that were not looked up, and whose certificates they are: {number}"
    if plan.crl and plan.crl.wanted_missing and not _brings_crl(plan):
        yield "when the next CRL is published: nothing is newly revoked, so it comes with the CA's own refresh"
    elif plan.seconds_waiting_for_crl > deadline_seconds:
        yield (
            f"whether the CRL is published before the deadline of {deadline_seconds} seconds: it usually takes "
            f"{plan.seconds_waiting_for_crl} seconds"
        )


def _always_unknown(plan: Plan) -> Iterator[str]:
    """Yield what no plan can know, whatever the outcome."""
    if plan.number_of_serials:
        yield "whether Private CA throttles or refuses a call"
    if plan.expected.get(RevocationOutcome.REVOKED.value):
        yield "whether a certificate was revoked since the last CRL: it would be ALREADY_REVOKED"
    if plan.crl and plan.crl.wanted_missing:
        yield "when exactly the next CRL is published, and how many entries it has"
    yield "whether somebody else changes a trust store in the meantime"
