"""Private CA, trust stores and S3 of the embedded AWS, with CAs, lists and objects for tests."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

from infra.local.core.access_key import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from infra.local.core.settings import PrivateCaSettings, Settings, TrustStoreSettings
from infra.local.server import EmbeddedAws

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TrustStoreRevocationTypeDef
    from mypy_boto3_s3 import S3Client

ALLOWED = ("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation")
_ONCE = botocore.config.Config(retries={"total_max_attempts": 1})


@dataclass
class Services:
    """Clients of the running services, and their settings, which a test that changes them restores."""

    endpoint_url: str
    settings: Settings

    def __post_init__(self) -> None:
        """Create the clients."""
        self._session = boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=self.settings.region)
        self.pca: ACMPCAClient = self.client("acm-pca")
        self.elb: ElasticLoadBalancingv2Client = self.client("elbv2")
        self.s3: S3Client = self.client("s3")

    def client(self, service: str) -> Any:  # noqa: ANN401 - the client of any service
        """Return a client that does not retry, so that a test gets each error."""
        return self._session.client(service, endpoint_url=self.endpoint_url, config=_ONCE)  # type: ignore[call-overload] # any service

    def aws(self, *arguments: str) -> dict[str, Any]:
        """Run AWS's own command line against the services."""
        command = Path(sys.executable).with_name("aws")
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.settings.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "PYTHONWARNINGS": "ignore",
        }
        run = subprocess.run([command, *arguments], env=environment, check=True, capture_output=True, text=True)
        answer: dict[str, Any] = json.loads(run.stdout or "{}")
        return answer

    def bucket(self, policy: Mapping[str, Any] | None = None) -> str:
        """Create a versioned bucket with a policy, by default one that lets Private CA write."""
        name = f"bucket-{uuid4()}"
        s3 = self.s3
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy or crl_bucket_policy(name)))
        return name

    def put(self, body: bytes, key: str = "file.pem") -> dict[str, str]:
        """Upload an object to a bucket of its own; return bucket, key and version."""
        bucket = self.bucket()
        version = self.s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        return {"S3Bucket": bucket, "S3Key": key, "S3ObjectVersion": version}

    def trust_store(self, bundle: bytes, name: str | None = None) -> str:
        """Create a trust store of this bundle and return its ARN."""
        where = self.put(bundle)
        answer = self.elb.create_trust_store(
            Name=name or uuid4().hex,
            CaCertificatesBundleS3Bucket=where["S3Bucket"],
            CaCertificatesBundleS3Key=where["S3Key"],
            CaCertificatesBundleS3ObjectVersion=where["S3ObjectVersion"],
        )
        return answer["TrustStores"][0]["TrustStoreArn"]

    def attach(self, store: str, *crls: bytes) -> "list[TrustStoreRevocationTypeDef]":
        """Add CRLs, one file each, to a trust store."""
        return self.elb.add_trust_store_revocations(
            TrustStoreArn=store,
            RevocationContents=[{**self.put(body), "RevocationType": "CRL"} for body in crls],  # type: ignore[typeddict-item]
        )["TrustStoreRevocations"]

    def get(self, bucket: str, key: str) -> bytes | None:
        """Return an object, or None if it does not exist."""
        s3 = self.s3
        try:
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body


def crl_bucket_policy(bucket: str, **statement: object) -> dict[str, Any]:
    """Return the policy of a CRL bucket as in AWS's guide."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "acm-pca.amazonaws.com"},
                "Action": list(ALLOWED),
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                **statement,
            }
        ],
    }


@contextmanager
def empty_services(aws: EmbeddedAws) -> Iterator[Services]:
    """Return the process's embedded AWS, empty, with quick CRLs and high quotas."""
    aws.reset()
    settings = aws.settings
    settings.private_ca = PrivateCaSettings(crl_delay_seconds=0.05, crl_retry_seconds=0.05, revocation_burst=10_000)
    settings.trust_stores = TrustStoreSettings(write_burst=1_000_000, max_trust_stores=1_000)
    try:
        yield Services(aws.endpoint_url, settings)
    finally:
        settings.private_ca, settings.trust_stores = PrivateCaSettings(), TrustStoreSettings()
        aws.reset()


def fetch(location: str) -> bytes:
    """Download a pre-signed URL, without credentials."""
    with urllib.request.urlopen(location) as answer:  # noqa: S310 - the embedded AWS gave the address
        body: bytes = answer.read()
    return body


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect an AWS error with this code."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code
