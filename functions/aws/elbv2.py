"""Every call of Elastic Load Balancing: one function per API action."""

import functools
from contextlib import closing
from typing import TYPE_CHECKING

import boto3
import urllib3
from botocore.config import Config

from functions import limits
from functions.aws.client import PATIENT, THROTTLED, error_code, translate_errors
from functions.errors import (
    AwsCallRefused,
    AwsUnavailable,
    CrlTooLarge,
    RevocationError,
    TrustStoreFull,
    TrustStoreNotFound,
    TrustStoreThrottled,
)
from functions.models.base import S3Object

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TrustStoreRevocationTypeDef, TrustStoreTypeDef

_PEM_END = b"-----END "
# AddTrustStoreRevocations has no client token: sent twice, it adds two lists.
_NO_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=60)


class ResultUnknown(Exception):
    """A call that is not safe to repeat may or may not have taken effect."""


@functools.cache
def _elbv2(config: Config = PATIENT) -> "ElasticLoadBalancingv2Client":
    return boto3.client("elbv2", config=config)


def describe_trust_store(arn: str) -> "TrustStoreTypeDef":
    """Return a trust store's name, status and TotalRevokedEntries."""
    with translate_errors("DescribeTrustStores", arn, TrustStoreNotFound=TrustStoreNotFound):
        trust_stores = _elbv2().describe_trust_stores(TrustStoreArns=[arn])["TrustStores"]
    if not trust_stores:
        raise TrustStoreNotFound(f"DescribeTrustStores does not know {arn}")
    return trust_stores[0]


def describe_trust_stores() -> "list[TrustStoreTypeDef]":
    """Return all trust stores of the account and Region."""
    with translate_errors("DescribeTrustStores", "the account"):
        pages = _elbv2().get_paginator("describe_trust_stores").paginate()
        return [trust_store for page in pages for trust_store in page["TrustStores"]]


def describe_trust_store_revocations(arn: str) -> "list[TrustStoreRevocationTypeDef]":
    """Return all revocation lists of a trust store, lowest RevocationId first."""
    with translate_errors("DescribeTrustStoreRevocations", arn, TrustStoreNotFound=TrustStoreNotFound):
        pages = _elbv2().get_paginator("describe_trust_store_revocations").paginate(TrustStoreArn=arn)
        revocations = [revocation for page in pages for revocation in page["TrustStoreRevocations"]]
        return sorted(revocations, key=lambda revocation: revocation["RevocationId"])


def get_trust_store_ca_certificates_bundle(arn: str) -> bytes:
    """Return the trust store's CA certificates, PEM."""
    with translate_errors("GetTrustStoreCaCertificatesBundle", arn, TrustStoreNotFound=TrustStoreNotFound):
        location = _elbv2().get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)["Location"]
    return _download(location, f"the CA bundle of {arn}")


def get_trust_store_revocation_content(arn: str, revocation_id: int) -> bytes | None:
    """Return the exact bytes (PEM) that the trust store holds under an id, or None if the id no longer exists."""
    try:
        with translate_errors("GetTrustStoreRevocationContent", arn, TrustStoreNotFound=TrustStoreNotFound):
            response = _elbv2().get_trust_store_revocation_content(TrustStoreArn=arn, RevocationId=revocation_id)
            location = response["Location"]
    except AwsCallRefused as error:
        if error_code(error) == "RevocationIdNotFound":
            return None
        raise
    return _download(location, f"list {revocation_id} of {arn}")


def _download(url: str, label: str) -> bytes:
    """Read a pre-signed URL; it is a secret for its ten minutes, so no message or chained cause contains it.

    urllib3 logs the URL when it retries, so retries are left to the state machine.

    """
    try:
        with closing(
            urllib3.PoolManager(timeout=30, retries=False).request("GET", url, preload_content=False)
        ) as response:
            body: bytes = response.read(limits.MAX_CRL_BYTES + 1)
            if response.status != 200:  # noqa: PLR2004 - OK
                raise AwsUnavailable(f"reading {label} failed: HTTP {response.status}")
    except urllib3.exceptions.HTTPError as error:
        raise AwsUnavailable(f"reading {label} failed: {type(error).__name__}") from None
    if len(body) > limits.MAX_CRL_BYTES:
        raise CrlTooLarge(f"{label} is larger than {limits.MAX_CRL_BYTES} bytes")
    if _PEM_END not in body:  # neither another CA's list nor a bundle without this CA: it has to be read again
        raise AwsUnavailable(f"reading {label} gave {len(body)} bytes, and not one whole PEM block")
    return body


def add_trust_store_revocations(arn: str, pem: S3Object) -> int:
    """Add one list and return its RevocationId.

    Raises:
        ResultUnknown: it may or may not have been added; check before adding again.
        TrustStoreFull, TrustStoreThrottled, TrustStoreNotFound, AwsCallRefused: it was not added.

    """
    content = {"S3Bucket": pem.bucket, "S3Key": pem.key, "S3ObjectVersion": pem.version_id}
    codes: dict[str, type[RevocationError]] = dict.fromkeys(THROTTLED, TrustStoreThrottled)
    try:
        with translate_errors(
            "AddTrustStoreRevocations",
            arn,
            TrustStoreNotFound=TrustStoreNotFound,
            TooManyTrustStoreRevocationEntries=TrustStoreFull,
            **codes,
        ):
            response = _elbv2(_NO_RETRIES).add_trust_store_revocations(
                TrustStoreArn=arn,
                RevocationContents=[{**content, "RevocationType": "CRL"}],  # type: ignore[typeddict-item]
            )
    except AwsUnavailable as error:
        raise ResultUnknown(str(error)) from error
    added = response.get("TrustStoreRevocations", [])
    if len(added) != 1 or "RevocationId" not in added[0]:
        raise ResultUnknown(f"AddTrustStoreRevocations on {arn} returned {len(added)} lists, expected one")
    return added[0]["RevocationId"]


def remove_trust_store_revocations(arn: str, revocation_ids: list[int]) -> bool:
    """Remove lists; return False if one of them no longer exists (AWS does not document what happens to the others)."""
    codes: dict[str, type[RevocationError]] = dict.fromkeys(THROTTLED, TrustStoreThrottled)
    try:
        with translate_errors("RemoveTrustStoreRevocations", arn, TrustStoreNotFound=TrustStoreNotFound, **codes):
            _elbv2().remove_trust_store_revocations(TrustStoreArn=arn, RevocationIds=revocation_ids)
    except AwsCallRefused as error:
        if error_code(error) == "RevocationIdNotFound":
            return False
        raise
    return True


def describe_trust_store_associations(arn: str) -> list[str]:
    """Return the ARNs of the resources associated with the trust store: load balancers."""
    with translate_errors("DescribeTrustStoreAssociations", arn, TrustStoreNotFound=TrustStoreNotFound):
        pages = _elbv2().get_paginator("describe_trust_store_associations").paginate(TrustStoreArn=arn)
        return [association["ResourceArn"] for page in pages for association in page["TrustStoreAssociations"]]


def describe_load_balancer_attributes(arn: str) -> dict[str, str]:
    """Return a load balancer's attributes by key."""
    with translate_errors("DescribeLoadBalancerAttributes", arn):
        response = _elbv2().describe_load_balancer_attributes(LoadBalancerArn=arn)
        return {attribute["Key"]: attribute["Value"] for attribute in response["Attributes"]}
