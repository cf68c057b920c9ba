"""When each step ran, according to the steps' own results."""

from collections.abc import Iterator
from datetime import datetime

from functions.models.report import StepTimes
from functions.models.states import FoundCrl, GatheredState, StepResult


def step_times(state: GatheredState) -> list[StepTimes]:
    """Return the steps in the order they began; polling counts as one step, from the first poll to the last."""
    return sorted(_all_steps(state), key=lambda step: step.started_at)


def _all_steps(state: GatheredState) -> Iterator[StepTimes]:
    yield from _step("PrepareRevocation", state.prepared)
    revoked_at = [revocation.at for revocation in state.revocations if revocation.at]
    if revoked_at:
        yield _step_times("RevokeCertificates", min(revoked_at), max(revoked_at))
    if isinstance(state.found, FoundCrl) and state.found.finished_at:
        yield _step_times("FindCrl and WaitForCrl", state.found.first_poll_at, state.found.finished_at)
    yield from _step("ConvertCrl", state.converted)
    for store in state.trust_stores:
        name = store.trust_store_arn.split("/")[-2]
        yield from _step(f"AttachCrl {name}", store.attached)
        yield from _step(f"VerifyRevocation {name}", store.verified)
        yield from _step(f"RemoveSupersededCrls {name}", store.removed)


def _step(name: str, step: StepResult | None) -> Iterator[StepTimes]:
    if step and step.started_at and step.finished_at:
        yield _step_times(name, step.started_at, step.finished_at)


def _step_times(name: str, started: datetime, finished: datetime) -> StepTimes:
    seconds = round((finished - started).total_seconds(), 3)
    return StepTimes(step=name, started_at=started, finished_at=finished, seconds=seconds)
