"""Formats the state machine's definition, compactly: what fits on a line is on one. `make format` runs it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).parents[2] / "statemachine" / "revocation.asl.json"
_WIDTH = 120


def compact(value: object, indent: str = "", room: int = _WIDTH) -> str:
    """Return a JSON value in lines of at most 120 characters where possible; `room` is left on its first line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= room or not isinstance(value, dict | list) or not value:
        return line
    inner = f"{indent}  "
    children = list(value.values()) if isinstance(value, dict) else value
    items = _members(value, inner) if isinstance(value, dict) else [compact(each, inner) for each in value]
    separator = f",\n{inner}"
    is_state = isinstance(value, dict) and "Type" in value  # of which each field has a line of its own
    if not is_state and not any(isinstance(each, dict) for each in children):
        items = _fill(items, _WIDTH - len(inner))
    start, end = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return f"{start}\n{inner}{separator.join(items)}\n{indent}{end}"


def _members(value: dict[str, Any], indent: str) -> list[str]:
    keys = [f"{json.dumps(name)}: " for name in value]
    room = _WIDTH - len(indent) - 1
    return [key + compact(each, indent, room - len(key)) for key, each in zip(keys, value.values(), strict=True)]


def _fill(items: list[str], width: int) -> list[str]:
    """Join items that stand on one line each to as few lines as they fit into."""
    lines = [items[0]]
    for item in items[1:]:
        if "\n" not in lines[-1] + item and len(lines[-1]) + len(item) + len(", ,") <= width:
            lines[-1] += f", {item}"
        else:
            lines.append(item)
    return lines


def main() -> int:
    """Write the definition again, or with --check return 1 if that would change it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is not formatted")
    check = parser.parse_args().check
    text = DEFINITION.read_text()
    formatted = compact(json.loads(text)) + "\n"
    if check:
        if text != formatted:
            print(f"{DEFINITION.name} is not formatted: run make format")
        return int(text != formatted)
    DEFINITION.write_text(formatted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
