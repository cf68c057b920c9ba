"""Return the history of an execution in pages, each event encoded once.

Stock moto copies the whole history for every call, ignores `maxResults`, `nextToken` and `reverseOrder`, and takes
three seconds of CPU time for 5,000 events.
"""

import base64
import json
from datetime import datetime
from typing import Any

from infra.local.core.requests import ServiceError

DEFAULT_PAGE, LARGEST_PAGE = 100, 1_000
_DATA = {"input", "inputDetails", "output", "outputDetails"}


def page(
    execution: Any,  # noqa: ANN401 - moto's own
    max_results: int | None,
    next_token: str | None,
    *,
    reverse: bool,
    with_data: bool,
) -> str:
    """Return the response of GetExecutionHistory as JSON.

    A token names the last event that was returned, so that it stays valid while the execution goes on.

    Raises:
        ServiceError: ValidationException if `max_results` is above 1,000; InvalidToken if a token is not one of this
            execution in this order.

    """
    if (max_results or 0) > LARGEST_PAGE:
        message = (
            f"1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value less than or equal to {LARGEST_PAGE}"
        )
        raise ServiceError("ValidationException", message)
    size = max_results or DEFAULT_PAGE
    manager = execution.exec_worker.env and execution.exec_worker.env.event_manager  # None until it has started
    events = manager._history_event_list if manager else []  # noqa: SLF001 - the list that grows, not a copy
    number, order = len(events), "reverse" if reverse else "forward"
    last = _decode(next_token, execution.exec_arn, order) if next_token else None
    if reverse:
        newest = number if last is None else last - 1
        ids = range(newest, max(newest - size, 0), -1)
        following = ids[-1] if ids and ids[-1] > 1 else None
    else:
        oldest = 1 if last is None else last + 1
        ids = range(oldest, min(oldest + size, number + 1))
        following = ids[-1] if ids and ids[-1] < number else None
    texts = [_encoded(events[number - 1], with_data=with_data) for number in ids]  # an event's place is its ID
    token = f',"nextToken":"{_encode(following, execution.exec_arn, order)}"' if following else ""
    return f'{{"events":[{",".join(texts)}]{token}}}'


def _encoded(event: dict[str, Any], *, with_data: bool) -> str:
    """Return an event as JSON; it is kept with the event, which never changes."""
    key = "_json" if with_data else "_json_without_data"
    if key not in event:
        shown = {name: value for name, value in event.items() if not name.startswith("_")}
        for name, value in shown.items():
            if isinstance(value, dict):  # the details: what is None is not returned
                shown[name] = {
                    inner: each
                    for inner, each in value.items()
                    if each is not None and (with_data or inner not in _DATA)
                }
        shown["timestamp"] = datetime.fromisoformat(event["timestamp"]).timestamp()
        event[key] = json.dumps(shown, separators=(",", ":"), default=str)
    text: str = event[key]
    return text


def _encode(event_id: int, execution_arn: str, order: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([execution_arn, order, event_id]).encode()).decode()


def _decode(token: str, execution_arn: str, order: str) -> int:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        decoded = None
    match decoded:
        case [str(arn), str(token_order), int(event_id)] if (arn, token_order) == (
            execution_arn,
            order,
        ) and event_id > 0:
            return event_id
    raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
