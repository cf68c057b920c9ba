"""Root CAs of the embedded Private CA with any configuration, and the certificates and CRLs that they issue."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca.certificate_authority import CertificateAuthority
from infra.local.acm_pca.service import certificate_authority
from infra.local.lab.pki import PrivateCa
from tests.support import pki
from tests.support.services import Services
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_acm_pca.literals import KeyAlgorithmType, RevocationReasonType, SigningAlgorithmType
    from mypy_boto3_acm_pca.type_defs import ValidityTypeDef


@dataclass(frozen=True, kw_only=True)
class Leaf(pki.Identity):
    """An end-entity certificate of Private CA with its key."""

    arn: str

    @property
    def serial_text(self) -> str:
        """The serial number in the form that RevokeCertificate expects."""
        return f"{self.serial:032x}"

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write certificate and key to files; return their paths."""
        certificate, key = folder / f"{self.serial_text}.pem", folder / f"{self.serial_text}.key"
        certificate.write_bytes(self.certificate_pem)
        key.write_bytes(self.key_pem)
        return certificate, key


def expire(ca: CertificateAuthority, serial: int) -> x509.Certificate:
    """Make an issued certificate, as Private CA knows it, one that ended a day ago; return it."""
    issued, yesterday = ca.issued[serial], pki.NOW - pki.DAY
    ca.issued[serial] = ended_at(yesterday, issued, ca)
    if serial in ca.revocations:
        ca.revocations[serial].expires = yesterday
    return ca.issued[serial]


def ended_at(end: datetime, certificate: x509.Certificate, ca: CertificateAuthority) -> x509.Certificate:
    """Return a certificate that differs in its validity alone."""
    return x509.CertificateBuilder(
        issuer_name=ca.name,
        subject_name=certificate.subject,
        public_key=certificate.public_key(),
        serial_number=certificate.serial_number,
        not_valid_before=end - pki.DAY,
        not_valid_after=end,
        extensions=list(certificate.extensions),
    ).sign(ca.key, pki.SHA256)


@dataclass
class LocalCa:
    """A CA of the embedded Private CA, used through the API."""

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
        """The key of the complete CRL."""
        return f"crl/{self.id}.crl"

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        answer = self.services.pca.get_certificate_authority_certificate(CertificateAuthorityArn=self.arn)
        return x509.load_pem_x509_certificate(answer["Certificate"].encode())

    @classmethod
    def create(
        cls,
        services: Services,
        *,
        crl: Mapping[str, Any] | None = None,
        bucket: str | None = None,
        keys: "tuple[KeyAlgorithmType, SigningAlgorithmType]" = ("EC_prime256v1", "SHA256WITHECDSA"),
        name: str = "Example CA",
    ) -> "LocalCa":
        """Create a root CA; `crl` changes its CRL configuration, an empty one leaves CRLs off."""
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
        authority.activate({"Type": "YEARS", "Value": 10})
        return authority

    def activate(self, validity: "ValidityTypeDef") -> None:
        """Issue and import the root CA's own certificate."""
        pca = self.services.pca
        csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=self.arn)["Csr"]
        own = self.issue_csr(csr.encode(), "RootCACertificate/V1", validity)
        certificate = pca.get_certificate(CertificateAuthorityArn=self.arn, CertificateArn=own)["Certificate"]
        pca.import_certificate_authority_certificate(CertificateAuthorityArn=self.arn, Certificate=certificate.encode())

    def subordinate(self) -> "LocalCa":
        """Create a CA below this one, which publishes no CRL."""
        below = PrivateCa.create_under(PrivateCa(self.services, self.arn, ""), "Subordinate")
        return LocalCa(self.services, below.arn, None, "SHA256WITHECDSA")

    def issue_csr(self, csr: bytes, template: str, validity: "ValidityTypeDef") -> str:
        """Issue a certificate for a CSR; return its ARN."""
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
        """Issue a certificate for a new key, by default valid for one day."""
        key = pki.ec_key()
        builder = x509.CertificateSigningRequestBuilder().subject_name(pki.name(name))
        if dns_names:
            names = x509.SubjectAlternativeName([x509.DNSName(one) for one in dns_names])
            builder = builder.add_extension(names, critical=False)
        csr = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        arn = self.issue_csr(csr, template, validity or {"Type": "DAYS", "Value": 1})
        pca = self.services.pca
        text = pca.get_certificate(CertificateAuthorityArn=self.arn, CertificateArn=arn)["Certificate"]
        return Leaf(x509.load_pem_x509_certificate(text.encode()), key, arn=arn)

    def expire(self, leaf: Leaf) -> Leaf:
        """Return the same certificate, as if it had ended a day ago; Private CA knows it so too."""
        ca = certificate_authority(self.arn)
        return replace(leaf, certificate=expire(ca, leaf.serial))

    def revoke(self, leaf: Leaf, reason: "RevocationReasonType" = "KEY_COMPROMISE") -> None:
        """Revoke a certificate."""
        self.services.pca.revoke_certificate(
            CertificateAuthorityArn=self.arn, CertificateSerial=leaf.serial_text, RevocationReason=reason
        )

    def crl(self) -> x509.CertificateRevocationList | None:
        """Return the CRL in the bucket, or None."""
        body = self.services.get(self.bucket or "", self.crl_key)
        return x509.load_der_x509_crl(body) if body else None

    def crl_with(self, *leaves: Leaf) -> x509.CertificateRevocationList:
        """Wait for a CRL that lists these certificates."""
        return eventually(lambda: _holding(self.crl(), {leaf.serial for leaf in leaves}))


def _holding(crl: x509.CertificateRevocationList | None, serials: set[int]) -> x509.CertificateRevocationList | None:
    return crl if crl is not None and serials <= {revoked.serial_number for revoked in crl} else None
