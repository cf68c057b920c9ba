"""Calls of each operation of a service, with the least that its model requires."""

from typing import Any

from botocore.model import OperationModel, Shape

_NUMBERS = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "timestamp": 1_700_000_000}


def arguments(operation: OperationModel) -> dict[str, Any]:
    """Return the required parameters of an operation, with values that its model allows, and that name nothing."""
    return value(operation.input_shape) if operation.input_shape else {}


def value(shape: Shape) -> Any:  # noqa: ANN401 - of the shape's type
    """Return a value of a shape; a union has its first member."""
    members: Any = getattr(shape, "members", None)
    least: int = shape.metadata.get("min", 1) or 1
    if members is not None:
        required = shape.metadata.get("required", []) or (list(members)[:1] if shape.metadata.get("union") else [])
        return {name: value(members[name]) for name in required}
    if shape.type_name == "list":
        return [value(shape.member) for _ in range(least)]  # type: ignore[attr-defined] # of a list's shape
    if shape.type_name == "map":
        return {value(shape.key): value(shape.value)}  # type: ignore[attr-defined] # of a map's shape
    if shape.type_name == "string":
        return (shape.metadata.get("enum") or ["x" * least])[0]
    return {"boolean": False, "blob": b"x"}.get(shape.type_name) or _NUMBERS.get(shape.type_name, False)
