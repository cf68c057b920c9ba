"""The rate limiter spaces calls by its rate."""

import pytest

from functions.revocation.rate_limiter import RateLimiter


class Clock:
    """A clock that advances only in `sleep`."""

    now = 0.0

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += seconds


def test_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty calls at a hundred a second take a fifth of a second, and idle time is not saved up."""
    clock = Clock()
    monkeypatch.setattr("functions.revocation.rate_limiter.time", clock)
    rate_limiter = RateLimiter(100)
    clock.sleep(0.1)
    for _ in range(21):
        rate_limiter.wait()
    assert clock.now == pytest.approx(0.3)
