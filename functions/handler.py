"""Turns a step into a Lambda handler: validates the event, times the step, serializes the result, logs one line."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel

from functions import log
from functions.errors import RevocationError
from functions.models.base import Model
from functions.models.states import StepResult

Event = TypeVar("Event", bound=BaseModel)
Result = TypeVar("Result", bound=Model)
Handler = Callable[[object, object], dict[str, Any]]

# The fields of a result that its log line shows. No serial, requester, subject or PEM: others read the log.
_LOGGED = {"crl_number": "CrlNumber", "number_of_revoked_entries": "NumberOfRevokedEntries", "status": "Status"}


def lambda_handler(step: Callable[[Event, datetime], Result]) -> Handler:
    """Return the Lambda handler of a step, which is a function of its event and the time, annotated with its models.

    Raises:
        RevocationError: what the step raises; the class name reaches the state machine.

    """
    event_model = next(iter(get_type_hints(step).values()))

    def handler(event: object, _context: object) -> dict[str, Any]:
        started_at = datetime.now(UTC)
        clock_start = time.perf_counter()
        log.begin(Step=step.__name__)
        outcome = "unexpected error"
        try:
            result = step(event_model.model_validate(event), started_at)
            if isinstance(result, StepResult):
                result = result.model_copy(update={"started_at": started_at, "finished_at": datetime.now(UTC)})
            log.note(**{name: getattr(result, field, None) for field, name in _LOGGED.items()})
            document = result.model_dump(mode="json", exclude_none=True)
        except RevocationError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "done"
            return document
        finally:
            log.write(Outcome=outcome, Milliseconds=round((time.perf_counter() - clock_start) * 1000))

    return handler
