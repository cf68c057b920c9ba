"""Calls that must not be made faster than a quota allows, from several threads."""

import threading
import time


class Pace:
    """Gives each caller its moment, so many a second; none of them is saved up."""

    def __init__(self, per_second: float) -> None:
        """Start now."""
        self._seconds = 1 / per_second
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            mine = max(self._next, time.monotonic())
            self._next = mine + self._seconds
        time.sleep(max(0.0, mine - time.monotonic()))
