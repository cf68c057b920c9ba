"""Bucket policies with conditions: moto reads every statement as if it had none, so "TLS only" would refuse all."""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from infra.local.bucket_policy import conditions_hold

# The endpoint is plain HTTP on loopback, in the place of one that is TLS.
_CONTEXT = {"aws:SecureTransport": "true"}


def install() -> None:
    """Have buckets ask their policies with a condition's keys."""
    FakeBucket.get_permission = _get_permission  # type: ignore[method-assign]


def _get_permission(self: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - moto's own signature
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    policy["Statement"] = [each for each in statements if conditions_hold(each, _CONTEXT)]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)
