"""The one piece of plumbing: JSON to model to model to JSON, the times of the step, and one log line."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel

from functions import log
from functions.errors import RevocationError
from functions.models.base import Model
from functions.models.states import Step

Question = TypeVar("Question", bound=BaseModel)
Answer = TypeVar("Answer", bound=Model)
Handler = Callable[[object, object], dict[str, Any]]

# What of an answer its line in the log tells. No serial, requester, subject or PEM: a log has other readers.
_TOLD = {"crl_number": "CrlNumber", "number_of_revoked_entries": "NumberOfRevokedEntries", "status": "Status"}


def task(step: Callable[[Question, datetime], Answer]) -> Handler:
    """Make a Lambda handler of a step: a function of its question and the time, annotated with its models.

    Raises:
        RevocationError: what the step raises; the class name reaches the state machine.

    """
    question_model = next(iter(get_type_hints(step).values()))

    def handler(event: object, _context: object) -> dict[str, Any]:
        started = datetime.now(UTC)
        clock = time.perf_counter()
        log.begin(Step=step.__name__)
        outcome = "not foreseen"
        try:
            answer = step(question_model.model_validate(event), started)
            if isinstance(answer, Step):
                answer = answer.model_copy(update={"started_at": started, "finished_at": datetime.now(UTC)})
            log.note(**{name: getattr(answer, field, None) for field, name in _TOLD.items()})
            written = answer.model_dump(mode="json", exclude_none=True)
        except RevocationError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "done"
            return written
        finally:
            log.write(Outcome=outcome, Milliseconds=round((time.perf_counter() - clock) * 1000))

    return handler
