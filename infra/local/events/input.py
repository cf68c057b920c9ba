"""What a target of a rule is given: the event, a part of it, a constant, or what the input transformer makes of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_ABSENT = object()
_STEP = re.compile(r"\.(?P<name>[\w\-/]+)|\[(?P<index>\d+)\]|\.?(?P<every>\*|\[\*\])|\['(?P<quoted>[^']+)'\]")
_PLACEHOLDER = re.compile(r"<\s*([\w.\-]+)\s*>")
# A JSON string, or a placeholder outside of any.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<\s*[\w.\-]+\s*>', re.DOTALL)


class PathNotValid(ValueError):
    """A path uses JSONPath that EventBridge does not support."""


def write(value: object) -> str:
    """Write JSON as EventBridge does: without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def for_target(target: Mapping[str, Any], event: Mapping[str, Any], reserved: Mapping[str, Any]) -> str:
    """Give the text that a target receives.

    Args:
        target: as PutTargets has it.
        event: the event as EventBridge shows it, with nothing beside its documented fields.
        reserved: what the placeholders `aws.events.*` stand for.

    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = find(event, target["InputPath"])
        return "{}" if found is _ABSENT else write(found)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        paths = transformer.get("InputPathsMap") or {}
        values = {name: find(event, path) for name, path in paths.items()}
        return transform(transformer["InputTemplate"], values | dict(reserved))
    return write(event)


def find(event: object, path: str) -> Any:  # noqa: ANN401 - any part of an event
    """Follow a JSONPath: names, array indices and wildcards are all that EventBridge supports.

    Raises:
        PathNotValid: it is something else.

    """
    if not path.startswith("$"):
        raise PathNotValid(path)
    position, found, several = 1, [event], False
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise PathNotValid(path)
        found = [below for node in found for below in _below(node, step)]
        several = several or bool(step["every"])
        position = step.end()
    if several:
        return found
    return found[0] if found else _ABSENT


def _below(node: Any, step: re.Match[str]) -> Iterator[Any]:  # noqa: ANN401 - any part of an event
    name = step["name"] or step["quoted"]
    if step["every"]:
        yield from node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    elif name is not None and isinstance(node, dict) and name in node:
        yield node[name]
    elif step["index"] and isinstance(node, list) and int(step["index"]) < len(node):
        yield node[int(step["index"])]


def transform(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template.

    A placeholder outside of a string becomes JSON, so a string gets its quotes; inside of one it becomes the bare
    text, not escaped, and of JSON all quotes are lost. A variable whose path finds nothing is the empty string.
    """

    def fill(token: re.Match[str]) -> str:
        if token[0].startswith('"'):
            return _PLACEHOLDER.sub(lambda each: _bare(_value(values, each[1], each[0])), token[0])
        name = token[0].strip("<> \t\r\n")
        value = _value(values, name, token[0])
        return write("" if value is _ABSENT else value)

    filled = _TOKEN.sub(fill, template)
    try:
        return write(json.loads(filled))
    except ValueError:
        return filled  # a template of several lines, each a string, is one for people


def _value(values: Mapping[str, Any], name: str, as_written: str) -> Any:  # noqa: ANN401 - any part of an event
    return values.get(name, as_written)  # what is not defined is no variable


def _bare(value: Any) -> str:  # noqa: ANN401 - any part of an event
    if value is _ABSENT:
        return ""
    return value if isinstance(value, str) else write(value).replace('"', "")
