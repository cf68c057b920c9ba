"""Validate EventBridge's event patterns; moto matches them, but takes an operator that it does not know for a match.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern

if TYPE_CHECKING:
    from moto.events.utils import EventMessageType

_OPERATORS = frozenset(
    {"anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"}
)


def parse_pattern(text: str) -> EventPattern:
    """Parse a pattern.

    Raises:
        InvalidEventPatternException: it is not a JSON object, or has something that EventBridge does not know.

    """
    if not text.lstrip().startswith("{"):
        raise InvalidEventPatternException(reason="Filter is not an object")
    pattern = EventPattern.load(text)
    if not pattern.get_pattern():
        raise InvalidEventPatternException(reason="Empty objects are not allowed")
    for operator in _operators(pattern.get_pattern()):
        if operator not in _OPERATORS:
            raise InvalidEventPatternException(reason=f"Unrecognized match type {operator}")
    return pattern


def matches(pattern: EventPattern, event: Mapping[str, Any]) -> bool:
    """Return whether an event matches; without a pattern none does, other than in moto."""
    return bool(pattern.get_pattern()) and pattern.matches_event(cast("EventMessageType", event))


def _operators(pattern: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a pattern
    for key, wanted in pattern.items():
        if isinstance(wanted, dict):
            yield from _operators(wanted)
        for test in wanted if isinstance(wanted, list) else ():
            if key == "$or":
                yield from _operators(test)
            elif isinstance(test, dict):
                yield from test
