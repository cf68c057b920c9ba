"""What an execution costs, about: Step Functions and Lambda at the list prices of us-east-1.

Left out: the rest, which is less (S3, notifications, logs, traces), and free tiers.
https://aws.amazon.com/step-functions/pricing/, https://aws.amazon.com/lambda/pricing/ (arm64)
"""

_A_TRANSITION = 0.025 / 1_000
_AN_INVOCATION = 0.20 / 1_000_000
_A_GIGABYTE_SECOND = 0.0000133334


def usd(transitions: int, invocations: int, gigabyte_seconds: float) -> float:
    """Add up US dollars."""
    return round(transitions * _A_TRANSITION + invocations * _AN_INVOCATION + gigabyte_seconds * _A_GIGABYTE_SECOND, 4)
