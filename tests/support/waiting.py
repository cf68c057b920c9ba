"""Waiting in tests for what happens: a busy machine takes longer, and no shorter limit says anything."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 300


def eventually(
    attempt: Callable[[], T | None],
    *,
    every: float = 0.02,
    expected: str = "result",
    seconds: float = PATIENCE_SECONDS,
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
