"""Validate EventBridge's event patterns, and match them with events.

moto 5.2.5 has a matcher, but it treats an unknown operator as a match, does not look into arrays of objects, and lets
`1` match `true`.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.events.exceptions import InvalidEventPatternException

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def parse_pattern(text: str) -> dict[str, Any]:
    """Parse a pattern.

    Raises:
        InvalidEventPatternException: it is not a JSON object, or has something that EventBridge does not know.

    """
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise InvalidEventPatternException(reason="Invalid JSON") from error
    if not isinstance(pattern, dict) or not pattern:
        raise InvalidEventPatternException(reason="Filter is not an object")
    _check(pattern)
    return pattern


def _check(pattern: Mapping[str, Any]) -> None:
    for key, wanted in pattern.items():
        if key == "$or" and isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(e, dict) for e in wanted):
            for each in wanted:
                _check(each)
        elif isinstance(wanted, dict):
            if not wanted:
                raise InvalidEventPatternException(reason="Empty objects are not allowed")
            _check(wanted)
        elif not isinstance(wanted, list):
            raise InvalidEventPatternException(reason=f'"{key}" must be an object or an array')
        elif not wanted:
            raise InvalidEventPatternException(reason="Empty arrays are not allowed")
        else:
            for test in wanted:
                _check_test(key, test)


def _check_test(key: str, test: object) -> None:
    if isinstance(test, list) or (isinstance(test, dict) and len(test) != 1):
        raise InvalidEventPatternException(reason=f'"{key}" must hold values or objects of one match expression')
    if not isinstance(test, dict):
        return
    ((name, operand),) = test.items()
    if name != "exists" and name not in _MATCHERS:
        raise InvalidEventPatternException(reason=f"Unrecognized match type {name}")
    if not _OPERANDS[name](operand):
        raise InvalidEventPatternException(reason=f"Value of {name} is not valid")


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether a valid pattern matches an event: each of its fields must, by any of its tests."""
    return all(_field_matches(key, wanted, event) for key, wanted in pattern.items())


def _field_matches(key: str, wanted: Any, node: Mapping[str, Any]) -> bool:  # noqa: ANN401 - any part of a pattern
    if key == "$or":
        return any(matches(each, node) for each in wanted)
    if isinstance(wanted, dict):
        child = node.get(key)
        objects = [each for each in (child if isinstance(child, list) else [child]) if isinstance(each, dict)]
        return any(matches(wanted, each) for each in objects or [{}])
    values = list(_leaves(node[key])) if key in node else []
    return any(_holds(test, values) for test in wanted)


def _leaves(value: object) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif not isinstance(value, dict):
        yield value


def _holds(test: object, values: list[Any]) -> bool:
    if not isinstance(test, dict):
        return any(_same(test, value) for value in values)
    ((name, operand),) = test.items()
    if name == "exists":
        return bool(values) is operand
    return any(_MATCHERS[name](operand, value) for value in values)


def _same(wanted: object, value: object) -> bool:
    return wanted == value and isinstance(wanted, bool) == isinstance(value, bool)


def _anything_but(operand: Any, value: Any) -> bool:  # noqa: ANN401 - scalars, a list or a nested expression
    if isinstance(operand, dict):
        ((name, inner),) = operand.items()
        return not any(_MATCHERS[name](each, value) for each in _listed(inner))
    return not any(_same(each, value) for each in _listed(operand))


def _text_matcher(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def matcher(operand: Any, value: Any) -> bool:  # noqa: ANN401 - what patterns and events hold
        if not isinstance(value, str):
            return False
        if isinstance(operand, dict):
            return test(value.casefold(), operand["equals-ignore-case"].casefold())
        return test(value, operand)

    return matcher


def _wildcard(value: str, pattern: str) -> bool:
    parts = re.findall(r"\\[\\*]|\*|[^*\\]+|\\", pattern)
    expression = "".join(".*" if part == "*" else re.escape(_unescaped(part)) for part in parts)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _unescaped(part: str) -> str:
    return part[1:] if part in {r"\*", r"\\"} else part


def _numeric(operand: list[Any], value: object) -> bool:
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return _is_number(value) and all(_COMPARISONS[comparison](value, bound) for comparison, bound in pairs)


def _cidr(operand: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand)
    except ValueError:
        return False


_MATCHERS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": _text_matcher(str.startswith),
    "suffix": _text_matcher(str.endswith),
    "equals-ignore-case": _text_matcher(lambda value, wanted: value.casefold() == wanted.casefold()),
    "wildcard": _text_matcher(_wildcard),
    "cidr": _text_matcher(lambda value, network: _cidr(network, value)),
    "numeric": _numeric,
    "anything-but": _anything_but,
}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(operand: object) -> bool:
    return isinstance(operand, str)


def _is_affix(operand: object) -> bool:
    if isinstance(operand, dict):
        return operand.keys() == {"equals-ignore-case"} and _is_text(operand["equals-ignore-case"])
    return _is_text(operand)


def _is_range(operand: object) -> bool:
    return (
        isinstance(operand, list)
        and len(operand) in {2, 4}
        and all(isinstance(each, str) and each in _COMPARISONS for each in operand[::2])
        and all(_is_number(each) for each in operand[1::2])
    )


def _is_exclusion(operand: object) -> bool:
    if isinstance(operand, dict):
        if len(operand) != 1:
            return False
        ((name, inner),) = operand.items()
        return name in {"prefix", "suffix", "equals-ignore-case", "wildcard"} and all(map(_is_affix, _listed(inner)))
    each = _listed(operand)
    return bool(each) and all(_is_text(one) or _is_number(one) for one in each)


_OPERANDS: dict[str, Callable[[Any], bool]] = {
    "exists": lambda operand: isinstance(operand, bool),
    "prefix": _is_affix,
    "suffix": _is_affix,
    "equals-ignore-case": _is_text,
    "wildcard": _is_text,
    "cidr": _is_text,
    "numeric": _is_range,
    "anything-but": _is_exclusion,
}


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a pattern writes one thing or a list of things
    return value if isinstance(value, list) else [value]
