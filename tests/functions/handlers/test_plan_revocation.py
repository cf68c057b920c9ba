"""PlanRevocation returns the plan of its input."""

from functions.handlers.plan_revocation import plan_revocation
from functions.models.plan import PlannedOutcome
from functions.models.request import ExecutionInput
from tests.support.pki import NOW
from tests.support.steps import Steps


def test_refused_input(steps: Steps) -> None:
    """A refused input is a plan that names the error; the step does not fail."""
    event = ExecutionInput(request={"Serials": ["12"]}, execution_arn="none", execution_name=steps.name, start_time=NOW)
    plan = plan_revocation(event, NOW)
    assert (plan.outcome, plan.error) == (PlannedOutcome.REFUSED, "InvalidInput")
