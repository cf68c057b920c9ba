"""The state: moto's load balancers of an account and Region, with trust stores."""

import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from moto.elbv2 import urls
from moto.elbv2.models import ELBv2Backend, FakeListener, elbv2_backends
from moto.moto_api._internal import mock_random
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from infra.local.core.access_key import ANONYMOUS_PATH
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.core.token_bucket import TokenBucket
from infra.local.elbv2.trust_store import TrustStore
from infra.local.iam import enforcement

CONTENT_SECONDS = 10 * 60  # validity of a pre-signed URL (API reference: GetTrustStoreRevocationContent)
_KEEP_ALIVE = "client_keep_alive.seconds"
_KEEP_ALIVE_SECONDS = range(60, 604_800 + 1)


@dataclass(frozen=True)
class PresignedContent:
    """What a pre-signed URL serves until it expires."""

    body: bytes
    expires_at: float  # of the monotonic clock


class TrustStoreBackend(ELBv2Backend):
    """moto's load balancers of one account and Region, with trust stores."""

    settings: ClassVar[Settings]
    _url_module = urls  # moto would look next to this module

    def __init__(self, region_name: str, account_id: str) -> None:
        """Start without trust stores."""
        super().__init__(region_name, account_id)
        self.trust_stores: dict[str, TrustStore] = {}
        self.presigned: dict[str, PresignedContent] = {}
        self._presigning = threading.Lock()
        self._writes = TokenBucket()

    def count_write(self) -> None:
        """Count a write; Add, Remove, Modify and Delete share one quota (aws: elb-api-throttling).

        Raises:
            ServiceError: ThrottlingException if the quota is exceeded.

        """
        limits = self.settings.trust_stores
        if not self._writes.take(capacity=limits.write_burst, per_second=limits.writes_per_second):
            raise ServiceError("ThrottlingException", "Rate exceeded")

    def trust_store(self, arn: str) -> TrustStore:
        """Return a trust store.

        Raises:
            ServiceError: TrustStoreNotFound if there is none with this ARN.

        """
        if arn not in self.trust_stores:
            raise ServiceError("TrustStoreNotFound", f"Trust store '{arn}' not found")
        return self.trust_stores[arn]

    def create_trust_store(self, name: str, bundle: bytes, tags: list[dict[str, str]]) -> TrustStore:
        """Create a trust store; names are unique in the Region."""
        if any(store.name == name for store in self.trust_stores.values()):
            raise ServiceError("DuplicateTrustStoreName", f"A trust store with the name '{name}' already exists")
        if len(self.trust_stores) >= self.settings.trust_stores.max_trust_stores:
            raise ServiceError("TooManyTrustStores", "The maximum number of trust stores has been reached")
        prefix = f"arn:{self.partition}:elasticloadbalancing:{self.region_name}:{self.account_id}"
        arn = f"{prefix}:truststore/{name}/{mock_random.get_random_hex(16)}"
        store = self.trust_stores[arn] = TrustStore(arn, name, self.settings, bundle)
        try:
            self.add_tags([arn], tags)
        except ServiceError:
            del self.trust_stores[arn]
            raise
        return store

    def delete_trust_store(self, arn: str) -> None:
        """Delete a trust store that no listener uses."""
        if self.associations(arn):
            raise ServiceError("TrustStoreInUse", f"Trust store '{arn}' is currently in use by a listener")
        del self.trust_stores[self.trust_store(arn).arn]

    def associations(self, arn: str) -> list[str]:
        """List the load balancers whose listeners verify against a trust store."""
        return [
            balancer.arn
            for balancer in self.load_balancers.values()
            if any(mutual_authentication(each).get("TrustStoreArn") == arn for each in balancer.listeners.values())
        ]

    def read_object(self, bucket: str, key: str, version: str | None) -> bytes | None:
        """Return an S3 object that the caller is allowed to read, or None if it does not exist.

        Sources disagree whether on AWS the caller or the service reads it, and whether a version needs both actions;
        here the caller needs them.
        """
        resource = f"arn:{self.partition}:s3:::{bucket}/{key}"
        for action in ("s3:GetObject", "s3:GetObjectVersion") if version else ("s3:GetObject",):
            enforcement.require(action, resource)
        try:
            stored = s3_backends[self.account_id][self.partition].get_object(bucket, key, version)
        except MissingBucket:
            return None
        return stored.value if stored else None

    def presign(self, body: bytes) -> str:
        """Serve a body for ten minutes without credentials, and return its path."""
        now = time.monotonic()
        token = secrets.token_urlsafe(32)
        with self._presigning:
            self.presigned = {old: content for old, content in self.presigned.items() if content.expires_at > now}
            self.presigned[token] = PresignedContent(body, now + CONTENT_SECONDS)
        return f"{ANONYMOUS_PATH}{token}"

    def add_tags(self, resource_arns: list[str], tags: list[dict[str, str]]) -> None:
        """Add tags to load balancers and trust stores, all or none.

        Raises:
            ServiceError: DuplicateTagKeys or TooManyTags (API reference: AddTags); moto allows ten, and counts only
                those that a resource had before.

        """
        added = [tag["Key"] for tag in tags]
        if len(set(added)) < len(added):
            raise ServiceError("DuplicateTagKeys", "A tag key was specified more than once")
        for arn in resource_arns:
            self._get_resource_by_arn(arn)
            number, quota = len({*self.describe_tags([arn])[arn], *added}), self.settings.trust_stores.max_tags
            if number > quota:
                raise ServiceError("TooManyTags", f"'{arn}' would have {number} tags of {quota}")
        for arn in resource_arns:
            self.tagging_service.tag_resource(arn, tags)

    def modify_load_balancer_attributes(self, arn: str, attrs: dict[str, Any]) -> dict[str, Any]:
        """Set attributes, after checking the bounds of the client keep-alive."""
        seconds = attrs.get(_KEEP_ALIVE, "3600")
        if not seconds.isdecimal() or int(seconds) not in _KEEP_ALIVE_SECONDS:
            raise ServiceError("ValidationError", f"{_KEEP_ALIVE} must be between 60 and 604800, not {seconds}")
        super().modify_load_balancer_attributes(arn, attrs)
        return self.describe_load_balancer_attributes(arn)

    def describe_load_balancer_attributes(self, arn: str) -> dict[str, Any]:
        """Return all attributes; moto omits the client keep-alive until it is set."""
        return {_KEEP_ALIVE: "3600", **super().describe_load_balancer_attributes(arn)}

    def _get_resource_by_arn(self, arn: str) -> Any:  # noqa: ANN401 - moto's own signature
        return self.trust_store(arn) if ":truststore/" in arn else super()._get_resource_by_arn(arn)


def backend_of(account_id: str, region_name: str) -> TrustStoreBackend:
    """Return the load balancers and trust stores of an account and Region."""
    return cast("TrustStoreBackend", elbv2_backends[account_id][region_name])


def mutual_authentication(listener: FakeListener) -> dict[str, Any]:
    """Return a listener's MutualAuthentication; moto's listeners have none until one is set."""
    attributes: dict[str, Any] = getattr(listener, "mutual_authentication", {})
    return attributes
