"""Private CA, trust stores and S3 of the embedded AWS, with CAs, lists and objects for tests."""

import json
import os
import subprocess
import sys
import time
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.local.core.settings import PrivateCaSettings, Settings, TrustStoreSettings
from infra.local.server import EmbeddedAws
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_acm_pca.literals import KeyAlgorithmType, RevocationReasonType, SigningAlgorithmType
    from mypy_boto3_acm_pca.type_defs import ValidityTypeDef
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TrustStoreRevocationTypeDef
    from mypy_boto3_s3 import S3Client

ALLOWED = ("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation")
HOUR = 3600


@dataclass
class Services:
    """Clients of the running services, and their settings, which a test that changes them restores."""

    endpoint_url: str
    settings: Settings

    def __post_init__(self) -> None:
        """Create boto3 clients that do not retry, so that a test gets each error."""
        session = boto3.Session("testing", "testing", region_name=self.settings.region)
        once = botocore.config.Config(retries={"total_max_attempts": 1})
        self.pca: ACMPCAClient = session.client("acm-pca", endpoint_url=self.endpoint_url, config=once)
        self.elb: ElasticLoadBalancingv2Client = session.client("elbv2", endpoint_url=self.endpoint_url, config=once)
        self.s3: S3Client = session.client("s3", endpoint_url=self.endpoint_url, config=once)

    def aws(self, *arguments: str) -> dict[str, Any]:
        """Run AWS's own command line against the services."""
        command = Path(sys.executable).with_name("aws")
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.settings.region,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
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


@dataclass
class Leaf:
    """A certificate of a CA with its key."""

    arn: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def serial(self) -> int:
        """The serial number."""
        return self.certificate.serial_number

    @property
    def serial_text(self) -> str:
        """The serial number as `aws acm-pca revoke-certificate` is shown with it."""
        return f"{self.serial:032x}"

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write certificate and key to files and return their paths."""
        certificate, key = folder / f"{self.serial_text}.pem", folder / f"{self.serial_text}.key"
        certificate.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


@dataclass
class Authority:
    """A CA of the embedded Private CA, used over HTTP."""

    services: Services
    arn: str
    bucket: str | None
    signing_algorithm: "SigningAlgorithmType"

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def crl_key(self) -> str:
        """Where the complete CRL is."""
        return f"crl/{self.id}.crl"

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        answer = self.services.pca.get_certificate_authority_certificate(CertificateAuthorityArn=self.arn)
        return x509.load_pem_x509_certificate(answer["Certificate"].encode())

    @classmethod
    def create(  # noqa: PLR0913 - each says what differs from the usual CA
        cls,
        services: Services,
        *,
        crl: Mapping[str, Any] | None = None,
        bucket: str | None = None,
        keys: "tuple[KeyAlgorithmType, SigningAlgorithmType]" = ("EC_prime256v1", "SHA256WITHECDSA"),
        name: str = "Example CA",
        seconds: int = 10 * 365 * 24 * 3600,
    ) -> "Authority":
        """Create a root CA that lasts `seconds`; `crl` changes its CRL configuration, an empty one leaves CRLs off."""
        configuration: dict[str, Any] = {"Enabled": False}
        if crl is None or crl:
            bucket = bucket or services.bucket()
            configuration = {
                "Enabled": True,
                "ExpirationInDays": 7,
                "S3BucketName": bucket,
                "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
                **(crl or {}),
            }
        arn = services.pca.create_certificate_authority(
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": keys[0],
                "SigningAlgorithm": keys[1],
                "Subject": {"Country": "DE", "Organization": "Example", "CommonName": name},
            },
            CertificateAuthorityType="ROOT",
            RevocationConfiguration={"CrlConfiguration": configuration},  # type: ignore[typeddict-item]
        )["CertificateAuthorityArn"]
        authority = cls(services, arn, bucket, keys[1])
        authority.activate({"Type": "ABSOLUTE", "Value": int(time.time()) + seconds})
        return authority

    def activate(self, validity: "ValidityTypeDef") -> None:
        """Issue and import the root CA's own certificate."""
        pca = self.services.pca
        csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=self.arn)["Csr"]
        own = self.issue_csr(csr.encode(), "RootCACertificate/V1", validity)
        certificate = pca.get_certificate(CertificateAuthorityArn=self.arn, CertificateArn=own)["Certificate"]
        pca.import_certificate_authority_certificate(CertificateAuthorityArn=self.arn, Certificate=certificate.encode())

    def subordinate(self) -> "Authority":
        """Create a CA below this one, which publishes no CRL."""
        pca = self.services.pca
        arn = pca.create_certificate_authority(
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": "EC_prime256v1",
                "SigningAlgorithm": "SHA256WITHECDSA",
                "Subject": {"CommonName": "Subordinate"},
            },
            CertificateAuthorityType="SUBORDINATE",
        )["CertificateAuthorityArn"]
        csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
        template = "SubordinateCACertificate_PathLen0/V1"
        signed = self.issue_csr(csr.encode(), template, {"Type": "YEARS", "Value": 1})
        answer = pca.get_certificate(CertificateAuthorityArn=self.arn, CertificateArn=signed)
        pca.import_certificate_authority_certificate(
            CertificateAuthorityArn=arn,
            Certificate=answer["Certificate"].encode(),
            CertificateChain=answer["CertificateChain"].encode(),
        )
        return Authority(self.services, arn, None, "SHA256WITHECDSA")

    def issue_csr(self, csr: bytes, template: str, validity: "ValidityTypeDef") -> str:
        """Issue a certificate for a CSR and return its ARN."""
        arn: str = self.services.pca.issue_certificate(
            CertificateAuthorityArn=self.arn,
            Csr=csr,
            SigningAlgorithm=self.signing_algorithm,
            TemplateArn=f"arn:aws:acm-pca:::template/{template}",
            Validity=validity,
        )["CertificateArn"]
        return arn

    def issue(
        self,
        name: str = "device",
        template: str = "EndEntityClientAuthCertificate/V1",
        validity: "ValidityTypeDef | None" = None,
        dns_names: tuple[str, ...] = (),
    ) -> Leaf:
        """Issue a certificate for a new key, good for a day."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
            ]
        )
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        if dns_names:
            names = x509.SubjectAlternativeName([x509.DNSName(one) for one in dns_names])
            builder = builder.add_extension(names, critical=False)
        csr = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        arn = self.issue_csr(csr, template, validity or {"Type": "DAYS", "Value": 1})
        pca = self.services.pca
        text = pca.get_certificate(CertificateAuthorityArn=self.arn, CertificateArn=arn)["Certificate"]
        return Leaf(arn, x509.load_pem_x509_certificate(text.encode()), key)

    def issue_expiring(self, seconds: int = 3) -> Leaf:
        """Issue a certificate that ends in a moment."""
        return self.issue(validity={"Type": "ABSOLUTE", "Value": int(time.time()) + 1 + seconds})

    def revoke(self, leaf: Leaf, reason: "RevocationReasonType" = "KEY_COMPROMISE") -> None:
        """Revoke a certificate."""
        self.services.pca.revoke_certificate(
            CertificateAuthorityArn=self.arn, CertificateSerial=leaf.serial_text, RevocationReason=reason
        )

    def crl(self) -> x509.CertificateRevocationList | None:
        """Read the CRL in the bucket."""
        body = self.services.get(self.bucket or "", self.crl_key)
        return x509.load_der_x509_crl(body) if body else None

    def crl_with(self, *leaves: Leaf) -> x509.CertificateRevocationList:
        """Wait for a CRL that holds these certificates."""
        return eventually(lambda: _holding(self.crl(), {leaf.serial for leaf in leaves}))


def _holding(crl: x509.CertificateRevocationList | None, serials: set[int]) -> x509.CertificateRevocationList | None:
    return crl if crl is not None and serials <= {revoked.serial_number for revoked in crl} else None


@contextmanager
def on(aws: EmbeddedAws) -> Iterator[Services]:
    """Return the process's embedded AWS, empty, with quick CRLs and high quotas."""
    aws.reset()
    settings = aws.settings
    settings.private_ca = PrivateCaSettings(crl_delay_seconds=0.05, crl_retry_seconds=0.05, revocation_burst=10_000)
    settings.trust_stores = TrustStoreSettings(write_burst=10_000, max_trust_stores=1_000)
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
