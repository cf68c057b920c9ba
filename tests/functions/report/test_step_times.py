"""The report lists when each step ran."""

from tests.support.reporting import done, write_report
from tests.support.steps import Steps


def test_steps_in_order(steps: Steps) -> None:
    """Polling is one step, from the first poll to the last; the steps of a Map appear for each trust store."""
    times = write_report(steps, **done(steps)).report.steps
    name = steps.trust_store_arn.split("/")[1]
    assert {step.step for step in times} == {
        "PrepareRevocation",
        "RevokeCertificates",
        "FindCrl and WaitForCrl",
        f"AttachCrl {name}",
        f"VerifyRevocation {name}",
        f"RemoveSupersededCrls {name}",
    }
    assert times == sorted(times, key=lambda step: step.started_at)
    assert next(step.seconds for step in times if step.step == "FindCrl and WaitForCrl") == 1_795
