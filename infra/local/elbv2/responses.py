"""The API actions of trust stores, and mutual TLS in those of listeners; moto 5.2.5 has neither."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.elb import urls as elb_urls
from moto.elbv2.models import FakeListener, elbv2_backends
from moto.elbv2.responses import ELBV2Response
from moto.moto_api._internal import urls as moto_api_urls

from infra.local.core.access_key import ANONYMOUS_PATH
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.elbv2.models import TrustStoreBackend, backend_of, mutual_authentication
from infra.local.elbv2.trust_store import RevocationList, TrustSnapshot, TrustStore

_NAME = re.compile(r"(?=.{1,32}$)([a-zA-Z0-9]+-)*[a-zA-Z0-9]+")
_MAX_PAGE_SIZE = 400


class TrustStoreResponse(ELBV2Response):
    """moto's API actions of load balancers, and those of trust stores."""

    @property
    def _backend(self) -> TrustStoreBackend:
        return backend_of(self.current_account, self.region)

    @property
    def _trust_store(self) -> TrustStore:
        return self._backend.trust_store(self.params["TrustStoreArn"])

    def create_trust_store(self) -> ActionResult:
        """Create a trust store from a bundle in S3."""
        name = self.params["Name"]
        if not _NAME.fullmatch(name):
            message = f"Trust store name '{name}' must be 1 to 32 letters and digits, joined by single hyphens"
            raise ServiceError("ValidationError", message)
        store = self._backend.create_trust_store(name, self._bundle(), self.params.get("Tags", []))
        return ActionResult({"TrustStores": [_describe_trust_store(store)]})

    def modify_trust_store(self) -> ActionResult:
        """Replace the bundle of a trust store."""
        self._backend.count_write()
        store = self._trust_store
        store.replace_bundle(self._bundle())
        return ActionResult({"TrustStores": [_describe_trust_store(store)]})

    def describe_trust_stores(self) -> ActionResult:
        """Describe trust stores: all of them, or those named by ARN or name."""
        stores = list(self._backend.trust_stores.values())
        requested = [*self.params.get("TrustStoreArns", []), *self.params.get("Names", [])]
        for arn_or_name in requested:
            if not any(arn_or_name in {store.arn, store.name} for store in stores):
                raise ServiceError("TrustStoreNotFound", f"Trust store '{arn_or_name}' not found")
        if requested:
            stores = [store for store in stores if store.arn in requested or store.name in requested]
        return self._page("TrustStores", "TrustStoreArn", [_describe_trust_store(store) for store in stores])

    def delete_trust_store(self) -> ActionResult:
        """Delete a trust store that no listener uses."""
        self._backend.count_write()
        self._backend.delete_trust_store(self.params["TrustStoreArn"])
        return EmptyResult()

    def add_trust_store_revocations(self) -> ActionResult:
        """Attach CRLs from S3; the trust store keeps a copy of the version."""
        self._backend.count_write()
        store, contents = self._trust_store, self.params.get("RevocationContents")
        if not contents:  # AWS's answer is not documented
            raise ServiceError("ValidationError", "At least one revocation content must be specified")
        added = store.add([self._revocation_content(content) for content in contents])
        return ActionResult({"TrustStoreRevocations": [describe_revocation(store, each) for each in added]})

    def describe_trust_store_revocations(self) -> ActionResult:
        """Describe the lists of a trust store: all of them, or those named by ID."""
        store = self._trust_store
        requested = self.params.get("RevocationIds", [])
        lists = [store.find_list(revocation_id) for revocation_id in requested] if requested else store.visible_lists
        return self._page("TrustStoreRevocations", "RevocationId", [describe_revocation(store, each) for each in lists])

    def remove_trust_store_revocations(self) -> ActionResult:
        """Detach lists."""
        self._backend.count_write()
        self._trust_store.remove(self.params["RevocationIds"])
        return EmptyResult()

    def get_trust_store_revocation_content(self) -> ActionResult:
        """Return a URL from which the copy of a list can be read without credentials."""
        return self._presigned(self._trust_store.find_list(self.params["RevocationId"]).pem)

    def get_trust_store_ca_certificates_bundle(self) -> ActionResult:
        """Return a URL from which the bundle can be read without credentials."""
        return self._presigned(self._trust_store.bundle)

    def describe_trust_store_associations(self) -> ActionResult:
        """List the load balancers that use a trust store."""
        arns = self._backend.associations(self._trust_store.arn)
        return self._page("TrustStoreAssociations", "ResourceArn", [{"ResourceArn": arn} for arn in arns])

    def create_listener(self) -> ActionResult:
        """Create a listener, with its mutual authentication, which is off by default."""
        return self._with_mutual_authentication(super().create_listener, default={"Mode": "off"})

    def modify_listener(self) -> ActionResult:
        """Modify a listener; its mutual authentication stays unless the request holds one."""
        return self._with_mutual_authentication(super().modify_listener, default=None)

    def _with_mutual_authentication(
        self, action: Callable[[], ActionResult], default: dict[str, Any] | None
    ) -> ActionResult:
        attributes = self.params.get("MutualAuthentication")
        if attributes is not None:
            attributes = self._check_mutual_authentication(attributes)
        result = action()
        (listener,) = cast("dict[str, list[FakeListener]]", result.result)["Listeners"]
        attributes = attributes or default
        if attributes is not None and listener.protocol == "HTTPS":
            listener.mutual_authentication = attributes  # type: ignore[attr-defined]
        return result

    def _check_mutual_authentication(self, attributes: dict[str, Any]) -> dict[str, Any]:
        mode = attributes.get("Mode", "off")
        if mode not in {"off", "passthrough", "verify"}:
            message = f"Mutual authentication mode '{mode}' must be off, passthrough or verify"
            raise ServiceError("ValidationError", message)
        if mode != "verify":
            return {"Mode": mode}
        store = self._backend.trust_store(attributes.get("TrustStoreArn", ""))
        return {
            "IgnoreClientCertificateExpiry": False,
            "AdvertiseTrustStoreCaNames": "off",
            **attributes,
            "TrustStoreArn": store.arn,
            "TrustStoreAssociationStatus": "active",
        }

    def _bundle(self) -> bytes:
        code, kind = "CaCertificatesBundleNotFound", "CA certificates bundle"
        return self._read(code, kind, self.params, "CaCertificatesBundleS3")

    def _revocation_content(self, content: dict[str, Any]) -> bytes:
        return self._read("RevocationContentNotFound", "revocation file", content, "S3")

    def _read(self, code: str, kind: str, parameters: Mapping[str, Any], prefix: str) -> bytes:
        bucket, key, version = (parameters.get(f"{prefix}{part}") for part in ("Bucket", "Key", "ObjectVersion"))
        body = self._backend.read_object(bucket or "", key or "", version)
        if body is None:
            raise ServiceError(code, f"The {kind} s3://{bucket}/{key} (version {version}) was not found")
        return body

    def _presigned(self, body: bytes) -> ActionResult:
        return ActionResult({"Location": f"http://{self.headers['Host']}{self._backend.presign(body)}"})

    def _page(self, name: str, key: str, items: Sequence[dict[str, Any]]) -> ActionResult:
        """Return one page; the marker is the key of the last item of the page before it."""
        size, marker = self.params.get("PageSize", _MAX_PAGE_SIZE), self.params.get("Marker")
        if not 1 <= size <= _MAX_PAGE_SIZE:
            raise ServiceError("ValidationError", f"PageSize must be between 1 and {_MAX_PAGE_SIZE}, not {size}")
        markers = [str(item[key]) for item in items]
        if marker is not None and marker not in markers:
            raise ServiceError("ValidationError", f"Marker '{marker}' is not valid")
        start = markers.index(marker) + 1 if marker is not None else 0
        end = start + size
        return ActionResult({name: items[start:end], "NextMarker": markers[end - 1] if end < len(items) else None})


def _describe_trust_store(store: TrustStore) -> dict[str, Any]:
    return {
        "Name": store.name,
        "TrustStoreArn": store.arn,
        "Status": store.status,
        "NumberOfCaCertificates": len(store.certificates),
        "TotalRevokedEntries": store.total_revoked_entries,
    }


def describe_revocation(store: TrustStore, attached: RevocationList) -> dict[str, Any]:
    """Return a list as DescribeTrustStoreRevocations describes it."""
    return {
        "TrustStoreArn": store.arn,
        "RevocationId": attached.revocation_id,
        "RevocationType": "CRL",
        "NumberOfRevokedEntries": attached.number_of_entries,
    }


def install(settings: Settings) -> None:
    """Add trust stores to moto's load balancers; call this before the server starts."""
    TrustStoreBackend.settings = settings
    elbv2_backends.backend = TrustStoreBackend
    elbv2_backends.clear()
    setattr(elb_urls, "ELBV2Response", TrustStoreResponse)  # noqa: B010 - moto's dispatcher looks this name up
    moto_api_urls.url_paths[f"{{0}}{ANONYMOUS_PATH}(?P<token>[^/]+)$"] = serve_content  # type: ignore[assignment]


def serve_content(request: Any, _full_url: str, _headers: Any) -> tuple[int, dict[str, str], bytes]:  # noqa: ANN401
    """Serve the content of a `presign`ed path, without credentials, as S3 serves a pre-signed URL."""
    token = request.path.rpartition("/")[2]
    for account, region, _ in elbv2_backends.iter_backends():
        content = backend_of(account, region).presigned.get(token)
        if content and content.expires_at > time.monotonic():
            return 200, {"Content-Type": "application/octet-stream"}, content.body
    return 403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code></Error>"


def trust_store(arn: str) -> TrustStore:
    """Return a trust store of the embedded AWS."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return backend_of(account, region).trust_store(arn)


def trust_snapshot_of_listener(arn: str) -> TrustSnapshot:
    """Return what a listener verifies clients against at this moment.

    Raises:
        ServiceError: TrustStoreNotFound if the listener is not in mode verify.

    """
    _, _, _, region, account, _ = arn.split(":", 5)
    (listener,) = backend_of(account, region).describe_listeners(None, [arn])
    attributes = mutual_authentication(listener)
    store = backend_of(account, region).trust_store(attributes.get("TrustStoreArn", ""))
    return store.snapshot(ignore_client_certificate_expiry=attributes.get("IgnoreClientCertificateExpiry", False))
