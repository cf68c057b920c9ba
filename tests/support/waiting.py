"""Waiting in tests for what happens: a busy machine takes longer, and no shorter limit says anything."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from infra.local.core.settings import Settings

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


def use_quick_settings(settings: "Settings") -> None:
    """Make an embedded AWS publish CRLs and poll for them at once, and throttle no write to a trust store."""
    settings.private_ca.crl_delay_seconds = settings.private_ca.crl_retry_seconds = 0.1
    settings.step_functions.wait_scale = 0.1
    # More than all tests of a process use up: the bucket refills at AWS's pace, and goes on from test to test.
    settings.trust_stores.write_burst = settings.trust_stores.max_trust_stores = 1_000_000
