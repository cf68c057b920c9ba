"""Whether a bucket policy lets an AWS service in: what S3 asks when a service writes to a customer's bucket.

A small evaluator for service principals, not IAM at large. What it cannot read never helps the caller: an
Allow with an unknown element does not allow, a Deny with one denies.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Statement = Mapping[str, Any]


class _Unreadable(Exception):
    """A statement holds an element that this evaluator does not know."""


def allows(policy: str | None, *, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Tell whether `policy` lets the service principal `service` do `action` on `resource`.

    `context` holds the condition keys of the request, e.g. `aws:SourceAccount`. A bucket without a policy
    lets no service in.
    """
    if policy is None:
        return False
    allowed = False
    for statement in _listed(json.loads(policy)["Statement"]):
        denies = statement["Effect"] == "Deny"
        try:
            applies = _applies(statement, service, action, resource, context)
        except _Unreadable:
            applies = denies
        if applies and denies:
            return False
        allowed = allowed or applies
    return allowed


def _applies(statement: Statement, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    if unknown := statement.keys() & {"NotPrincipal", "NotAction", "NotResource"}:
        raise _Unreadable(unknown)
    return (
        _is_principal(statement["Principal"], service)
        and any(_like(wanted.lower(), action.lower()) for wanted in _listed(statement["Action"]))
        and any(_like(wanted, resource) for wanted in _listed(statement["Resource"]))
        and conditions_hold(statement, context)
    )


def conditions_hold(statement: Statement, context: Mapping[str, str]) -> bool:
    """Tell whether a statement's conditions, if it has any, fit a request's condition keys."""
    return all(
        _condition_holds(operator, key, _listed(values), context)
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    )


def _is_principal(principal: object, service: str) -> bool:
    if isinstance(principal, dict):
        return service in _listed(principal.get("Service", [])) or "*" in _listed(principal.get("AWS", []))
    return principal == "*"


def _condition_holds(operator: str, key: str, wanted: list[Any], context: Mapping[str, str]) -> bool:
    name, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    positive = name.replace("Not", "", 1)
    if positive not in _COMPARISONS:
        raise _Unreadable(operator)
    negated = positive != name
    actual = {k.lower(): v for k, v in context.items()}.get(key.lower())
    if actual is None:
        return negated or if_exists
    return any(_COMPARISONS[positive](_text(value), actual) for value in wanted) is not negated


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
}


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy writes one thing or a list of things
    return value if isinstance(value, list) else [value]
