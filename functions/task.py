"""The one piece of plumbing: JSON to model to model to JSON, the times of the step, and one log line."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, get_type_hints

from functions.contracts import Model, Step
from functions.errors import RevocationError

Question = TypeVar("Question", bound=Model)
Answer = TypeVar("Answer", bound=Model)
Handler = Callable[[object, object], dict[str, Any]]


def task(step: Callable[[Question, datetime], Answer]) -> Handler:
    """Make a Lambda handler of a step: a function of its question and the time, annotated with its models.

    Raises:
        RevocationError: what the step raises; the class name reaches the state machine.

    """
    question_model = next(iter(get_type_hints(step).values()))

    def handler(event: object, _context: object) -> dict[str, Any]:
        started = datetime.now(UTC)
        clock = time.perf_counter()
        outcome = "not foreseen"
        try:
            answer = step(question_model.model_validate(event), started)
            if isinstance(answer, Step):
                answer = answer.model_copy(update={"started_at": started, "finished_at": datetime.now(UTC)})
            written = answer.model_dump(mode="json", exclude_none=True)
        except RevocationError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "done"
            return written
        finally:
            _log(step.__name__, event, outcome, time.perf_counter() - clock)

    return handler


def _log(step: str, event: object, outcome: str, seconds: float) -> None:
    """Write one line: no subject, serial, requester or PEM, only what tells the executions apart."""
    manifest = event.get("Manifest") if isinstance(event, dict) else None
    key = manifest.get("Key") if isinstance(manifest, dict) else None
    line = {"Step": step, "Manifest": key, "Outcome": outcome, "Milliseconds": round(seconds * 1000)}
    print(json.dumps(line), flush=True)  # noqa: T201 - standard output is Lambda's log
