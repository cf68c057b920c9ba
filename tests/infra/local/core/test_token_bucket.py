"""The token bucket behind AWS's request quotas."""

from infra.local.core.token_bucket import TokenBucket


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def _taken(bucket: TokenBucket, attempts: int) -> int:
    return sum(bucket.take(capacity=3, per_second=0.5) for _ in range(attempts))


def test_a_full_bucket_allows_a_burst() -> None:
    """As many requests as the bucket has tokens succeed at once."""
    assert _taken(TokenBucket(Clock()), 10) == 3


def test_the_bucket_refills_steadily() -> None:
    """After four seconds at one token in two seconds, two more requests succeed."""
    clock = Clock()
    bucket = TokenBucket(clock)
    _taken(bucket, 10)
    clock.now = 4.0
    assert _taken(bucket, 10) == 2


def test_the_bucket_never_holds_more_than_its_capacity() -> None:
    """A long pause does not accumulate tokens."""
    clock = Clock()
    bucket = TokenBucket(clock)
    clock.now = 1000.0
    assert _taken(bucket, 10) == 3


def test_a_slower_refill_applies_from_the_request_that_brings_it() -> None:
    """Tokens refilled before it remain."""
    clock = Clock()
    bucket = TokenBucket(clock)
    assert _taken(bucket, 3) == 3
    clock.now = 4.0
    assert bucket.take(capacity=3, per_second=0)
    clock.now = 8.0
    assert [bucket.take(capacity=3, per_second=0) for _ in range(2)] == [True, False]


def test_a_changed_capacity_applies_at_once() -> None:
    """A lowered capacity refuses the next request; a raised one allows it."""
    bucket = TokenBucket(Clock())
    assert _taken(bucket, 1) == 1
    assert not bucket.take(capacity=1, per_second=0)
    assert bucket.take(capacity=2, per_second=0)
