"""One line of JSON for each step: which execution, CA and CRL, what came of it, and how long it took.

What a step learns on its way is noted; the line is written when it ends, also when it fails.
"""

import json
from contextvars import ContextVar

_line: ContextVar[dict[str, object]] = ContextVar("line")


def begin(**fields: object) -> None:
    """Begin the line of a step."""
    _line.set(dict(fields))


def note(**fields: object) -> None:
    """Add to the line of the step that runs, if one does; what is not known is left out."""
    line = _line.get(None)
    if line is not None:
        line.update({name: value for name, value in fields.items() if value is not None})


def write(**fields: object) -> None:
    """Write the line."""
    note(**fields)
    print(json.dumps(_line.get(), default=str), flush=True)  # noqa: T201 - standard output is Lambda's log
