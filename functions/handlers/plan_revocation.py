"""PlanRevocation: a dry run, which reads what an execution would read and changes nothing."""

from datetime import datetime

from functions.handler import lambda_handler
from functions.models.plan import Plan
from functions.models.request import ExecutionInput
from functions.plan.build import build_plan


def plan_revocation(event: ExecutionInput, now: datetime) -> Plan:
    """Return what an execution with this input would do; a refused input is a plan, not an error.

    Raises:
        AwsUnavailable, AwsCallRefused: AWS could not be reached, or denied access, so there is no plan.

    """
    return build_plan(event, now)


handler = lambda_handler(plan_revocation)
