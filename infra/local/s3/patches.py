"""Three things of S3 that moto 5.2.5 gets wrong.

It reads every statement of a bucket policy as if it had no condition, so "TLS only" would refuse all; and it does not
tell that a bucket sends its events to EventBridge; and of two conditional writes at once, both may succeed.
"""

import contextlib
import json
import threading
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from infra.local.iam.policy import conditions_hold

# The endpoint is plain HTTP on loopback, in the place of one that is TLS.
_CONTEXT = {"aws:SecureTransport": "true"}


def install() -> None:
    """Have buckets ask their policies with a condition's keys, and tell of EventBridge."""
    S3Response.serialized = _serialized  # type: ignore[assignment,method-assign]
    S3Response.put_object = _put_object  # type: ignore[method-assign]
    FakeBucket.get_permission = _get_permission  # type: ignore[method-assign]


STOCK_SERIALIZED = S3Response.serialized
STOCK_PUT_OBJECT = S3Response.put_object
_conditional_write = threading.Lock()


def _serialized(self: S3Response, action_result: ActionResult) -> Any:  # noqa: ANN401 - moto's own signature
    if self.data.get("Action") == "GetBucketNotificationConfiguration" and isinstance(action_result.result, dict):
        configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if configuration and configuration.event_bridge is not None:
            action_result.result["EventBridgeConfiguration"] = {}
    return STOCK_SERIALIZED(self, action_result)


def _put_object(self: S3Response) -> Any:  # noqa: ANN401 - moto's own
    conditional = "If-Match" in self.headers or "If-None-Match" in self.headers
    with _conditional_write if conditional else contextlib.nullcontext():
        return STOCK_PUT_OBJECT(self)


def _get_permission(self: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - moto's own signature
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    policy["Statement"] = [each for each in statements if conditions_hold(each, _CONTEXT)]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)
