"""What the realisers of all types of resources work with."""

import hashlib
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.cloudformation.context import Aws


class NotRealised(NotImplementedError):
    """The template holds something that would silently be missing on the embedded AWS."""


@dataclass(frozen=True)
class Realised:
    """A resource that exists: what Ref returns, and what GetAtt returns."""

    ref: str
    attributes: Mapping[str, str]


class Properties:
    """A resource's properties, each of which has to be taken by its realiser."""

    def __init__(self, type_: str, logical_id: str, values: Mapping[str, Any], stack_name: str) -> None:
        """Hold the resolved properties of one resource."""
        self._type = type_
        self._logical_id = logical_id
        self._stack_name = stack_name
        self._left = dict(values)

    def take(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - a property can be anything
        """Return a property, and count it as realised."""
        return self._left.pop(name, default)

    def chosen(self, **arguments: str) -> dict[str, Any]:
        """Take several properties that go to AWS's API as they are: argument=property; absent ones are left out."""
        present = {argument: name for argument, name in arguments.items() if name in self._left}
        return {argument: self.take(name) for argument, name in present.items()}

    def name(self, limit: int) -> str:
        """Return a name as CloudFormation makes them: stack, logical ID, and something of its own."""
        own = hashlib.sha256(f"{self._stack_name}/{self._logical_id}".encode()).hexdigest()[:12]
        return f"{self._stack_name}-{self._logical_id}"[: limit - 13] + f"-{own}"

    def tags(self) -> dict[str, str]:
        """Take the tags."""
        return {tag["Key"]: str(tag["Value"]) for tag in self.take("Tags", [])}

    def check_all_taken(self, accepted: Container[tuple[str, str]]) -> None:
        """Check that nothing is left but what is `accepted`, as pairs of type and property.

        Raises:
            NotRealised: something else is.

        """
        left = sorted(name for name in self._left if (self._type, name) not in accepted)
        if left:
            raise NotRealised(f"{self._logical_id} ({self._type}): {', '.join(left)}")


@dataclass(frozen=True)
class Realiser:
    """How a type of resource is created and deleted, and how it is changed without losing its state."""

    create: Callable[[Aws, Properties], Realised]
    delete: Callable[[Aws, Realised], object]
    update: Callable[[Aws, Realised, Properties], Realised] | None = None


def text(value: object) -> str:
    """Write a value as CloudFormation does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def require_same_name(name: str, wanted: str | None) -> None:
    """Refuse the change of a name.

    Raises:
        NotRealised: it would replace the resource.

    """
    if wanted not in (None, name):
        raise NotRealised(f"a change of the name {name} to {wanted}, which would replace it")
