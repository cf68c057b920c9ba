"""Who calls, and what its role allows: the IAM that the embedded AWS demands and records.

Calls signed with a role's credentials are held to that role's policies; an administrator's (any other key) and
unsigned or pre-signed ones are not. Only identity policies count: a bucket policy neither grants nor denies.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.sts.models import sts_backends

from infra.local.core.requests import Call, ServiceError
from infra.local.core.settings import Settings

SESSION_SECONDS = 3600  # how long a role's credentials last
NO_PERMISSION_NEEDED = {"sts:GetCallerIdentity"}


class AccessDenied(ServiceError):
    """The caller's role does not allow the call."""

    def __init__(self, caller: "Caller", action: str, resource: str, *, explicitly: bool) -> None:
        """Say it in AWS's words (aws: iam/troubleshoot_access-denied)."""
        why = "with an explicit deny in an identity-based policy"
        if not explicitly:
            why = f"because no identity-based policy allows the {action} action"
        message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {why}"
        super().__init__("AccessDenied", message, status=403)


class ConditionNotEvaluated(NotImplementedError):
    """A policy has a condition that is not evaluated here, so it can be neither granted nor denied."""


@dataclass(frozen=True)
class Caller:
    """A role in use: its name and the ARN of its session."""

    role_name: str
    arn: str


@dataclass
class _State:
    settings: Settings
    recorded: set[tuple[str, str, str]]


_state = _State(Settings(), set())
_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def install(settings: Settings) -> None:
    """Start anew: nothing is recorded."""
    _state.settings = settings
    _state.recorded = set()


def recorded() -> set[tuple[str, str, str]]:
    """Return what roles were allowed to do since the start: (role name, action, resource)."""
    return set(_state.recorded)


@contextmanager
def answering(call: Call) -> Iterator[Caller | None]:
    """Make the signer of a call the caller whom `demand` asks about, in this thread."""
    token = _caller.set(_find_caller(call))
    try:
        yield _caller.get()
    finally:
        _caller.reset(token)


def demand(action: str, resource: str) -> None:
    """Demand that the caller of the request being answered may do `action` on `resource`.

    AWS demands some permissions without a call of its own, e.g. `s3:PutObject` on the CRL bucket from the
    caller of `RevokeCertificate`.

    Raises:
        AccessDenied: the caller's role does not allow it.

    """
    caller = _caller.get()
    if caller is None or action in NO_PERMISSION_NEEDED:
        return
    effect = _effect(caller.role_name, action, resource)
    if effect != "Allow":
        raise AccessDenied(caller, action, resource, explicitly=effect == "Deny")
    _state.recorded.add((caller.role_name, action, resource))


def allows(role_name: str, action: str, resource: str) -> bool:
    """Tell, and record, whether a role may do what a service does in its name, outside any request."""
    allowed = _effect(role_name, action, resource) == "Allow"
    if allowed:
        _state.recorded.add((role_name, action, resource))
    return allowed


def assume(role_arn: str, service: str, session_name: str) -> dict[str, str]:
    """Return credentials of a role for a service, as environment variables.

    Raises:
        ServiceError: there is no such role, or it does not trust the service.

    """
    role = next((role for role in _backend().get_roles() if role.arn == role_arn), None)
    trusts = role and any(
        statement["Effect"] == "Allow"
        and service in _listed(statement.get("Principal", {}).get("Service", []))
        and "sts:AssumeRole" in _listed(statement["Action"])
        for statement in _listed(json.loads(role.assume_role_policy_document)["Statement"])
    )
    if not trusts:
        raise ServiceError("AccessDeniedException", f"{service} is unable to assume the role {role_arn}", status=403)
    session = sts_backends[_state.settings.account_id]["aws"].assume_role(
        _state.settings.region, session_name, role_arn, "", SESSION_SECONDS, ""
    )
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def provide_managed_policy(arn: str) -> None:
    """Make one of AWS's own managed policies known; moto has them all, but loads either all of them or none."""
    backend = _backend()
    if arn in backend.managed_policies or not arn.startswith("arn:aws:iam::aws:policy/"):
        return
    name, state = arn.rsplit("/", 1)[-1], _state.settings
    data = _managed_policies()[name]
    backend.managed_policies[arn] = AWSManagedPolicy.from_data(name, state.account_id, state.region, data)


@functools.cache
def _managed_policies() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies


def unused() -> set[tuple[str, str, str]]:
    """Return what roles are allowed and nothing recorded has used: (role name, action, resource) as in the policy.

    Policies that AWS itself manages are not looked at: nobody here can narrow them.
    """
    known = recorded()
    return {
        (role.name, action, resource)
        for role in _backend().get_roles()
        for statement in _statements(role.name, managed_by_aws=False)
        if statement["Effect"] == "Allow"
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
        if not any(
            role.name == user and _matches(action.lower(), used.lower()) and _matches(resource, on)
            for user, used, on in known
        )
    }


def _find_caller(call: Call) -> Caller | None:
    sessions = sts_backends[_state.settings.account_id]["aws"]
    session = sessions.get_assumed_role_from_access_key(call.access_key)
    if session is not None:
        return Caller(session.role_arn.rsplit("/", 1)[-1], session.arn)
    if call.access_key.startswith("ASIA"):  # of a role, but from before a reset
        raise ServiceError("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)
    return None


def _backend() -> Any:  # noqa: ANN401 - moto's back ends are not typed for callers
    return iam_backends[_state.settings.account_id]["aws"]


def _effect(role_name: str, action: str, resource: str) -> str:
    """Return "Deny", "Allow" or "": one deny outweighs all."""
    effects = {
        statement["Effect"]
        for statement in _statements(role_name, managed_by_aws=True)
        if _applies(statement, action, resource)
    }
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else ""


def _statements(role_name: str, *, managed_by_aws: bool) -> Iterator[Mapping[str, Any]]:
    role = _backend().get_role(role_name)
    documents = list(role.policies.values())
    for arn, policy in role.managed_policies.items():
        if managed_by_aws or not arn.startswith("arn:aws:iam::aws:"):
            documents += [version.document for version in policy.versions if version.is_default]
    for document in documents:
        yield from _listed((json.loads(document) if isinstance(document, str) else document)["Statement"])


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    if unknown:
        raise ConditionNotEvaluated(f"{sorted(unknown)} in {statement}")
    return (
        _element(statement, "Action", action.lower(), fold=True)
        and _element(statement, "Resource", resource, fold=False)
        and all(_holds(operator, keys) for operator, keys in statement.get("Condition", {}).items())
    )


def _element(statement: Mapping[str, Any], name: str, value: str, *, fold: bool) -> bool:
    negated = f"Not{name}"
    patterns = _listed(statement.get(name, statement.get(negated, [])))
    found = any(_matches(pattern.lower() if fold else pattern, value) for pattern in patterns)
    return found != (negated in statement)


def _holds(operator: str, keys: Mapping[str, Any]) -> bool:
    known = {
        "aws:ResourceAccount": _state.settings.account_id,
        "aws:PrincipalAccount": _state.settings.account_id,
        "aws:RequestedRegion": _state.settings.region,
    }
    if operator != "StringEquals" or not known.keys() >= keys.keys():
        raise ConditionNotEvaluated(f"{operator} on {', '.join(keys)}")
    return all(known[key] in _listed(expected) for key, expected in keys.items())


def _matches(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


@functools.lru_cache(4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Match as IAM does: `*` is any text, `?` one character, everything else itself (so no fnmatch)."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy's element is one thing or a list of them
    return value if isinstance(value, list) else [value]
