"""Compares a CA's CRL configuration with what the stack reads, and corrects it on request."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.deploy.finding import Finding
from infra.deploy.parameters import ParameterRefused

DEFAULT_FOLDER = "crl"
USABLE = ("ACTIVE", "DISABLED")
_VALID_DAYS = 7
_ABSENT = ("ResourceNotFoundException", "InvalidArnException")
_KEPT = ("ExpirationInDays", "CustomCname", "CrlDistributionPointExtensionConfiguration")


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A CA, and its whole revocation configuration (CRL and OCSP)."""

    arn: str
    revocation: dict[str, Any]

    @property
    def crl(self) -> dict[str, Any]:
        """The configuration of its CRL."""
        return dict(self.revocation.get("CrlConfiguration", {}))

    @property
    def bucket(self) -> str | None:
        """The bucket of its CRL; None if it publishes none."""
        return self.crl["S3BucketName"].partition("/")[0] if self.crl.get("Enabled") else None

    @property
    def folder(self) -> str:
        """The folder of its CRL in that bucket; the bucket's name may have a folder behind it."""
        parts = self.crl.get("S3BucketName", "").partition("/")[2], self.crl.get("CustomPath", DEFAULT_FOLDER)
        return "/".join(part for part in (each.strip("/") for each in parts) if part)

    def key(self, folder: str) -> str:
        """Return the name of its CRL in a folder (aws: privateca/latest/userguide/crl-planning)."""
        return f"{folder.strip('/')}/{self.arn.rpartition('/')[2]}.crl"


def read_ca(arn: str) -> CertificateAuthority:
    """Read a CA.

    Raises:
        ParameterRefused: there is no such CA, or its status allows neither revocations nor CRLs.

    """
    try:
        described = boto3.client("acm-pca").describe_certificate_authority(CertificateAuthorityArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            raise ParameterRefused(
                f"CertificateAuthorityArn: there is no CA {arn}. What to do: give one of those that "
                "aws acm-pca list-certificate-authorities shows"
            ) from None
        raise
    authority = described["CertificateAuthority"]
    if (status := authority["Status"]) not in USABLE:
        raise ParameterRefused(
            f"CertificateAuthorityArn: {arn} is {status}, wanted: {' or '.join(USABLE)}. No other CA revokes and "
            "publishes CRLs"
        )
    return CertificateAuthority(arn, dict(authority.get("RevocationConfiguration", {})))


def find_differences(ca: CertificateAuthority, bucket: str, folder: str, deploy: str) -> Iterator[Finding]:
    """Yield how the CA's CRL configuration differs from what the stack reads, as one finding that fixes all.

    `deploy` is the command that deploys this stack.
    """
    differences, other_way = [], ""
    if not ca.bucket:
        differences.append(f"it publishes no CRL, and the stack reads one in s3://{bucket}/{folder}/")
    elif (ca.bucket, ca.folder) != (bucket, folder):
        differences.append(
            f"it writes its CRL to s3://{ca.bucket}/{ca.folder}/, and the stack reads s3://{bucket}/{folder}/ "
            "(parameters CrlBucketName and CrlFolder)"
        )
        read_there = f'PARAMETERS="CrlBucketName={ca.bucket} CrlFolder={ca.folder}"'
        other_way = f", or, to read it where it is, {deploy} {read_there}"
    if ca.bucket and ca.crl.get("CrlType") == "PARTITIONED":
        differences.append(
            "its CRLs are PARTITIONED, and load balancers need COMPLETE ones. Changing that is final: who fetches the "
            "CRL of a certificate issued before would not see later revocations"
        )
    if differences:
        yield Finding(
            f"{ca.arn}: {'; '.join(differences)}.",
            f"{deploy} TURN_ON_CRL=yes{other_way}",
            lambda: turn_on(ca, bucket, folder),
            is_harmless=ca.bucket is None,
        )


def turn_on(ca: CertificateAuthority, bucket: str, folder: str) -> str:
    """Configure the CA to write complete CRLs to the bucket, change nothing else, and return what changed."""
    after = {
        "ExpirationInDays": _VALID_DAYS,
        **{name: ca.crl[name] for name in _KEPT if name in ca.crl},
        **({} if folder == DEFAULT_FOLDER else {"CustomPath": folder}),
        "Enabled": True,
        "CrlType": "COMPLETE",
        "S3BucketName": bucket,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    }
    update(ca, after)
    return f"CrlConfiguration of {ca.arn} was {json.dumps(ca.crl)}, is {json.dumps(after)}."


def update(ca: CertificateAuthority, crl: dict[str, Any]) -> None:
    """Replace the CRL's configuration; that of OCSP stays."""
    boto3.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=ca.arn,
        RevocationConfiguration={**ca.revocation, "CrlConfiguration": crl},  # type: ignore[typeddict-item]
    )
