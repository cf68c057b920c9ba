"""Builds the plan of a dry run from what an execution would read; calls nothing that changes anything."""

import json
from collections import Counter
from datetime import datetime

from functions.aws import s3
from functions.environment import environment
from functions.errors import AwsCallRefused, AwsUnavailable, RevocationError
from functions.intake.validate import validate
from functions.models.drift import DriftStatus
from functions.models.plan import NOT_LOOKED_UP, Plan, PlannedCrl, PlannedOutcome
from functions.models.request import ExecutionInput
from functions.models.stored import Manifest
from functions.pki import names
from functions.plan import enforcement, revocation_outcomes
from functions.plan.estimate import with_estimate
from functions.plan.verdict import with_verdict
from functions.revocation.batches import batch_numbers
from functions.trust_store import drift
from functions.trust_store.precedence import BY_NUMBER, Precedence

_MAX_OUTPUT_BYTES = 200_000  # of the 256 KiB that a state may have
_MAX_CAUSE_LENGTH = 20_000


def build_plan(event: ExecutionInput, now: datetime, get_object: s3.GetObject = s3.get_object) -> Plan:
    """Return what an execution with this input would do; a refused input is a plan with outcome REFUSED.

    Raises:
        AwsUnavailable, AwsCallRefused: AWS could not be reached, or denied access, so there is no plan.

    """
    try:
        return _truncate(_build(validate(event, now, get_object), now, get_object))
    except (AwsUnavailable, AwsCallRefused):
        raise
    except RevocationError as error:
        return _truncate(Plan(outcome=PlannedOutcome.REFUSED, error=type(error).__name__, cause=str(error)))


def _build(manifest: Manifest, now: datetime, get_object: s3.GetObject) -> Plan:
    if manifest.request.reconcile or manifest.is_third_party:
        plan = _plan_reconcile(manifest, now, get_object)
    else:
        plan = _plan_serials(manifest, now)
    plan = with_estimate(plan, manifest.request.polling)
    plan = with_verdict(plan, manifest.request.polling.deadline_seconds)
    return plan.model_copy(
        update={
            "certificate_authority_arn": manifest.request.certificate_authority_arn,
            "issuer": names.text(names.subject(manifest.issuer)),
        }
    )


def _plan_serials(manifest: Manifest, now: datetime) -> Plan:
    current, requested = enforcement.read_current_crl(manifest, now), manifest.request.serials
    serials = revocation_outcomes.predict_outcomes(manifest, current.revoked, now)
    wanted = manifest.wanted - {
        serial.serial for serial in serials if not revocation_outcomes.is_wanted_in_crl(serial, now)
    }
    missing = wanted - (current.usable.held_serials if current.usable else frozenset())
    expected = Counter(serial.expected.value if serial.expected else PlannedOutcome.UNKNOWN.value for serial in serials)
    not_looked_up = {NOT_LOOKED_UP: len(requested) - len(serials)} if len(requested) > len(serials) else {}
    return Plan(
        outcome=PlannedOutcome.SUCCEEDED,
        number_of_serials=len(requested),
        expected={**expected, **not_looked_up},
        serials=serials,
        reasons=Counter(map(manifest.request.reason_of, requested)),
        crl=current.planned.model_copy(
            update={"wanted_held": len(wanted) - len(missing), "wanted_missing": len(missing)}
        ),
        trust_stores=[
            enforcement.plan_revocations(baseline, current.usable, wanted, missing) for baseline in manifest.baselines
        ],
        batches=len(batch_numbers(len(requested))),
    )


def _plan_reconcile(manifest: Manifest, now: datetime, get_object: s3.GetObject) -> Plan:
    comparison = drift.compare(manifest, now, get_object)
    location = f"s3://{manifest.crl.bucket}/{manifest.crl.key}"
    differs = comparison.drift.status in (DriftStatus.SUSPECTED, DriftStatus.CONFIRMED)
    newest = comparison.newest if differs else None
    precedence = Precedence.of(manifest, newest) if newest else BY_NUMBER
    return Plan(
        outcome=PlannedOutcome.SUCCEEDED,
        crl=enforcement.planned_crl(location, comparison.newest, now)
        if comparison.newest
        else PlannedCrl(location=location, refusal=comparison.drift.refusal),
        drift=comparison.drift,
        trust_stores=[
            enforcement.plan_reconcile(manifest.baseline(arn), lists, newest, precedence)
            for arn, lists in comparison.lists.items()
        ],
        seconds_giving_way=environment().give_way_seconds if comparison.drift.status is DriftStatus.SUSPECTED else 0,
    )


def _truncate(plan: Plan) -> Plan:
    """Keep the output below a state's limit: drop serials from the end, keep their counts."""
    if plan.cause and len(plan.cause) > _MAX_CAUSE_LENGTH:
        plan = plan.model_copy(update={"cause": f"{plan.cause[:_MAX_CAUSE_LENGTH]} …"})
    # Measured with non-ASCII characters escaped, six bytes each, as Lambda's runtime may write them.
    while plan.serials and len(json.dumps(plan.model_dump(mode="json", exclude_none=True))) > _MAX_OUTPUT_BYTES:
        plan = plan.model_copy(update={"serials": plan.serials[: len(plan.serials) // 2]})
    return plan.model_copy(update={"serials_not_shown": plan.number_of_serials - len(plan.serials)})
