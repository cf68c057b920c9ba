"""AWS's error codes become our errors in one place; a call that may have taken effect is never reported as refused."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions import limits
from functions.aws import acm_pca, elbv2, s3
from functions.errors import (
    AwsCallRefused,
    AwsUnavailable,
    CertificateAuthorityBusy,
    CertificateAuthorityNotFound,
    CrlTooLarge,
    RevocationError,
    TrustStoreFull,
    TrustStoreNotFound,
    TrustStoreThrottled,
)
from functions.models.base import S3Object
from infra.local.core import faults
from infra.local.elbv2.models import TrustStoreBackend
from tests.support.steps import A, Steps

PEM = S3Object(bucket="b", key="k", version_id="v")
ACM_PCA, ELBV2 = "acm-pca:", "elasticloadbalancing:"
CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1"
TRUST_STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/1"

CALLS: dict[str, Callable[[], object]] = {
    ACM_PCA + "DescribeCertificateAuthority": lambda: acm_pca.describe_certificate_authority(CA),
    ACM_PCA + "GetCertificateAuthorityCertificate": lambda: acm_pca.get_certificate_authority_certificate(CA),
    ACM_PCA + "GetCertificate": lambda: acm_pca.get_certificate(CA, 0x0A),
    ACM_PCA + "RevokeCertificate": lambda: acm_pca.revoke_certificate(CA, "0a:0b", "SUPERSEDED"),
    ELBV2 + "DescribeTrustStores": lambda: elbv2.describe_trust_store(TRUST_STORE),
    ELBV2 + "DescribeTrustStoreRevocations": lambda: elbv2.describe_trust_store_revocations(TRUST_STORE),
    ELBV2 + "GetTrustStoreCaCertificatesBundle": lambda: elbv2.get_trust_store_ca_certificates_bundle(TRUST_STORE),
    ELBV2 + "GetTrustStoreRevocationContent": lambda: elbv2.get_trust_store_revocation_content(TRUST_STORE, 1),
    ELBV2 + "AddTrustStoreRevocations": lambda: elbv2.add_trust_store_revocations(TRUST_STORE, PEM),
    ELBV2 + "RemoveTrustStoreRevocations": lambda: elbv2.remove_trust_store_revocations(TRUST_STORE, [1]),
    ELBV2 + "DescribeTrustStoreAssociations": lambda: elbv2.describe_trust_store_associations(TRUST_STORE),
    ELBV2 + "DescribeLoadBalancerAttributes": lambda: elbv2.describe_load_balancer_attributes(TRUST_STORE),
    "s3:GetObject": lambda: s3.get_object("b", "k"),
    "s3:PutObject": lambda: s3.put_object("b", "k", b"", "text/plain"),
    "s3:ListBucket": lambda: s3.list_objects("b", "k"),
}
ADD, REMOVE = ELBV2 + "AddTrustStoreRevocations", ELBV2 + "RemoveTrustStoreRevocations"
TRUST_STORE_ACTIONS = [action for action in CALLS if "TrustStore" in action]

pytestmark = pytest.mark.usefixtures("steps", "no_retry_delay")


def error_of(action: str, code: str, status: int = 400) -> RevocationError:
    """Return the error raised when AWS answers every attempt of a call with an error code."""
    faults.add(action, code=code, message="the reason", times=9, status=status)
    with pytest.raises(RevocationError, match=f"{code}: the reason") as raised:
        CALLS[action]()
    return raised.value


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ACM_PCA + "RevokeCertificate"}))
def test_refused(action: str) -> None:
    """An error code without an error class of its own is reported with operation and code."""
    error = error_of(action, "AccessDeniedException", 403)
    assert type(error) is AwsCallRefused
    assert str(error).startswith(action.partition(":")[2].replace("ListBucket", "ListObjectsV2"))


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ADD}))
def test_server_fault(action: str) -> None:
    """A 5xx that outlasts the SDK's own retries may be retried later."""
    assert type(error_of(action, "ServiceUnavailable", 503)) is AwsUnavailable


@pytest.mark.parametrize("action", TRUST_STORE_ACTIONS)
def test_trust_store_not_found(action: str) -> None:
    """Every call on a trust store raises TrustStoreNotFound."""
    assert type(error_of(action, "TrustStoreNotFound")) is TrustStoreNotFound


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ADD, REMOVE, ACM_PCA + "RevokeCertificate"}))
def test_reading_throttled(action: str) -> None:
    """Throttling of a read may be retried later."""
    assert type(error_of(action, "ThrottlingException")) is AwsUnavailable


@pytest.mark.parametrize("action", [ADD, REMOVE])
@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_writing_throttled(action: str, code: str) -> None:
    """Throttling of trust-store writes has an error of its own, because its retries are slow."""
    assert type(error_of(action, code)) is TrustStoreThrottled


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "RequestInProgressException", "ConcurrentModificationException", "RequestFailedException"],
)
def test_ca_busy(code: str) -> None:
    """A temporary error of Private CA has an error of its own."""
    assert type(error_of(ACM_PCA + "RevokeCertificate", code)) is CertificateAuthorityBusy


def test_revocation_refused() -> None:
    """A permanent refusal is returned as its code."""
    faults.add(ACM_PCA + "RevokeCertificate", code="InvalidStateException")
    assert acm_pca.revoke_certificate(CA, "0a:0b", "SUPERSEDED") == "InvalidStateException"


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidArnException"])
def test_ca_not_found(code: str) -> None:
    """Two error codes mean that there is no such CA."""
    assert type(error_of(ACM_PCA + "DescribeCertificateAuthority", code)) is CertificateAuthorityNotFound


def test_trust_store_full() -> None:
    """The service refuses a list that exceeds its quota of entries."""
    assert type(error_of(ADD, "TooManyTrustStoreRevocationEntries")) is TrustStoreFull


@pytest.mark.parametrize("code", ["InternalFailure", "ServiceUnavailable"])
def test_result_of_add_unknown(steps: Steps, code: str) -> None:
    """After a 5xx it is unknown whether the list was added, so the call is sent only once."""
    actions: list[str] = []
    faults.observe(lambda action, _: actions.append(action))
    faults.add(ADD, code=code, times=9)
    with pytest.raises(elbv2.ResultUnknown, match=code):
        elbv2.add_trust_store_revocations(steps.trust_store_arn, PEM)
    assert actions == [ADD]


def test_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without an answer may be retried later; an add without an answer has an unknown result."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(elbv2, "_elbv2", elbv2._elbv2.__wrapped__)  # noqa: SLF001 - a client of its own
    for name, value in (
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsUnavailable, match=r"DescribeTrustStores on .* got no answer"):
        elbv2.describe_trust_store(TRUST_STORE)
    with pytest.raises(elbv2.ResultUnknown):
        elbv2.add_trust_store_revocations(TRUST_STORE, PEM)


def test_no_trust_store_in_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty response means that there is no such trust store."""
    monkeypatch.setattr(TrustStoreBackend, "trust_stores", {}, raising=False)
    client = elbv2._elbv2()  # noqa: SLF001
    monkeypatch.setattr(client, "describe_trust_stores", lambda **_: {"TrustStores": []})
    with pytest.raises(TrustStoreNotFound, match="does not know"):
        elbv2.describe_trust_store(TRUST_STORE)


def test_list_absent(steps: Steps) -> None:
    """A missing list is not an error: another execution may have removed it."""
    assert elbv2.get_trust_store_revocation_content(steps.trust_store_arn, 7) is None
    assert elbv2.remove_trust_store_revocations(steps.trust_store_arn, [7]) is False


def test_lists_in_order(steps: Steps) -> None:
    """Lists are returned lowest id first."""
    ids = [steps.add(steps.authority.crl([A], number=number)) for number in (1, 2, 3)]
    revocations = elbv2.describe_trust_store_revocations(steps.trust_store_arn)
    assert [revocation["RevocationId"] for revocation in revocations] == ids


class _Handler(BaseHTTPRequestHandler):
    """Answers with the status and body that a test sets."""

    status, body, length = 200, b"", 0

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.length or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def presigned_url(monkeypatch: pytest.MonkeyPatch) -> object:
    """Serve the content of a pre-signed URL and return the URL."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    location = f"http://127.0.0.1:{server.server_port}/list?X-Amz-Signature=secret"
    client = elbv2._elbv2()  # noqa: SLF001
    monkeypatch.setattr(client, "get_trust_store_revocation_content", lambda **_: {"Location": location})
    yield location
    server.shutdown()
    thread.join()
    server.server_close()


def message_with_causes(error: BaseException | None) -> str:
    """Return the messages of an error and its visible causes."""
    message = ""
    while error is not None:
        message += str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return message


@pytest.mark.usefixtures("presigned_url")
def test_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact bytes are returned."""
    monkeypatch.setattr(_Handler, "body", b"bytes")
    assert elbv2.get_trust_store_revocation_content(TRUST_STORE, 1) == b"bytes"


@pytest.mark.usefixtures("presigned_url")
def test_presigned_url_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry gets a new URL; the expired one is not in the message."""
    monkeypatch.setattr(_Handler, "status", 403)
    with pytest.raises(AwsUnavailable, match=r"reading list 1 of .* failed: HTTP 403") as raised:
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    assert "secret" not in message_with_causes(raised.value)


@pytest.mark.usefixtures("presigned_url")
def test_content_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A truncated list is refused."""
    monkeypatch.setattr(_Handler, "body", b"half")
    monkeypatch.setattr(_Handler, "length", 8)
    with pytest.raises(AwsUnavailable, match=r"reading list 1 of .* failed: ProtocolError") as raised:
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    assert "secret" not in message_with_causes(raised.value)


def test_presigned_url_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL is a secret, also in the cause of the error."""
    client = elbv2._elbv2()  # noqa: SLF001
    response = {"Location": "http://127.0.0.1:9/list?X-Amz-Signature=secret"}
    monkeypatch.setattr(client, "get_trust_store_revocation_content", lambda **_: response)
    with pytest.raises(AwsUnavailable, match="failed: NewConnectionError") as raised:
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)
    assert "secret" not in message_with_causes(raised.value)


@pytest.mark.usefixtures("presigned_url")
def test_content_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most the size of a list that a trust store accepts is read."""
    monkeypatch.setattr(_Handler, "body", b"12345")
    monkeypatch.setattr(limits, "MAX_CRL_BYTES", 4)
    with pytest.raises(CrlTooLarge, match=r"list 1 of .* is larger than 4 bytes"):
        elbv2.get_trust_store_revocation_content(TRUST_STORE, 1)


def test_object(steps: Steps) -> None:
    """An object is read by the version that was written, even if there is a newer one."""
    first = s3.put_object(steps.bucket, f"{steps.name}/o", b"1", "text/plain")
    s3.put_object(steps.bucket, f"{steps.name}/o", b"2", "text/plain")
    fetched = s3.get_object(first.bucket, first.key, version_id=first.version_id)
    assert fetched is not None
    assert (fetched.body, fetched.version) == (b"1", first)
    assert s3.list_objects(steps.bucket, f"{steps.name}/") == [first.key]


def test_object_unchanged(steps: Steps) -> None:
    """An object with a known ETag is not downloaded again."""
    etag = steps.publish(b"crl")
    with pytest.raises(s3.ObjectUnchanged):
        s3.get_object(*steps.crl_location, unless_etag=etag)
    steps.publish(b"another")
    assert s3.get_object(*steps.crl_location, unless_etag=etag) is not None


def test_object_absent(steps: Steps) -> None:
    """A missing object is None, not an error."""
    assert s3.get_object(*steps.crl_location) is None
    assert s3.head_object_etag(*steps.crl_location) is None
    etag = steps.publish(b"crl")
    assert s3.head_object_etag(*steps.crl_location) == etag


def test_object_too_large(steps: Steps) -> None:
    """An object that is larger than a CRL may be is not downloaded."""
    steps.publish(b"12345")
    with pytest.raises(CrlTooLarge, match="has 5 bytes, more than 4"):
        s3.get_object(*steps.crl_location, max_bytes=4)
    assert limits.MAX_CRL_BYTES == 50 * 1024 * 1024


def test_head_refused() -> None:
    """A HEAD response has no body with an error code, only a status."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(AwsCallRefused, match="HeadObject on s3://b/k was refused: 403"):
        s3.head_object_etag("b", "k")


def test_load_balancer(steps: Steps) -> None:
    """A trust store's load balancers and their attributes can be looked up."""
    (arn,) = elbv2.describe_trust_store_associations(steps.lab.trust_store_arn)
    assert elbv2.describe_load_balancer_attributes(arn)["client_keep_alive.seconds"] == "3600"
