"""Limit the rate of requests with a token bucket, as AWS throttles by account and Region."""

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """A bucket that starts full and refills steadily.

    Capacity and refill rate are arguments of each request, so that settings may change while requests arrive; a new
    rate applies from the request that brings it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a full bucket; `clock` returns seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._missing = self._per_second = 0.0
        self._refilled_at = clock()

    def take(self, *, capacity: float, per_second: float) -> bool:
        """Take one token, and return whether there was one."""
        with self._lock:
            now = self._clock()
            self._missing = max(0.0, self._missing - (now - self._refilled_at) * self._per_second)
            self._refilled_at, self._per_second = now, per_second
            if self._missing + 1 > capacity:
                return False
            self._missing += 1
            return True
