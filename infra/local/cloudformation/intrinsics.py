"""CloudFormation's own language: parameters, conditions and intrinsic functions."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from infra.template import Node

NO_VALUE = object()


class InvalidTemplate(ValueError):
    """The template, or a parameter's value, is one that CloudFormation would reject."""


def parameter_values(declared: Mapping[str, Node], values: Mapping[str, str]) -> dict[str, Node]:
    """Return the value of each parameter: that of `values`, or else its default.

    Raises:
        InvalidTemplate: one is unknown, missing, or not allowed.

    """
    if unknown := values.keys() - declared.keys():
        raise InvalidTemplate(f"The template has no parameter {', '.join(sorted(unknown))}")
    return {name: _parameter_value(name, each, values) for name, each in declared.items()}


def _parameter_value(name: str, declared: Mapping[str, Node], values: Mapping[str, str]) -> Node:
    if name not in values and "Default" not in declared:
        raise InvalidTemplate(f"Parameter {name} has no value")
    value = str(values.get(name, declared.get("Default")))
    number = float(value or "nan") if declared["Type"] == "Number" else None
    is_allowed = (
        value in [str(each) for each in declared.get("AllowedValues", [value])]
        and re.fullmatch(str(declared.get("AllowedPattern", ".*")), value, re.DOTALL)
        and declared.get("MinLength", 0) <= len(value) <= declared.get("MaxLength", 4096)
        and (number is None or declared.get("MinValue", number) <= number <= declared.get("MaxValue", number))
    )
    if not is_allowed:
        raise InvalidTemplate(
            f"Parameter {name} may not be {value!r}: {declared.get('ConstraintDescription', dict(declared))}"
        )
    is_list = declared["Type"] == "CommaDelimitedList" or declared["Type"].startswith("List<")
    return [each.strip() for each in value.split(",")] if is_list else value


def references(node: Node) -> Iterator[str]:
    """Yield each name that a part of a template refers to."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "Ref":
            yield value
        elif key == "Fn::GetAtt":
            yield value[0]
        elif key == "Fn::Sub":
            text = value if isinstance(value, str) else value[0]
            yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
        yield from references(value)


@dataclass
class Resolver:
    """Resolves a template's intrinsic functions.

    `names` holds what Ref returns, `attributes` what GetAtt returns; both grow as resources are created.
    """

    names: dict[str, Node]
    conditions: Mapping[str, Node]
    attributes: dict[tuple[str, str], str] = field(default_factory=dict)

    def is_true(self, condition: str) -> bool:
        """Return whether a named condition is true."""
        return bool(self.resolve(self.conditions[condition]))

    def resolve(self, node: Node) -> Node:
        """Return a part of the template without intrinsic functions, and without members that are AWS::NoValue.

        Raises:
            InvalidTemplate: a function or a name is unknown.

        """
        if isinstance(node, list):
            return [each for each in map(self.resolve, node) if each is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), *_ = node.items()
            if function in FUNCTIONS:
                return FUNCTIONS[function](self, argument)
            if function == "Condition" and isinstance(argument, str):  # a policy's Condition is a dict, and no function
                return self.is_true(argument)
            if function.startswith("Fn::"):
                raise InvalidTemplate(f"{function} is not supported")
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NO_VALUE}

    def ref(self, name: str) -> Node:
        """Return the value of Ref for a parameter or resource."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name not in self.names:
            raise InvalidTemplate(f"There is no {name} to refer to")
        return self.names[name]

    def get_att(self, argument: list[str]) -> str:
        """Return a resource's attribute."""
        logical_id, attribute = argument
        if (logical_id, attribute) not in self.attributes:
            raise InvalidTemplate(f"{logical_id} has no attribute {attribute} here")
        return self.attributes[logical_id, attribute]

    def sub(self, argument: Node) -> str:
        """Return a string with its `${…}` substituted."""
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        variables = self.resolve(variables)

        def substitute(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return str(variables[name])
            return str(self.get_att(name.split(".", 1)) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", substitute, text)

    def if_(self, argument: list[Node]) -> Node:
        """Return the first value if the condition is true, or else the second."""
        condition, then, otherwise = argument
        return self.resolve(then if self.is_true(condition) else otherwise)

    def join(self, argument: list[Node]) -> str:
        """Return a list joined to one string."""
        separator, parts = argument
        return str(separator).join(map(str, self.resolve(parts)))

    def select(self, argument: list[Node]) -> Node:
        """Return an item of a list."""
        index, items = self.resolve(argument)
        return items[int(index)]

    def split(self, argument: list[Node]) -> list[str]:
        """Return a string split into a list."""
        separator, text = self.resolve(argument)
        return str(text).split(separator)

    def equals(self, argument: list[Node]) -> bool:
        """Return whether two values are equal as strings."""
        left, right = self.resolve(argument)
        return str(left) == str(right)


FUNCTIONS: dict[str, Callable[[Resolver, Node], Node]] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.get_att,
    "Fn::Sub": Resolver.sub,
    "Fn::If": Resolver.if_,
    "Fn::Join": Resolver.join,
    "Fn::Select": Resolver.select,
    "Fn::Split": Resolver.split,
    "Fn::Equals": Resolver.equals,
    "Fn::Not": lambda resolver, argument: not resolver.resolve(argument)[0],
    "Fn::And": lambda resolver, argument: all(resolver.resolve(argument)),
    "Fn::Or": lambda resolver, argument: any(resolver.resolve(argument)),
}
