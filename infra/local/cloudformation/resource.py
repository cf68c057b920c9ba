"""What the resource types have in common: a resource, its properties, and how its type is created and deleted."""

import hashlib
import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.cloudformation.context import Aws


class UnsupportedFeature(NotImplementedError):
    """The template uses something that the embedded AWS does not implement and would silently leave out."""


@dataclass(frozen=True)
class Resource:
    """A resource that was created: what Ref returns, and what GetAtt returns."""

    ref: str
    attributes: Mapping[str, str]


class Properties:
    """A resource's properties; each must be taken by its resource type, so that none is left out silently."""

    def __init__(self, type_: str, logical_id: str, values: Mapping[str, Any], stack_name: str) -> None:
        """Hold the resolved properties of one resource."""
        self._type = type_
        self._logical_id = logical_id
        self._stack_name = stack_name
        self._not_taken = dict(values)

    def take(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - a property can be anything
        """Return a property and mark it as taken."""
        return self._not_taken.pop(name, default)

    def take_present(self, *names: str, **arguments: str) -> dict[str, Any]:
        """Take those of several properties that are present, as arguments of an API call.

        The argument is called as the property is, or as `argument="Property"` says.
        """
        arguments = {name: name for name in names} | arguments
        present = {argument: name for argument, name in arguments.items() if name in self._not_taken}
        return {argument: self.take(name) for argument, name in present.items()}

    def take_attributes(self, *names: str, documents: tuple[str, ...] = ()) -> dict[str, str]:
        """Take properties that are attributes in SQS and SNS, which are all strings; documents become JSON."""
        plain = {name: to_text(value) for name, value in self.take_present(*names).items()}
        return plain | {name: json.dumps(value) for name, value in self.take_present(*documents).items()}

    def take_tags(self) -> dict[str, str]:
        """Take the tags, by key."""
        return {tag["Key"]: str(tag["Value"]) for tag in self.take("Tags", [])}

    def take_tag_list(self) -> list[dict[str, str]]:
        """Take the tags as most of AWS's APIs list them."""
        return [{"Key": key, "Value": value} for key, value in self.take_tags().items()]

    def generate_name(self, max_length: int) -> str:
        """Return a name like CloudFormation's: stack, logical ID and a suffix, which here is always the same."""
        suffix = hashlib.sha256(f"{self._stack_name}/{self._logical_id}".encode()).hexdigest()[:12]
        return f"{self._stack_name}-{self._logical_id}"[: max_length - 13] + f"-{suffix}"

    def check_all_taken(self, accepted: Container[tuple[str, str]]) -> None:
        """Check that only `accepted` properties, pairs of type and name, were not taken.

        Raises:
            UnsupportedFeature: another one was not.

        """
        unsupported = sorted(name for name in self._not_taken if (self._type, name) not in accepted)
        if unsupported:
            raise UnsupportedFeature(f"{self._logical_id} ({self._type}): {', '.join(unsupported)}")


@dataclass(frozen=True)
class ResourceType:
    """How resources of a type are created, deleted and, if they can be, changed without losing their state.

    `is_attached` says that they belong to another resource and are deleted with it.
    """

    create: Callable[[Aws, Properties], Resource]
    delete: Callable[[Aws, Resource], object]
    update: Callable[[Aws, Resource, Properties], Resource] | None = None
    is_attached: bool = False


def to_text(value: object) -> str:
    """Return a scalar as CloudFormation writes it: true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def require_same_name(name: str, new_name: str | None) -> None:
    """Refuse to rename a resource.

    Raises:
        UnsupportedFeature: the new name would replace the resource.

    """
    if new_name not in (None, name):
        raise UnsupportedFeature(f"Changing the name {name} to {new_name} would replace the resource")
