"""Logs one line of JSON for each step: the execution, CA and CRL, the outcome, and the duration.

Fields are added while the step runs; the line is written when it ends, also when it fails.
"""

import json
from contextvars import ContextVar

_line: ContextVar[dict[str, object]] = ContextVar("line")


def begin(**fields: object) -> None:
    """Begin the line of a step, discarding that of the step before."""
    _line.set(dict(fields))


def note(**fields: object) -> None:
    """Add fields to the line of the running step, if there is one; None is left out."""
    line = _line.get(None)
    if line is not None:
        line.update({name: value for name, value in fields.items() if value is not None})


def write(**fields: object) -> None:
    """Add the last fields and write the line."""
    note(**fields)
    print(json.dumps(_line.get(), default=str), flush=True)  # noqa: T201 - standard output is Lambda's log
