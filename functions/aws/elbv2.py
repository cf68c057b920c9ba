"""Every call of Elastic Load Balancing: one function per API action."""

import functools
from contextlib import closing
from typing import TYPE_CHECKING

import boto3
import urllib3
from botocore.config import Config

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
from functions.pki.crl_form import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TrustStoreRevocationTypeDef, TrustStoreTypeDef

# AddTrustStoreRevocations has no client token: sent twice, it adds two lists.
_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=60)


class AnswerUnclear(Exception):
    """A call that must not be repeated blindly may or may not have taken effect."""


@functools.cache
def _elbv2(config: Config = PATIENT) -> "ElasticLoadBalancingv2Client":
    return boto3.client("elbv2", config=config)


def describe_trust_store(arn: str) -> "TrustStoreTypeDef":
    """Give a trust store's name, status and TotalRevokedEntries."""
    with translate_errors("DescribeTrustStores", arn, TrustStoreNotFound=TrustStoreNotFound):
        stores = _elbv2().describe_trust_stores(TrustStoreArns=[arn])["TrustStores"]
    if not stores:
        raise TrustStoreNotFound(f"DescribeTrustStores does not know {arn}")
    return stores[0]


def describe_trust_stores() -> "list[TrustStoreTypeDef]":
    """Give all trust stores of the account and Region."""
    with translate_errors("DescribeTrustStores", "the account"):
        pages = _elbv2().get_paginator("describe_trust_stores").paginate()
        return [store for page in pages for store in page["TrustStores"]]


def describe_trust_store_revocations(arn: str) -> "list[TrustStoreRevocationTypeDef]":
    """Give all lists of a trust store, lowest RevocationId first."""
    with translate_errors("DescribeTrustStoreRevocations", arn, TrustStoreNotFound=TrustStoreNotFound):
        pages = _elbv2().get_paginator("describe_trust_store_revocations").paginate(TrustStoreArn=arn)
        found = [revocation for page in pages for revocation in page["TrustStoreRevocations"]]
    return sorted(found, key=lambda revocation: revocation["RevocationId"])


def get_trust_store_ca_certificates_bundle(arn: str) -> bytes:
    """Give the trust store's CA certificates, PEM."""
    with translate_errors("GetTrustStoreCaCertificatesBundle", arn, TrustStoreNotFound=TrustStoreNotFound):
        location = _elbv2().get_trust_store_ca_certificates_bundle(TrustStoreArn=arn)["Location"]
    return _download(location, f"the CA bundle of {arn}")


def get_trust_store_revocation_content(arn: str, revocation_id: int) -> bytes | None:
    """Give the very bytes (PEM) that the trust store holds under an id, or None when the id is gone."""
    try:
        with translate_errors("GetTrustStoreRevocationContent", arn, TrustStoreNotFound=TrustStoreNotFound):
            answer = _elbv2().get_trust_store_revocation_content(TrustStoreArn=arn, RevocationId=revocation_id)
    except AwsCallRefused as refusal:
        if error_code(refusal) == "RevocationIdNotFound":
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
    codes: dict[str, type[RevocationError]] = dict.fromkeys(THROTTLED, TrustStoreThrottled)
    try:
        with translate_errors(
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
    codes: dict[str, type[RevocationError]] = dict.fromkeys(THROTTLED, TrustStoreThrottled)
    try:
        with translate_errors("RemoveTrustStoreRevocations", arn, TrustStoreNotFound=TrustStoreNotFound, **codes):
            _elbv2().remove_trust_store_revocations(TrustStoreArn=arn, RevocationIds=revocation_ids)
    except AwsCallRefused as refusal:
        if error_code(refusal) == "RevocationIdNotFound":
            return False
        raise
    return True


def describe_trust_store_associations(arn: str) -> list[str]:
    """Give the ARNs of what the trust store hangs on."""
    with translate_errors("DescribeTrustStoreAssociations", arn, TrustStoreNotFound=TrustStoreNotFound):
        pages = _elbv2().get_paginator("describe_trust_store_associations").paginate(TrustStoreArn=arn)
        return [found["ResourceArn"] for page in pages for found in page["TrustStoreAssociations"]]


def describe_load_balancer_attributes(arn: str) -> dict[str, str]:
    """Give a load balancer's attributes by key."""
    with translate_errors("DescribeLoadBalancerAttributes", arn):
        answer = _elbv2().describe_load_balancer_attributes(LoadBalancerArn=arn)
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}
