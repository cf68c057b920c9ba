"""The report lists when each step ran."""

from tests.support.reporting import done, write_report
from tests.support.steps import Bench


def test_steps_in_order(bench: Bench) -> None:
    """Polling is one step, from the first poll to the last; the steps of a Map appear for each trust store."""
    steps = write_report(bench, **done(bench)).report.steps
    name = bench.trust_store_arn.split("/")[1]
    assert {step.step for step in steps} == {
        "PrepareRevocation",
        "RevokeCertificates",
        "FindCrl",
        f"AttachCrl {name}",
        f"VerifyRevocation {name}",
        f"RemoveSupersededCrls {name}",
    }
    assert steps == sorted(steps, key=lambda step: step.started_at)
    assert next(step.seconds for step in steps if step.step == "FindCrl") == 1_795
