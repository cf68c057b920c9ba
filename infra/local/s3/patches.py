"""Correct three things in the S3 of moto 5.2.5.

Its evaluator of bucket policies ignores conditions and principals, so a "TLS only" statement would deny every call;
GetBucketNotificationConfiguration omits EventBridgeConfiguration; of two simultaneous conditional writes, both may
succeed.
"""

import contextlib
import threading
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from infra.iam_policy import Decision
from infra.local.iam import enforcement

_RESULTS = {
    Decision.ALLOWED: PermissionResult.PERMITTED,
    Decision.EXPLICIT_DENY: PermissionResult.DENIED,
    Decision.IMPLICIT_DENY: PermissionResult.NEUTRAL,
}


def install() -> None:
    """Install the corrections."""
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
    return _RESULTS[enforcement.decide_on_bucket(self.policy.decode(), action, resource)]
