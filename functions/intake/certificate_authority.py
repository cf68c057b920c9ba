"""The certificate authority of a request, as Private CA describes it: its certificate, chain and CRL's location."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from functions.aws import acm_pca, s3
from functions.environment import environment
from functions.errors import CertificateAuthorityUnusable, CrlElsewhere, CrlNotEnabled, CrlPartitioned, RequestRefused
from functions.models.stored import CrlLocation
from functions.pki.certificate_extensions import subject_key_identifier
from functions.pki.chain import load, readable_certificates

# A DISABLED CA issues nothing, but revokes and publishes CRLs (aws: PcaUpdateStatus).
_CAN_REVOKE = ("ACTIVE", "DISABLED")
_TURN_ON = "have the CA write it to the stack's bucket (make deploy TURN_ON_CRL=yes)"


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A CA and the location of its CRL; `arn` is None for one that is not Private CA's."""

    arn: str | None
    certificate_pem: str
    chain_pem: str
    crl: CrlLocation

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        return load(self.certificate_pem.encode(), f"the certificate of the CA {self.arn} cannot be read")

    @property
    def chain(self) -> list[x509.Certificate]:
        """The certificates above it."""
        return readable_certificates(self.chain_pem.encode())


def read(arn: str, faults: list[RequestRefused]) -> CertificateAuthority:
    """Read a CA; an unsuitable CRL configuration is added to the faults.

    Raises:
        CertificateAuthorityNotFound: there is no such CA.
        CertificateAuthorityUnusable: its status allows neither revocation nor a CRL, or its certificate cannot be read.

    """
    described = acm_pca.describe_certificate_authority(arn)
    status = described["Status"]
    crl = described.get("RevocationConfiguration", {}).get("CrlConfiguration", {})
    location = _crl_location(arn, crl)
    found = _crl_faults(arn, crl, location)
    faults.extend(found)
    if status not in _CAN_REVOKE:
        suitable = " or ".join(_CAN_REVOKE)
        raise CertificateAuthorityUnusable(f"{arn} is {status}; only an {suitable} CA revokes and publishes CRLs")
    certificate, chain = acm_pca.get_certificate_authority_certificate(arn)
    if not found:  # what is elsewhere may not be read
        location = location.model_copy(update={"etag": s3.head_object_etag(location.bucket, location.key)})
    ca = CertificateAuthority(arn, certificate, chain, location)
    subject_key_identifier(ca.certificate, f"the certificate of {arn}")  # every CRL is checked against it
    return ca


def _crl_faults(arn: str, crl: Mapping[str, Any], location: CrlLocation) -> list[RequestRefused]:
    if not crl.get("Enabled"):
        return [
            CrlNotEnabled(
                f"{arn} publishes no CRL (RevocationConfiguration.CrlConfiguration.Enabled is false, wanted: true): "
                f"{_TURN_ON}"
            )
        ]
    if crl.get("CrlType") == "PARTITIONED":
        return [
            CrlPartitioned(
                f"{arn} publishes PARTITIONED CRLs, wanted: COMPLETE; a load balancer does not match partitions"
            )
        ]
    settings = environment()
    name = location.key.rpartition("/")[2]
    read = f"{settings.crl_bucket}/{settings.crl_folder.strip('/')}/{name}"
    written = f"{location.bucket}/{location.key}"
    if settings.crl_bucket and arn == settings.certificate_authority_arn and read != written:
        return [
            CrlElsewhere(
                f"{arn} writes its CRL to s3://{written}, and the stack reads s3://{read} (parameters CrlBucketName "
                f"and CrlFolder): change the parameters, or {_TURN_ON}"
            )
        ]
    return []


def _crl_location(arn: str, crl: Mapping[str, Any]) -> CrlLocation:
    """Return the object that Private CA writes: `crl/<CA id>.crl`, or under the CustomPath (aws: crl-planning)."""
    bucket, _, prefix = crl.get("S3BucketName", "").partition("/")
    folder = crl.get("CustomPath", "crl").strip("/")
    key = "/".join(part for part in (prefix.strip("/"), folder, f"{arn.rsplit('/', 1)[1]}.crl") if part)
    return CrlLocation(bucket=bucket, key=key, etag=None)
