"""Run asynchronous invocations: up to three attempts, then the function's dead-letter queue.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import json
import time
from collections.abc import Callable
from typing import Any

from moto.sqs.models import sqs_backends

from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.iam import enforcement
from infra.local.lambda_.runtime_api import Outcome

ATTEMPTS = 3


def run(invoke: Callable[[], Outcome | None], function: Any, event: bytes, settings: Settings) -> None:  # noqa: ANN401
    """Invoke a function until it succeeds or is deleted; AWS waits a minute, then two, between the attempts."""
    for attempt in range(ATTEMPTS):
        outcome = _outcome(invoke)
        if outcome is None or not outcome.failed:
            return
        time.sleep(settings.functions.async_retry_seconds * (attempt + 1))
    assert outcome is not None  # noqa: S101 - it failed
    _send_to_dead_letter_queue(function, event, outcome, settings)


def _outcome(invoke: Callable[[], Outcome | None]) -> Outcome | None:
    """Return the outcome of one attempt; one that Lambda refuses, such as for its role, has failed like any other."""
    try:
        return invoke()
    except ServiceError as error:
        payload = json.dumps({"errorType": error.code, "errorMessage": error.message}).encode()
        return Outcome(payload, failed=True)


def _send_to_dead_letter_queue(function: Any, event: bytes, outcome: Outcome, settings: Settings) -> None:  # noqa: ANN401 - moto's own
    """Send the event to the function's dead-letter queue, if the function's role allows that."""
    arn = function.dead_letter
    if not arn or not enforcement.is_allowed(function.role.rsplit("/", 1)[-1], "sqs:SendMessage", arn):
        return
    queues = sqs_backends[settings.account_id][settings.region]
    attributes = {"ErrorMessage": {"DataType": "String", "StringValue": outcome.payload.decode()[:1024]}}
    queues.send_message(arn.rsplit(":", 1)[1], event.decode(), message_attributes=attributes)
