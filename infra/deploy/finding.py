"""What a check found: which thing, both values, and what to do."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that would keep the stack from doing its work.

    Attributes:
        text: what is wrong.
        what_to_do: a command to copy, or a sentence.
        fix: does it; None if only the operator can.
        is_harmless: the fix replaces nothing that is in use.

    """

    text: str
    what_to_do: str
    fix: Callable[[], object] | None = None
    is_harmless: bool = False
