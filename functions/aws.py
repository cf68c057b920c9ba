"""Every call of Private CA, load balancing and S3: one function per API action, AWS's error codes made our errors."""

import functools
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from functions.crl import MAX_BYTES
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
from functions.model import S3Object

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TrustStoreRevocationTypeDef, TrustStoreTypeDef
    from mypy_boto3_s3 import S3Client

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)
# AddTrustStoreRevocations has no client token: sent twice, it adds two lists.
_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
_THROTTLED = ("Throttling", "ThrottlingException", "RequestLimitExceeded")
_SERVER_FAULT = 500


# Clients may be used by several threads at once, but not created (boto3: guide/clients, multithreading).
_creating = threading.Lock()


class AnswerUnclear(Exception):
    """A call that must not be repeated blindly may or may not have taken effect."""


@contextmanager
def named(action: str, thing: str, **codes: type[RevocationError]) -> Iterator[None]:
    """Make our errors of AWS's: those of `codes` by name, what may pass AwsUnavailable, all others AwsCallRefused."""
    try:
        yield
    except ClientError as refusal:
        code = refusal.response["Error"]["Code"]
        text = f"{action} on {thing} was refused: {code}: {refusal.response['Error'].get('Message', '')}"
        if code in codes:
            raise codes[code](text) from refusal
        if refusal.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_FAULT or code in _THROTTLED:
            raise AwsUnavailable(text) from refusal
        raise AwsCallRefused(text) from refusal
    except (HTTPClientError, BotoConnectionError, IncompleteReadError, ResponseStreamingError) as fault:
        raise AwsUnavailable(f"{action} on {thing} got no answer: {fault}") from fault


# ----------------------------------------------------------------------------------------- AWS Private CA


@functools.cache
def _acm_pca() -> "ACMPCAClient":
    with _creating:
        return boto3.client("acm-pca", config=PATIENT)


def describe_certificate_authority(arn: str) -> dict[str, Any]:
    """Give status, type and revocation configuration of a CA."""
    gone = CertificateAuthorityNotFound
    with named("DescribeCertificateAuthority", arn, ResourceNotFoundException=gone, InvalidArnException=gone):
        answer = _acm_pca().describe_certificate_authority(CertificateAuthorityArn=arn)
    return dict(answer["CertificateAuthority"])


def get_certificate_authority_certificate(arn: str) -> tuple[str, str]:
    """Give the CA's certificate and the chain above it, both PEM (the chain is empty for a root)."""
    with named("GetCertificateAuthorityCertificate", arn):
        answer = _acm_pca().get_certificate_authority_certificate(CertificateAuthorityArn=arn)
    return answer["Certificate"], answer.get("CertificateChain", "")


def get_certificate(certificate_authority_arn: str, serial: int) -> str:
    """Give a certificate that the CA issued, PEM.

    Its ARN ends in its serial: as 32 hexadecimal digits in Private CA's events, in decimal in the samples of its API.

    """
    try:
        return _get_certificate(certificate_authority_arn, f"{serial:032x}")
    except AwsCallRefused as refusal:
        if code_of(refusal) != "ResourceNotFoundException":
            raise
        return _get_certificate(certificate_authority_arn, str(serial))


def _get_certificate(certificate_authority_arn: str, name: str) -> str:
    arn = f"{certificate_authority_arn}/certificate/{name}"
    with named("GetCertificate", arn):
        answer = _acm_pca().get_certificate(CertificateAuthorityArn=certificate_authority_arn, CertificateArn=arn)
    return answer["Certificate"]


def revoke_certificate(certificate_authority_arn: str, serial: str, reason: str) -> str | None:
    """Revoke one certificate; give the code of a refusal that will stay, or None when it is revoked now.

    Raises:
        CertificateAuthorityBusy: throttled, or the CA is at work on something else; to be asked again.
        AwsUnavailable: no answer; to be asked again, which is safe.

    """
    busy = dict.fromkeys(
        (
            *_THROTTLED,
            "RequestInProgressException",
            "ConcurrentModificationException",
            "RequestFailedException",
        ),
        CertificateAuthorityBusy,
    )
    try:
        with named("RevokeCertificate", f"serial {serial}", **busy):
            _acm_pca().revoke_certificate(
                CertificateAuthorityArn=certificate_authority_arn,
                CertificateSerial=serial,
                RevocationReason=reason,  # type: ignore[arg-type] # a StrEnum of the same values
            )
    except AwsCallRefused as refusal:
        return code_of(refusal)
    return None


def code_of(refusal: AwsCallRefused) -> str:
    """Give AWS's own code of a refusal."""
    assert isinstance(refusal.__cause__, ClientError)  # noqa: S101 - named chains it
    return str(refusal.__cause__.response["Error"]["Code"])


# --------------------------------------------------------------------------------------- Elastic Load Balancing


@functools.cache
def _elbv2(config: Config = PATIENT) -> "ElasticLoadBalancingv2Client":
    return boto3.client("elbv2", config=config)


def describe_trust_store(arn: str) -> "TrustStoreTypeDef":
    """Give a trust store's name, status and TotalRevokedEntries."""
    with named("DescribeTrustStores", arn, TrustStoreNotFound=TrustStoreNotFound):
        stores = _elbv2().describe_trust_stores(TrustStoreArns=[arn])["TrustStores"]
    if not stores:
        raise TrustStoreNotFound(f"DescribeTrustStores does not know {arn}")
    return stores[0]


def describe_trust_stores() -> "list[TrustStoreTypeDef]":
    """Give all trust stores of the account and Region."""
    with named("DescribeTrustStores", "the account"):
        pages = _elbv2().get_paginator("describe_trust_stores").paginate()
        return [store for page in pages for store in page["TrustStores"]]


def describe_trust_store_revocations(arn: str) -> "list[TrustStoreRevocationTypeDef]":
    """Give all lists of a trust store, lowest RevocationId first."""
    with named("DescribeTrustStoreRevocations", arn, TrustStoreNotFound=TrustStoreNotFound):
        pages = _elbv2().get_paginator("describe_trust_store_revocations").paginate(TrustStoreArn=arn)
        found = [revocation for page in pages for revocation in page["TrustStoreRevocations"]]
    return sorted(found, key=lambda revocation: revocation["RevocationId"])


def get_trust_store_ca_certificates_bundle(arn: str) -> bytes:
    """Give the trust store's CA certificates, PEM."""
    with named("GetTrustStoreCaCertificatesBundle", arn, TrustStoreNotFound=TrustStoreNotFound):
        location = _elbv2().get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)["Location"]
    return _download(location, f"the CA bundle of {arn}")


def get_trust_store_revocation_content(arn: str, revocation_id: int) -> bytes | None:
    """Give the very bytes (PEM) that the trust store holds under an id, or None when the id is gone."""
    try:
        with named("GetTrustStoreRevocationContent", arn, TrustStoreNotFound=TrustStoreNotFound):
            answer = _elbv2().get_trust_store_revocation_content(TrustStoreArn=arn, RevocationId=revocation_id)
    except AwsCallRefused as refusal:
        if code_of(refusal) == "RevocationIdNotFound":
            return None
        raise
    return _download(answer["Location"], f"list {revocation_id} of {arn}")


def _download(location: str, thing: str) -> bytes:
    """Read a pre-signed address; it is a secret for its ten minutes, so no message and no cause shows it.

    urllib3 would log the address when it tries again; so it does not, and the state machine does.

    """
    try:
        with closing(
            urllib3.PoolManager(timeout=30, retries=False).request("GET", location, preload_content=False)
        ) as answer:
            body: bytes = answer.read(MAX_BYTES + 1)
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise AwsUnavailable(f"reading {thing} was answered with HTTP {answer.status}")
    except urllib3.exceptions.HTTPError as fault:
        raise AwsUnavailable(f"reading {thing} failed: {type(fault).__name__}") from None
    if len(body) > MAX_BYTES:
        raise CrlTooLarge(f"{thing} is larger than {MAX_BYTES} bytes")
    return body


def add_trust_store_revocations(arn: str, pem: S3Object) -> int:
    """Add one list and give its RevocationId.

    Raises:
        AnswerUnclear: nobody knows whether it was added; look before asking again.
        TrustStoreFull, TrustStoreThrottled, TrustStoreNotFound, AwsCallRefused: it was not added.

    """
    content = {"S3Bucket": pem.bucket, "S3Key": pem.key, "S3ObjectVersion": pem.version_id}
    codes: dict[str, type[RevocationError]] = dict.fromkeys(_THROTTLED, TrustStoreThrottled)
    try:
        with named(
            "AddTrustStoreRevocations",
            arn,
            TrustStoreNotFound=TrustStoreNotFound,
            TooManyTrustStoreRevocationEntries=TrustStoreFull,
            **codes,
        ):
            answer = _elbv2(_ONCE).add_trust_store_revocations(
                TrustStoreArn=arn,
                RevocationContents=[{**content, "RevocationType": "CRL"}],  # type: ignore[typeddict-item]
            )
    except AwsUnavailable as fault:
        raise AnswerUnclear(str(fault)) from fault
    added = answer.get("TrustStoreRevocations", [])
    if len(added) != 1 or "RevocationId" not in added[0]:
        raise AnswerUnclear(f"AddTrustStoreRevocations on {arn} answered with {len(added)} lists instead of one")
    return added[0]["RevocationId"]


def remove_trust_store_revocations(arn: str, revocation_ids: list[int]) -> bool:
    """Remove lists; False when one of them was gone already (whether the others went is not documented)."""
    codes: dict[str, type[RevocationError]] = dict.fromkeys(_THROTTLED, TrustStoreThrottled)
    try:
        with named("RemoveTrustStoreRevocations", arn, TrustStoreNotFound=TrustStoreNotFound, **codes):
            _elbv2().remove_trust_store_revocations(TrustStoreArn=arn, RevocationIds=revocation_ids)
    except AwsCallRefused as refusal:
        if code_of(refusal) == "RevocationIdNotFound":
            return False
        raise
    return True


def describe_trust_store_associations(arn: str) -> list[str]:
    """Give the ARNs of what the trust store hangs on."""
    with named("DescribeTrustStoreAssociations", arn, TrustStoreNotFound=TrustStoreNotFound):
        pages = _elbv2().get_paginator("describe_trust_store_associations").paginate(TrustStoreArn=arn)
        return [found["ResourceArn"] for page in pages for found in page["TrustStoreAssociations"]]


def describe_load_balancer_attributes(arn: str) -> dict[str, str]:
    """Give a load balancer's attributes by key."""
    with named("DescribeLoadBalancerAttributes", arn):
        answer = _elbv2().describe_load_balancer_attributes(LoadBalancerArn=arn)
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}


# ------------------------------------------------------------------------------------------------- Amazon S3


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3", config=PATIENT)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object's body with what names this very version."""

    body: bytes
    version: S3Object
    etag: str


class ObjectUnchanged(Exception):
    """The object is still the one whose ETag was given."""


def get_object(
    bucket: str,
    key: str,
    *,
    version_id: str | None = None,
    unless_etag: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Fetched | None:
    """Read an object of at most a CRL's size, or None when there is none.

    Raises:
        ObjectUnchanged: its ETag is still `unless_etag`.
        CrlTooLarge: it is larger than `max_bytes`, and was not downloaded.

    """
    options = {"VersionId": version_id, "IfNoneMatch": unless_etag}
    thing = f"s3://{bucket}/{key}"
    try:
        with named("GetObject", thing):
            answer = _s3().get_object(Bucket=bucket, Key=key, **{k: v for k, v in options.items() if v})  # type: ignore[arg-type]
            if answer["ContentLength"] > max_bytes:
                raise CrlTooLarge(f"{thing} has {answer['ContentLength']:,} bytes, more than {max_bytes:,}")
            body = answer["Body"].read()
    except AwsCallRefused as refusal:
        if code_of(refusal) in ("304", "NotModified"):
            raise ObjectUnchanged from None
        if code_of(refusal) in ("NoSuchKey", "NoSuchVersion"):
            return None
        raise
    version = S3Object(bucket=bucket, key=key, version_id=answer.get("VersionId", "null"))
    return Fetched(body, version, answer["ETag"])


def head_object_etag(bucket: str, key: str) -> str | None:
    """Give an object's ETag, or None when there is none."""
    try:
        with named("HeadObject", f"s3://{bucket}/{key}"):
            return _s3().head_object(Bucket=bucket, Key=key)["ETag"]
    except AwsCallRefused as refusal:
        if code_of(refusal) in ("404", "NoSuchKey"):
            return None
        raise


def put_object(bucket: str, key: str, body: bytes | IO[bytes], content_type: str) -> S3Object:
    """Write an object and give the version written; the bucket must be versioned."""
    with named("PutObject", f"s3://{bucket}/{key}"):
        answer = _s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return S3Object(bucket=bucket, key=key, version_id=answer["VersionId"])


class ObjectChanged(Exception):
    """Somebody else has written the object meanwhile."""


def replace_object(bucket: str, key: str, body: bytes, *, etag: str | None) -> None:
    """Write an object where there is none (no ETag), or still the one with this ETag.

    Raises:
        ObjectChanged: it is not so any more.

    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        with named("PutObject", f"s3://{bucket}/{key}"):
            _s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition)  # type: ignore[arg-type]
    except AwsCallRefused as refusal:
        if code_of(refusal) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
            raise ObjectChanged from None
        raise


def list_objects(bucket: str, prefix: str) -> list[str]:
    """Give the keys under a prefix."""
    with named("ListObjectsV2", f"s3://{bucket}/{prefix}"):
        pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]
