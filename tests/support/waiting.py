"""Waiting in tests: for a result, and for a moment."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")


def eventually(
    attempt: Callable[[], T | None], seconds: float = 10, *, every: float = 0.02, expected: str = "result"
) -> T:
    """Return the first result of `attempt` that is not None.

    Raises:
        TimeoutError: there is none within `seconds`; it names what was `expected`.

    """
    deadline = time.monotonic() + seconds
    while (result := attempt()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {expected} within {seconds} seconds")
        time.sleep(every)
    return result


def sleep_until(moment: datetime) -> None:
    """Sleep until a moment has passed."""
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 0.05)
