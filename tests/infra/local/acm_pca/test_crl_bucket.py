"""The bucket for CRLs: what must be allowed before Private CA writes there."""

import json

import pytest
from botocore.exceptions import ClientError

from infra.local.acm_pca.service import certificate_authority
from tests.support.private_ca import LocalCa
from tests.support.services import Services, crl_bucket_policy, refused
from tests.support.waiting import eventually


def test_bucket_that_denies_private_ca_is_refused(services: Services) -> None:
    """A CA cannot be configured to publish to a bucket that denies it access."""
    bucket = services.bucket()
    services.s3.delete_bucket_policy(Bucket=bucket)
    with refused("ValidationException"):
        LocalCa.create(services, bucket=bucket)


def test_policy_that_cannot_be_evaluated_is_refused(services: Services) -> None:
    """The error names the operator that is not known."""
    bucket = services.bucket()
    unknown = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    services.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(crl_bucket_policy(bucket, Condition=unknown)))
    with pytest.raises(ClientError, match="IpAddress on aws:SourceIp"):
        LocalCa.create(services, bucket=bucket)


def test_policy_for_another_ca_is_refused(services: Services) -> None:
    """The condition aws:SourceArn of a bucket policy is evaluated."""
    bucket = services.bucket()
    other = {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/other"}}
    services.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(crl_bucket_policy(bucket, Condition=other)))
    with refused("ValidationException"):
        LocalCa.create(services, bucket=bucket)


def test_public_crl_is_refused_if_public_access_is_blocked(services: Services) -> None:
    """S3ObjectAcl must be BUCKET_OWNER_FULL_CONTROL then, and buckets block public access by default."""
    with refused("ValidationException"):
        LocalCa.create(services, crl={"S3ObjectAcl": "PUBLIC_READ"})


def test_failed_write_is_counted_and_retried(services: Services) -> None:
    """A CRL that could not be written is published once the bucket policy is fixed."""
    authority = LocalCa.create(services)
    bucket = authority.bucket or ""
    leaf = authority.issue()
    eventually(authority.crl)
    services.s3.delete_bucket_policy(Bucket=bucket)
    authority.revoke(leaf)
    eventually(lambda: certificate_authority(authority.arn).crls.failed or None)
    services.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(crl_bucket_policy(bucket)))
    authority.crl_with(leaf)
