"""Publish the events of S3 and Private CA.

Shapes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html
"""

import itertools
import time
from typing import Any
from uuid import uuid4

from moto.s3 import notifications

from infra.local.core.settings import CrlFailure, Settings
from infra.local.events import service as events

# What is replaced below.
STOCK_S3_MESSAGE = notifications._send_event_bridge_message  # noqa: SLF001

_CREATED = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_sequence = itertools.count(time.time_ns() // 1000)


def certificate_revoked(ca_arn: str, region_name: str, serial: int) -> None:
    """Publish that a certificate was revoked."""
    resources = [ca_arn, f"{ca_arn}/certificate/{serial:032x}"]
    events.publish(
        region_name, "aws.acm-pca", "ACM Private CA Certificate Revocation", resources, {"result": "success"}
    )


def crl_generated(ca_arn: str, region_name: str, failure: CrlFailure | None) -> None:
    """Publish the result of generating a CRL."""
    detail = {"result": "failure", "reason": str(failure)} if failure else {"result": "success"}
    events.publish(region_name, "aws.acm-pca", "ACM Private CA CRL Generation", [ca_arn], detail)


def install(settings: Settings) -> None:
    """Make S3 publish its events."""

    def object_event(account_id: str, bucket: Any, event_name: str, key: Any) -> None:  # noqa: ANN401 - moto's own
        """Publish that an object was created; replaces moto's `_send_event_bridge_message`."""
        reason = _CREATED.get(str(getattr(event_name, "value", event_name)))
        # moto notifies of a multipart upload twice, the first time as PutObject.
        is_duplicate = reason == "PutObject" and key.multipart is not None
        if reason is None or is_duplicate or not settings.events.sends_s3_events:
            return
        version = {} if key.version_id in {None, "null"} else {"version-id": key.version_id}
        object_ = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), **version}
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {**object_, "sequencer": f"{next(_sequence):016X}"},
            "request-id": uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        }
        events.publish(bucket.region_name, "aws.s3", "Object Created", [bucket.arn], detail)

    notifications._send_event_bridge_message = object_event  # noqa: SLF001
