"""The certificate authority of a request, as Private CA describes it: certificate, chain, and where its CRL lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from functions.aws import acm_pca as aws_acm_pca
from functions.aws import s3 as aws_s3
from functions.errors import CertificateAuthorityUnusable, CrlNotEnabled, CrlPartitioned, RequestRefused
from functions.models.stored import CrlLocation
from functions.pki.chain import readable_certificates

# A DISABLED CA issues nothing, but revokes and publishes CRLs (aws: PcaUpdateStatus).
_CAN_REVOKE = ("ACTIVE", "DISABLED")


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA and the object that it publishes."""

    arn: str | None
    certificate_pem: str
    chain_pem: str
    crl: CrlLocation

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        return x509.load_pem_x509_certificate(self.certificate_pem.encode())

    @property
    def chain(self) -> list[x509.Certificate]:
        """The certificates above it."""
        return readable_certificates(self.chain_pem.encode())


def read(arn: str, faults: list[RequestRefused]) -> Authority:
    """Read a CA; what is wrong with its CRL is added to the faults.

    Raises:
        CertificateAuthorityNotFound: Private CA does not know it.
        CertificateAuthorityUnusable: it can neither revoke nor publish.

    """
    described = aws_acm_pca.describe_certificate_authority(arn)
    status = described["Status"]
    crl = described.get("RevocationConfiguration", {}).get("CrlConfiguration", {})
    faults.extend(_crl_faults(arn, crl))
    if status not in _CAN_REVOKE:
        can = " or ".join(_CAN_REVOKE)
        raise CertificateAuthorityUnusable(f"{arn} is {status}; only an {can} CA revokes and publishes CRLs")
    certificate, chain = aws_acm_pca.get_certificate_authority_certificate(arn)
    return Authority(arn, certificate, chain, _crl_location(arn, crl))


def _crl_faults(arn: str, crl: Mapping[str, Any]) -> list[RequestRefused]:
    if not crl.get("Enabled"):
        return [
            CrlNotEnabled(
                f"{arn} publishes no CRL: enable it with UpdateCertificateAuthority "
                "(RevocationConfiguration.CrlConfiguration.Enabled is false, wanted: true)"
            )
        ]
    if crl.get("CrlType") == "PARTITIONED":
        return [
            CrlPartitioned(
                f"{arn} publishes PARTITIONED CRLs, wanted: COMPLETE; a load balancer does not match partitions"
            )
        ]
    return []


def _crl_location(arn: str, crl: Mapping[str, Any]) -> CrlLocation:
    """Name the object Private CA writes: `crl/<CA id>.crl`, or under the CustomPath (aws: crl-planning)."""
    bucket, _, prefix = crl.get("S3BucketName", "").partition("/")
    folder = crl.get("CustomPath", "crl").strip("/")
    key = "/".join(part for part in (prefix.strip("/"), folder, f"{arn.rsplit('/', 1)[1]}.crl") if part)
    etag = aws_s3.head_object_etag(bucket, key) if bucket else None
    return CrlLocation(bucket=bucket, key=key, etag=etag)
