"""AWS's request quotas: a token bucket, as the services that throttle by account and Region keep it."""

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """A bucket that starts full, refills steadily, and refuses what it cannot pay for.

    Capacity and refill come with each request, so that the settings may change while requests arrive; a refill counts
    from the request that brings it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start a full bucket whose time is `clock`, in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._missing = self._per_second = 0.0
        self._seen_at = clock()

    def take(self, *, capacity: float, per_second: float) -> bool:
        """Take one token; tell whether there was one."""
        with self._lock:
            now = self._clock()
            self._missing = max(0.0, self._missing - (now - self._seen_at) * self._per_second)
            self._seen_at, self._per_second = now, per_second
            if self._missing + 1 > capacity:
                return False
            self._missing += 1
            return True
