"""When each step ran, out of what the steps themselves said."""

from collections.abc import Iterator
from datetime import datetime

from functions.models.report import StepTimes
from functions.models.states import Found, GatheredState, Step


def step_times(state: GatheredState) -> list[StepTimes]:
    """Give the steps in the order they began; polling counts as one, from the first look to the last."""
    return sorted(_steps(state), key=lambda step: step.started_at)


def _steps(state: GatheredState) -> Iterator[StepTimes]:
    yield from _one("PrepareRevocation", state.prepared)
    at = [revocation.at for revocation in state.revocations if revocation.at]
    if at:
        yield _times("RevokeCertificates", min(at), max(at))
    if isinstance(state.found, Found) and state.found.finished_at:
        yield _times("FindCrl", state.found.first_poll_at, state.found.finished_at)
    yield from _one("ConvertCrl", state.converted)
    for store in state.trust_stores:
        name = store.trust_store_arn.split("/")[-2]
        yield from _one(f"AttachCrl {name}", store.attached)
        yield from _one(f"VerifyRevocation {name}", store.verified)
        yield from _one(f"RemoveSupersededCrls {name}", store.removed)


def _one(name: str, step: Step | None) -> Iterator[StepTimes]:
    if step and step.started_at and step.finished_at:
        yield _times(name, step.started_at, step.finished_at)


def _times(name: str, started: datetime, finished: datetime) -> StepTimes:
    seconds = round((finished - started).total_seconds(), 3)
    return StepTimes(step=name, started_at=started, finished_at=finished, seconds=seconds)
