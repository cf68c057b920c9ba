"""Build the input of a rule's target: the event, a part of it, a constant, or an input transformer's result.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from jsonpath_ng.parser import parse

_ABSENT = object()
_PATH = re.compile(r"\$(?:\.[\w\-/]+|\[\d+\]|\.?(?:\*|\[\*\])|\['[^']+'\])*")
_PLACEHOLDER = re.compile(r"<\s*([\w.\-]+)\s*>")
# A JSON string, or a placeholder outside of any.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<\s*[\w.\-]+\s*>', re.DOTALL)


class PathNotValid(ValueError):
    """A path uses JSONPath that EventBridge does not support."""


def write_json(value: object) -> str:
    """Return JSON as EventBridge writes it: without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def build_input(target: Mapping[str, Any], event: Mapping[str, Any], reserved: Mapping[str, Any]) -> str:
    """Return the text that a target receives.

    Args:
        target: as PutTargets has it.
        event: the event with its documented fields, and no others.
        reserved: the values of the placeholders `aws.events.*`.

    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        value = find(event, target["InputPath"])
        return "{}" if value is _ABSENT else write_json(value)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        paths = transformer.get("InputPathsMap") or {}
        values = {name: find(event, path) for name, path in paths.items()}
        return transform(transformer["InputTemplate"], values | dict(reserved))
    return write_json(event)


def find(event: object, path: str) -> Any:  # noqa: ANN401 - any part of an event
    """Return what a JSONPath of names, array indices and wildcards selects; EventBridge supports no more.

    Raises:
        PathNotValid: the path has something else.

    """
    if not _PATH.fullmatch(path):
        raise PathNotValid(path)
    values = [match.value for match in _parse_path(path).find(event)]
    if "*" in path:
        return values
    return values[0] if values else _ABSENT


@functools.cache
def _parse_path(path: str) -> Any:  # noqa: ANN401 - it has no types
    return parse(path)


def transform(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template.

    A placeholder outside a string becomes JSON, so a string gets quotes. Inside a string it becomes the bare text, not
    escaped, and JSON loses all its quotes. A variable whose path selects nothing is the empty string.
    """

    def fill(token: re.Match[str]) -> str:
        if token[0].startswith('"'):
            return _PLACEHOLDER.sub(lambda each: _bare(_value(values, each[1], each[0])), token[0])
        name = token[0].strip("<> \t\r\n")
        value = _value(values, name, token[0])
        return write_json("" if value is _ABSENT else value)

    filled = _TOKEN.sub(fill, template)
    try:
        return write_json(json.loads(filled))
    except ValueError:
        return filled  # a template of several lines, each a string, is plain text


def _value(values: Mapping[str, Any], name: str, as_written: str) -> Any:  # noqa: ANN401 - any part of an event
    return values.get(name, as_written)  # an undefined variable stays as it is written


def _bare(value: Any) -> str:  # noqa: ANN401 - any part of an event
    if value is _ABSENT:
        return ""
    return value if isinstance(value, str) else write_json(value).replace('"', "")
