"""Parse EventBridge's schedule expressions, `rate(...)` and `cron(...)`, and compute when they are due.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_RATE = re.compile(r"rate\((?P<number>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_YEARS = range(1970, 2200)
_SATURDAY = 7


class ScheduleNotValid(ValueError):
    """EventBridge would refuse the expression."""


@dataclass(frozen=True)
class Rate:
    """`rate(5 minutes)`: first due that long after the rule is created."""

    every: timedelta

    def after(self, moment: datetime) -> datetime:
        """Return when it is next due."""
        return moment + self.every


@dataclass(frozen=True)
class Cron:
    """`cron(minutes hours day-of-month month day-of-week year)`, in UTC."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    day: Callable[[date], bool]

    def after(self, moment: datetime) -> datetime | None:
        """Return when it is next due; None if it never is."""
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for year in sorted(each for each in self.years if each >= start.year):
            for month in sorted(self.months):
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    found = self._on(day, start) if day >= start.date() and self.day(day) else None
                    if found:
                        return found
        return None

    def _on(self, day: date, start: datetime) -> datetime | None:
        times = (
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
            for hour in sorted(self.hours)
            for minute in sorted(self.minutes)
        )
        return next((each for each in times if each >= start), None)


def parse_schedule(expression: str) -> Rate | Cron:
    """Parse a schedule expression.

    Raises:
        ScheduleNotValid: EventBridge would refuse it.

    """
    if rate := _RATE.fullmatch(expression):
        number = int(rate["number"])
        if (number == 1) == bool(rate["plural"]):
            raise ScheduleNotValid(expression)
        return Rate(timedelta(**{f"{rate['unit']}s": number}))
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    if not re.fullmatch(r"cron\(.*\)", expression) or len(fields) != len(("m", "h", "dom", "mon", "dow", "y")):
        raise ScheduleNotValid(expression)
    minutes, hours, day_of_month, month, day_of_week, year = fields
    try:
        return Cron(
            _numbers(minutes, range(60)),
            _numbers(hours, range(24)),
            _numbers(month, range(1, 13), _MONTHS),
            _numbers(year, _YEARS),
            _day(day_of_month, day_of_week),
        )
    except ValueError as error:
        raise ScheduleNotValid(expression) from error


def _numbers(field: str, allowed: range, names: dict[str, int] | None = None) -> frozenset[int]:
    """Read a field of `*`, numbers or names, ranges and steps, separated by commas."""

    def number(text: str) -> int:
        value = (names or {}).get(text.upper()) or int(text)
        if value not in allowed:
            raise ScheduleNotValid(field)
        return value

    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if slash and int(step) < 1:
            raise ScheduleNotValid(field)
        first, dash, last = span.partition("-")
        start = allowed.start if span == "*" else number(first)
        end = number(last) if dash else allowed[-1] if span == "*" or slash else start
        if end < start:
            raise ScheduleNotValid(field)
        found.update(range(start, end + 1, int(step) if slash else 1))
    return frozenset(found)


def _day(of_month: str, of_week: str) -> Callable[[date], bool]:
    if (of_month == "?") == (of_week == "?"):
        raise ScheduleNotValid("Exactly one of day-of-month and day-of-week must be ?")
    return _day_of_month(of_month) if of_week == "?" else _day_of_week(of_week)


def _day_of_month(field: str) -> Callable[[date], bool]:
    if field == "L":
        return lambda day: day.day == _last(day)
    if field.endswith("W"):
        (wanted,) = _numbers(field[:-1], range(1, 32))
        return lambda day: day.day == _nearest_weekday(day, wanted)
    days = _numbers(field, range(1, 32))
    return lambda day: day.day in days


def _day_of_week(field: str) -> Callable[[date], bool]:
    if "#" in field:
        name, _, which = field.partition("#")
        (weekday,), (nth,) = _numbers(name, range(1, 8), _WEEKDAYS), _numbers(which, range(1, 6))
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == nth
    if field == "L":
        return lambda day: _weekday(day) == _SATURDAY
    if field.endswith("L"):
        (weekday,) = _numbers(field[:-1], range(1, 8), _WEEKDAYS)
        return lambda day: _weekday(day) == weekday and day.day + 7 > _last(day)
    weekdays = _numbers(field, range(1, 8), _WEEKDAYS)
    return lambda day: _weekday(day) in weekdays


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _weekday(day: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1


def _nearest_weekday(day: date, wanted: int) -> int:
    """Return the nearest day from Monday to Friday in the same month; 0 if the month does not have the wanted day."""
    if wanted > _last(day):
        return 0
    weekday = day.replace(day=wanted).weekday()
    if weekday == calendar.SATURDAY:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == calendar.SUNDAY:
        return wanted + 1 if wanted < _last(day) else wanted - 2
    return wanted
