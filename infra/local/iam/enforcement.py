"""Enforce the policies of roles, and record which permissions are used.

Calls signed with a role's credentials need an Allow of that role's own policies; those of an administrator (this
process, or an IAM user) do not. A bucket policy grants a role nothing; its Deny is enforced by the embedded S3.
"""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.sts.models import sts_backends

from infra import iam_policy
from infra.iam_policy import Decision, Principal, Request, matches
from infra.local.core.access_key import ACCESS_KEY_ID
from infra.local.core.requests import ServiceError, SignedRequest
from infra.local.core.settings import Settings

SESSION_SECONDS = 3600  # how long a role's credentials last
NO_PERMISSION_NEEDED = {"sts:GetCallerIdentity"}


class AccessDenied(ServiceError):
    """The caller's role does not allow the call."""

    def __init__(self, caller: "Caller", action: str, resource: str, *, explicitly: bool) -> None:
        """Create the error with AWS's message (aws: iam/troubleshoot_access-denied)."""
        reason = "with an explicit deny in an identity-based policy"
        if not explicitly:
            reason = f"because no identity-based policy allows the {action} action"
        message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {reason}"
        super().__init__("AccessDenied", message, status=403)


@dataclass(frozen=True)
class Caller:
    """The role that signed a request: its name and the ARN of its session."""

    role_name: str
    arn: str


@dataclass
class _State:
    settings: Settings
    used: set[tuple[str, str, str]]


_state = _State(Settings(), set())
_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def reset(settings: Settings) -> None:
    """Apply the settings, and forget which permissions were used."""
    _state.settings = settings
    _state.used = set()


def used_permissions() -> set[tuple[str, str, str]]:
    """Return what roles have been allowed to do since the reset: (role name, action, resource)."""
    return set(_state.used)


@contextmanager
def authenticate(request: SignedRequest) -> Iterator[Caller | None]:
    """Make the signer of a request the caller that `require` checks, in this thread.

    Raises:
        ServiceError: the credentials are a role's, but not valid.

    """
    token = _caller.set(_find_caller(request))
    try:
        yield _caller.get()
    finally:
        _caller.reset(token)


def require(action: str, resource: str) -> None:
    """Require that the caller of the current request may do `action` on `resource`.

    AWS requires some permissions without a call of its own, e.g. `s3:PutObject` on the CRL bucket of the
    caller of `RevokeCertificate`.

    Raises:
        AccessDenied: the caller's role does not allow it.

    """
    caller = _caller.get()
    if caller is None or action in NO_PERMISSION_NEEDED:
        return
    decision = _decide(caller.role_name, action, resource)
    if decision is not Decision.ALLOWED:
        raise AccessDenied(caller, action, resource, explicitly=decision is Decision.EXPLICIT_DENY)
    _state.used.add((caller.role_name, action, resource))


def decide_on_bucket(policy: str, action: str, resource: str) -> Decision:
    """Return what a bucket policy decides about a call of the caller, or of an administrator."""
    account_id, caller = _state.settings.account_id, _caller.get()
    arns = [_backend().get_role(caller.role_name).arn, caller.arn] if caller else []
    keys = {**_known_keys(), "aws:SecureTransport": "true"}  # plain HTTP on loopback stands in for TLS
    request = Request(action, resource, Principal.account(account_id, *arns), keys, has_every_key=False)
    return iam_policy.evaluate([policy], request)


def is_allowed(role_name: str, action: str, resource: str) -> bool:
    """Return, and record, whether a role may do what a service does on its behalf, outside any request."""
    allowed = _decide(role_name, action, resource) is Decision.ALLOWED
    if allowed:
        _state.used.add((role_name, action, resource))
    return allowed


def assume_role(role_arn: str, service: str, session_name: str) -> dict[str, str]:
    """Return credentials of a role for a service, as environment variables.

    Raises:
        ServiceError: the role does not exist, or does not trust the service.

    """
    role = next((role for role in _backend().get_roles() if role.arn == role_arn), None)
    keys = {"aws:SourceAccount": _state.settings.account_id}
    request = Request("sts:AssumeRole", None, Principal.service(service), keys, has_every_key=False)
    if role is None or iam_policy.evaluate([role.assume_role_policy_document], request) is not Decision.ALLOWED:
        raise ServiceError("AccessDeniedException", f"{service} is unable to assume the role {role_arn}", status=403)
    session = sts_backends[_state.settings.account_id][_state.settings.partition].assume_role(
        _state.settings.region, session_name, role_arn, "", SESSION_SECONDS, ""
    )
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def add_managed_policy(arn: str) -> None:
    """Add one of AWS's managed policies to the account; moto has them all, but loads either all of them or none."""
    backend = _backend()
    if arn in backend.managed_policies or not arn.startswith(f"arn:{_state.settings.partition}:iam::aws:policy/"):
        return
    name, state = arn.rsplit("/", 1)[-1], _state.settings
    data = _managed_policies()[name]
    backend.managed_policies[arn] = AWSManagedPolicy.from_data(name, state.account_id, state.region, data)


@functools.cache
def _managed_policies() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies


def unused_permissions() -> set[tuple[str, str, str]]:
    """Return what roles are allowed and have not used: (role name, action, resource) as in the policy.

    Policies that AWS manages are left out, since they cannot be narrowed here.
    """
    used = used_permissions()
    return {
        (role.name, action, resource)
        for role in _backend().get_roles()
        for policy in _policies(role.name, managed_by_aws=False)
        for statement in iam_policy.statements(policy)
        if statement["Effect"] == "Allow"
        for action in iam_policy.as_list(statement["Action"])
        for resource in iam_policy.as_list(statement["Resource"])
        if not any(
            role.name == role_name and matches(action.lower(), used_action.lower()) and matches(resource, used_resource)
            for role_name, used_action, used_resource in used
        )
    }


def _find_caller(request: SignedRequest) -> Caller | None:
    sessions = sts_backends[_state.settings.account_id][_state.settings.partition]
    session = sessions.get_assumed_role_from_access_key(request.access_key)
    if session is not None:
        return Caller(session.role_arn.rsplit("/", 1)[-1], session.arn)
    if not is_administrator(request.access_key):  # a role's, from before a reset, or one that somebody has guessed
        raise ServiceError("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)
    return None


def is_administrator(access_key: str | None) -> bool:
    """Return whether an access key is that of this process, or of an IAM user."""
    keys = [key.access_key_id for user in _backend().users.values() for key in user.access_keys]
    return access_key in (ACCESS_KEY_ID, *keys)


def _backend() -> Any:  # noqa: ANN401 - moto's back ends are not typed for callers
    return iam_backends[_state.settings.account_id][_state.settings.partition]


def _decide(role_name: str, action: str, resource: str) -> Decision:
    request = Request(action, resource, None, _known_keys(), has_every_key=False)
    return iam_policy.evaluate(_policies(role_name, managed_by_aws=True), request)


def _known_keys() -> dict[str, str]:
    return {
        "aws:ResourceAccount": _state.settings.account_id,
        "aws:PrincipalAccount": _state.settings.account_id,
        "aws:RequestedRegion": _state.settings.region,
    }


def _policies(role_name: str, *, managed_by_aws: bool) -> Iterator[iam_policy.Policy]:
    role = _backend().get_role(role_name)
    yield from role.policies.values()
    for arn, policy in role.managed_policies.items():
        if managed_by_aws or ":iam::aws:" not in arn:
            yield from (version.document for version in policy.versions if version.is_default)
