"""Compute when EventBridge's schedule expressions, `rate(...)` and `cron(...)`, are due.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import re
from datetime import UTC, datetime, timedelta

from aws_croniter import AwsCroniter

_RATE = re.compile(r"rate\((?:1 (?P<unit>minute|hour|day)|(?P<number>[1-9]\d*) (?P<units>minutes|hours|days))\)")
_CRON = re.compile(r"cron\((.*)\)")


def next_due(expression: str, after: datetime) -> datetime | None:
    """Return when a schedule is due next; None if it never is. A rate counts from the rule's creation.

    Raises:
        ValueError: EventBridge would refuse the expression.

    """
    if rate := _RATE.fullmatch(expression):
        if rate["unit"]:
            return after + timedelta(**{f"{rate['unit']}s": 1})
        if rate["number"] != "1":
            return after + timedelta(**{rate["units"]: int(rate["number"])})
    if cron := _CRON.fullmatch(expression):
        due: list[datetime | None] = AwsCroniter(cron[1]).get_next(after.astimezone(UTC))
        return due[0]
    raise ValueError(f"neither a rate nor a cron expression: {expression}")
