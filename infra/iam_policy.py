"""Evaluate IAM policies: the embedded AWS enforces them, and `make deploy` checks the policy of a CRL bucket.

What cannot be evaluated raises an error: it must not count as an Allow, and not as the absence of a Deny.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

Policy = str | Mapping[str, Any]
Statement = Mapping[str, Any]


class PolicyNotEvaluated(NotImplementedError):
    """A statement holds something that is not evaluated here, so it neither allows nor denies."""


class Decision(StrEnum):
    """The result of an evaluation, in the words of IAM's policy simulator."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True)
class Principal:
    """The sender of a request: the key of a Principal element that lists it, and every name that identifies it."""

    kind: str
    names: frozenset[str]

    @classmethod
    def service(cls, name: str) -> Self:
        """Return an AWS service, e.g. `acm-pca.amazonaws.com`."""
        return cls("Service", frozenset({name}))

    @classmethod
    def account(cls, account_id: str, *arns: str) -> Self:
        """Return an account's root user, or the principal of the account that all of `arns` identify."""
        return cls("AWS", frozenset({account_id, *arns}))


@dataclass(frozen=True)
class Request:
    """A request to be authorized.

    Attributes:
        action: e.g. `s3:GetObject`.
        resource: the ARN or `*`; None for a trust policy, whose statements have no Resource.
        principal: the sender; None for identity policies, whose statements have no Principal.
        keys: the condition keys and their values.
        has_every_key: any key that `keys` lacks is absent from the request. Otherwise its value is unknown.

    """

    action: str
    resource: str | None
    principal: Principal | None
    keys: Mapping[str, str]
    has_every_key: bool

    def value(self, operator: str, key: str) -> str | None:
        """Return a condition key's value; None if the request does not have it. Keys are case-insensitive.

        Raises:
            PolicyNotEvaluated: the value is unknown.

        """
        for name, value in self.keys.items():
            if name.lower() == key.lower():
                return value
        if not self.has_every_key:
            raise PolicyNotEvaluated(f"{operator} on {key}: the key's value is not known here")
        return None


def evaluate(policies: Iterable[Policy], request: Request) -> Decision:
    """Return what policies of one kind decide together: an explicit Deny outweighs every Allow.

    Raises:
        PolicyNotEvaluated: the decision may depend on something that is not evaluated here.

    """
    effects = {
        statement["Effect"] for policy in policies for statement in statements(policy) if _applies(statement, request)
    }
    if "Deny" in effects:
        return Decision.EXPLICIT_DENY
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICIT_DENY


def is_service_allowed(  # noqa: PLR0913 - each is a part of the request, named at the call
    policy: Policy | None, *, service: str, action: str, resource: str, source_arn: str, source_account: str
) -> bool:
    """Return whether a resource's policy allows a service principal to act for `source_arn` in `source_account`.

    A service has no identity policy in the customer's account, so a resource without a policy allows it nothing.

    Raises:
        PolicyNotEvaluated: as `evaluate`.

    """
    keys = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": source_account,
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": service,
    }
    request = Request(action, resource, Principal.service(service), keys, has_every_key=True)
    return policy is not None and evaluate([policy], request) is Decision.ALLOWED


def statements(policy: Policy) -> Iterator[Statement]:
    """Yield a policy's statements; a single one may stand without a list."""
    yield from as_list((json.loads(policy) if isinstance(policy, str) else policy)["Statement"])


def as_list(value: Any) -> list[Any]:  # noqa: ANN401 - a policy holds one value or a list of them
    """Return the values of an element, which may be a single one without a list."""
    return value if isinstance(value, list) else [value]


def matches(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern: `*` is any text, `?` is one character.

    Raises:
        PolicyNotEvaluated: the pattern has a policy variable.

    """
    return _compile(pattern).fullmatch(value) is not None


@functools.lru_cache(4096)
def _compile(pattern: str) -> re.Pattern[str]:
    if "${" in pattern:
        raise PolicyNotEvaluated(f"the policy variable in {pattern}")
    parts = {"*": ".*", "?": "."}  # fnmatch also knows [...], which IAM does not
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


_ELEMENTS = {"Sid", "Effect", "Condition"} | {
    f"{negation}{name}" for name in ("Principal", "Action", "Resource") for negation in ("", "Not")
}


def _applies(statement: Statement, request: Request) -> bool:
    if unknown := statement.keys() - _ELEMENTS:
        raise PolicyNotEvaluated(f"{sorted(unknown)} in {statement}")
    if statement["Effect"] not in {"Allow", "Deny"}:
        raise PolicyNotEvaluated(f"Effect {statement['Effect']} in {statement}")
    return (
        _is_principal_matched(statement, request.principal)
        and _is_action_matched(statement, request.action)
        and _is_resource_matched(statement, request.resource)
        and all(
            _is_condition_met(operator, key, [_text(value) for value in as_list(values)], request)
            for operator, conditions in statement.get("Condition", {}).items()
            for key, values in conditions.items()
        )
    )


def _element(statement: Statement, name: str) -> tuple[Any, bool]:
    """Return the value of an element or of its Not... form, and whether it is the latter."""
    present = [each for each in (name, f"Not{name}") if each in statement]
    if len(present) != 1:
        raise PolicyNotEvaluated(f"not exactly one of {name} and Not{name} in {statement}")
    return statement[present[0]], present[0] != name


def _is_principal_matched(statement: Statement, principal: Principal | None) -> bool:
    if principal is None:
        if present := statement.keys() & {"Principal", "NotPrincipal"}:
            raise PolicyNotEvaluated(f"{sorted(present)} in {statement}, of an identity policy")
        return True
    element, is_negated = _element(statement, "Principal")
    if not isinstance(element, dict) and element != "*":
        raise PolicyNotEvaluated(f"Principal {element} in {statement}")
    listed = {_principal_name(name) for name in as_list(element.get(principal.kind, []))} if element != "*" else set()
    is_everyone = element == "*" or "*" in as_list(element.get("AWS", []))
    matched = principal.names if is_everyone else principal.names & listed
    # NotPrincipal excepts a role's session only if its account and role are listed too:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    return matched != principal.names if is_negated else bool(matched)


def _principal_name(name: str) -> str:
    """Return the account ID that the ARN of a root user, in any partition, stands for; other names as they are."""
    root = re.fullmatch(r"arn:aws[\w-]*:iam::(\d{12}):root", name)
    return root[1] if root else name


def _is_action_matched(statement: Statement, action: str) -> bool:
    patterns, is_negated = _element(statement, "Action")
    return any(matches(each.lower(), action.lower()) for each in as_list(patterns)) is not is_negated


def _is_resource_matched(statement: Statement, resource: str | None) -> bool:
    if resource is None:
        return True
    patterns, is_negated = _element(statement, "Resource")
    return any(matches(each, resource) for each in as_list(patterns)) is not is_negated


def _is_condition_met(operator: str, key: str, expected: list[str], request: Request) -> bool:
    if operator == "Null":
        return str(request.value(operator, key) is None).lower() in [each.lower() for each in expected]
    name = operator.removesuffix("IfExists")
    positive = _NEGATED.get(name, name)
    if positive not in _COMPARISONS:
        raise PolicyNotEvaluated(f"{operator} on {key}: the operator is not known here")
    actual = request.value(operator, key)
    if actual is None:
        return name in _NEGATED or operator != name
    return any(_COMPARISONS[positive](each, actual) for each in expected) is not (name in _NEGATED)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_equal(expected: str, actual: str) -> bool:
    if "${" in expected:
        raise PolicyNotEvaluated(f"the policy variable in {expected}")
    return expected == actual


def _is_arn_like(pattern: str, actual: str) -> bool:
    """Compare an ARN's six parts one by one, so that no wildcard reaches beyond a colon before the resource."""
    parts = pattern.split(":", 5)
    values = actual.split(":", len(parts) - 1)
    return len(parts) == len(values) and all(map(matches, parts, values))


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _is_equal,
    "StringEqualsIgnoreCase": lambda expected, actual: _is_equal(expected.lower(), actual.lower()),
    "StringLike": matches,
    "ArnEquals": _is_arn_like,
    "ArnLike": _is_arn_like,
    "Bool": lambda expected, actual: _is_equal(expected.lower(), actual.lower()),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
