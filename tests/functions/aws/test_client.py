"""AWS's error codes become our errors, once; an answer that may have had an effect is never taken for a refusal."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from functions.aws import acm_pca as aws_acm_pca
from functions.aws import elbv2 as aws_elbv2
from functions.aws import s3 as aws_s3
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
from functions.pki.crl_form import MAX_BYTES
from infra.local.core import faults
from infra.local.elbv2.models import TrustStoreBackend
from tests.support.steps import A, Bench

PEM = S3Object(bucket="b", key="k", version_id="v")
PCA, ELB = "acm-pca:", "elasticloadbalancing:"
CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1"
STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/1"

CALLS: dict[str, Callable[[], object]] = {
    PCA + "DescribeCertificateAuthority": lambda: aws_acm_pca.describe_certificate_authority(CA),
    PCA + "GetCertificateAuthorityCertificate": lambda: aws_acm_pca.get_certificate_authority_certificate(CA),
    PCA + "GetCertificate": lambda: aws_acm_pca.get_certificate(CA, 0x0A),
    PCA + "RevokeCertificate": lambda: aws_acm_pca.revoke_certificate(CA, "0a:0b", "SUPERSEDED"),
    ELB + "DescribeTrustStores": lambda: aws_elbv2.describe_trust_store(STORE),
    ELB + "DescribeTrustStoreRevocations": lambda: aws_elbv2.describe_trust_store_revocations(STORE),
    ELB + "GetTrustStoreCaCertificatesBundle": lambda: aws_elbv2.get_trust_store_ca_certificates_bundle(STORE),
    ELB + "GetTrustStoreRevocationContent": lambda: aws_elbv2.get_trust_store_revocation_content(STORE, 1),
    ELB + "AddTrustStoreRevocations": lambda: aws_elbv2.add_trust_store_revocations(STORE, PEM),
    ELB + "RemoveTrustStoreRevocations": lambda: aws_elbv2.remove_trust_store_revocations(STORE, [1]),
    ELB + "DescribeTrustStoreAssociations": lambda: aws_elbv2.describe_trust_store_associations(STORE),
    ELB + "DescribeLoadBalancerAttributes": lambda: aws_elbv2.describe_load_balancer_attributes(STORE),
    "s3:GetObject": lambda: aws_s3.get_object("b", "k"),
    "s3:PutObject": lambda: aws_s3.put_object("b", "k", b"", "text/plain"),
    "s3:ListBucket": lambda: aws_s3.list_objects("b", "k"),
}
ADD, REMOVE = ELB + "AddTrustStoreRevocations", ELB + "RemoveTrustStoreRevocations"
OF_TRUST_STORE = [action for action in CALLS if "TrustStore" in action]

pytestmark = pytest.mark.usefixtures("bench", "impatient")


def refusal_of(action: str, code: str, status: int = 400) -> RevocationError:
    """Let AWS refuse a call for good, and give what is raised."""
    faults.add(action, code=code, message="the reason", times=9, status=status)
    with pytest.raises(RevocationError, match=f"{code}: the reason") as refused:
        CALLS[action]()
    return refused.value


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {PCA + "RevokeCertificate"}))
def test_refused(action: str) -> None:
    """A refusal that has no name of its own is named by operation and code."""
    refusal = refusal_of(action, "AccessDeniedException", 403)
    assert type(refusal) is AwsCallRefused
    assert str(refusal).startswith(action.partition(":")[2].replace("ListBucket", "ListObjectsV2"))


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ADD}))
def test_fault_of_the_service(action: str) -> None:
    """A 5xx that stays after the SDK's own retries is to be asked again."""
    assert type(refusal_of(action, "ServiceUnavailable", 503)) is AwsUnavailable


@pytest.mark.parametrize("action", OF_TRUST_STORE)
def test_trust_store_not_found(action: str) -> None:
    """Whichever call notices it says so."""
    assert type(refusal_of(action, "TrustStoreNotFound")) is TrustStoreNotFound


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ADD, REMOVE, PCA + "RevokeCertificate"}))
def test_reading_throttled(action: str) -> None:
    """Throttling passes."""
    assert type(refusal_of(action, "ThrottlingException")) is AwsUnavailable


@pytest.mark.parametrize("action", [ADD, REMOVE])
@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_writing_throttled(action: str, code: str) -> None:
    """The quota of trust-store writes has a name, for its retries are slow."""
    assert type(refusal_of(action, code)) is TrustStoreThrottled


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "RequestInProgressException", "ConcurrentModificationException", "RequestFailedException"],
)
def test_ca_busy(code: str) -> None:
    """What passes at Private CA has a name too."""
    assert type(refusal_of(PCA + "RevokeCertificate", code)) is CertificateAuthorityBusy


def test_revocation_refused() -> None:
    """A refusal that stays is an answer: the code, nothing more."""
    faults.add(PCA + "RevokeCertificate", code="InvalidStateException")
    assert aws_acm_pca.revoke_certificate(CA, "0a:0b", "SUPERSEDED") == "InvalidStateException"


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidArnException"])
def test_ca_not_found(code: str) -> None:
    """Two codes say that there is no such CA."""
    assert type(refusal_of(PCA + "DescribeCertificateAuthority", code)) is CertificateAuthorityNotFound


def test_trust_store_full() -> None:
    """The quota that the service itself finds exceeded."""
    assert type(refusal_of(ADD, "TooManyTrustStoreRevocationEntries")) is TrustStoreFull


@pytest.mark.parametrize("code", ["InternalFailure", "ServiceUnavailable"])
def test_adding_unclear(bench: Bench, code: str) -> None:
    """After a 5xx nobody knows whether the list was added, and it is sent once only."""
    seen: list[str] = []
    faults.observe(lambda action, _: seen.append(action))
    faults.add(ADD, code=code, times=9)
    with pytest.raises(aws_elbv2.AnswerUnclear, match=code):
        aws_elbv2.add_trust_store_revocations(bench.trust_store_arn, PEM)
    assert seen == [ADD]


def test_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that does not answer at all is to be asked again, and an add without an answer is unclear."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(aws_elbv2, "_elbv2", aws_elbv2._elbv2.__wrapped__)  # noqa: SLF001 - a client of its own
    for name, value in (
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsUnavailable, match=r"DescribeTrustStores on .* got no answer"):
        aws_elbv2.describe_trust_store(STORE)
    with pytest.raises(aws_elbv2.AnswerUnclear):
        aws_elbv2.add_trust_store_revocations(STORE, PEM)


def test_no_trust_store_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer is no trust store."""
    monkeypatch.setattr(TrustStoreBackend, "trust_stores", {}, raising=False)
    client = aws_elbv2._elbv2()  # noqa: SLF001
    monkeypatch.setattr(client, "describe_trust_stores", lambda **_: {"TrustStores": []})
    with pytest.raises(TrustStoreNotFound, match="does not know"):
        aws_elbv2.describe_trust_store(STORE)


def test_list_gone(bench: Bench) -> None:
    """A list that is not there is no error: a peer may have removed it."""
    assert aws_elbv2.get_trust_store_revocation_content(bench.trust_store_arn, 7) is None
    assert aws_elbv2.remove_trust_store_revocations(bench.trust_store_arn, [7]) is False


def test_lists_in_order(bench: Bench) -> None:
    """Lists come lowest id first."""
    ids = [bench.add(bench.authority.crl([A], number=number)) for number in (1, 2, 3)]
    found = aws_elbv2.describe_trust_store_revocations(bench.trust_store_arn)
    assert [each["RevocationId"] for each in found] == ids


class _Once(BaseHTTPRequestHandler):
    """Answers as it is told."""

    status, body, length = 200, b"", 0

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.length or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> object:
    """Serve what a pre-signed address points to, and give the address."""
    server = HTTPServer(("127.0.0.1", 0), _Once)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    location = f"http://127.0.0.1:{server.server_port}/list?X-Amz-Signature=secret"
    client = aws_elbv2._elbv2()  # noqa: SLF001
    monkeypatch.setattr(client, "get_trust_store_revocation_content", lambda **_: {"Location": location})
    yield location
    server.shutdown()
    thread.join()
    server.server_close()


def told(error: BaseException | None) -> str:
    """Give all that an error and its visible causes say."""
    said = ""
    while error is not None:
        said += str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return said


@pytest.mark.usefixtures("address")
def test_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The very bytes."""
    monkeypatch.setattr(_Once, "body", b"bytes")
    assert aws_elbv2.get_trust_store_revocation_content(STORE, 1) == b"bytes"


@pytest.mark.usefixtures("address")
def test_address_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one is got by asking again; the old one is in no message."""
    monkeypatch.setattr(_Once, "status", 403)
    with pytest.raises(AwsUnavailable, match=r"reading list 1 of .* was answered with HTTP 403") as refused:
        aws_elbv2.get_trust_store_revocation_content(STORE, 1)
    assert "secret" not in told(refused.value)


@pytest.mark.usefixtures("address")
def test_content_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a list is no list."""
    monkeypatch.setattr(_Once, "body", b"half")
    monkeypatch.setattr(_Once, "length", 8)
    with pytest.raises(AwsUnavailable, match=r"reading list 1 of .* failed: ProtocolError") as refused:
        aws_elbv2.get_trust_store_revocation_content(STORE, 1)
    assert "secret" not in told(refused.value)


def test_address_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is a secret, also in the cause of the error."""
    client = aws_elbv2._elbv2()  # noqa: SLF001
    answer = {"Location": "http://127.0.0.1:9/list?X-Amz-Signature=secret"}
    monkeypatch.setattr(client, "get_trust_store_revocation_content", lambda **_: answer)
    with pytest.raises(AwsUnavailable, match="failed: NewConnectionError") as refused:
        aws_elbv2.get_trust_store_revocation_content(STORE, 1)
    assert "secret" not in told(refused.value)


@pytest.mark.usefixtures("address")
def test_content_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read than a trust store can hold."""
    monkeypatch.setattr(_Once, "body", b"12345")
    monkeypatch.setattr(aws_elbv2, "MAX_BYTES", 4)
    with pytest.raises(CrlTooLarge, match=r"list 1 of .* is larger than 4 bytes"):
        aws_elbv2.get_trust_store_revocation_content(STORE, 1)


def test_object(bench: Bench) -> None:
    """What was written is read by its version, whatever lies there now."""
    first = aws_s3.put_object(bench.bucket, f"{bench.name}/o", b"1", "text/plain")
    aws_s3.put_object(bench.bucket, f"{bench.name}/o", b"2", "text/plain")
    fetched = aws_s3.get_object(first.bucket, first.key, version_id=first.version_id)
    assert fetched is not None
    assert (fetched.body, fetched.version) == (b"1", first)
    assert aws_s3.list_objects(bench.bucket, f"{bench.name}/") == [first.key]


def test_object_unchanged(bench: Bench) -> None:
    """An object that was read before is not sent again."""
    etag = bench.publish(b"crl")
    with pytest.raises(aws_s3.ObjectUnchanged):
        aws_s3.get_object(*bench.crl_location, unless_etag=etag)
    bench.publish(b"another")
    assert aws_s3.get_object(*bench.crl_location, unless_etag=etag) is not None


def test_object_absent(bench: Bench) -> None:
    """Absence is an answer."""
    assert aws_s3.get_object(*bench.crl_location) is None
    assert aws_s3.head_object_etag(*bench.crl_location) is None
    etag = bench.publish(b"crl")
    assert aws_s3.head_object_etag(*bench.crl_location) == etag


def test_object_too_large(bench: Bench) -> None:
    """An object is not read when it is larger than any CRL."""
    bench.publish(b"12345")
    with pytest.raises(CrlTooLarge, match="has 5 bytes, more than 4"):
        aws_s3.get_object(*bench.crl_location, max_bytes=4)
    assert MAX_BYTES == 50 * 1024 * 1024


def test_head_refused() -> None:
    """A head request has no body that says why, only a status."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(AwsCallRefused, match="HeadObject on s3://b/k was refused: 403"):
        aws_s3.head_object_etag("b", "k")


def test_load_balancer(bench: Bench) -> None:
    """A trust store is asked what it hangs on, and that for its attributes."""
    (arn,) = aws_elbv2.describe_trust_store_associations(bench.lab.trust_store_arn)
    assert aws_elbv2.describe_load_balancer_attributes(arn)["client_keep_alive.seconds"] == "3600"
