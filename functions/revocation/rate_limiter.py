"""Limits the rate of calls from several threads to a quota."""

import threading
import time


class RateLimiter:
    """Spaces calls evenly at a rate per second; unused calls are not saved up."""

    def __init__(self, per_second: float) -> None:
        """Allow the first call at once."""
        self._interval = 1 / per_second
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def wait(self) -> None:
        """Block until the caller's turn."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._interval
        time.sleep(max(0.0, turn - time.monotonic()))
