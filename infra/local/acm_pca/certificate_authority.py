"""A certificate authority of AWS Private CA: its states, issued certificates and revocations."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from moto.core.utils import unix_time

from infra.local.acm_pca import crl_bucket
from infra.local.acm_pca.audit_report import AuditReports, IssueRecord
from infra.local.acm_pca.crl import CrlPublication, Revocation
from infra.local.acm_pca.signing import (
    Issuer,
    Signature,
    distinguished_name,
    find_template,
    generate_key,
    point_in_time,
    sign_certificate,
)
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings

# notBefore when ValidityNotBefore is not given (API reference: IssueCertificate).
_BACKDATED = timedelta(minutes=60)


def pem(*certificates: x509.Certificate) -> str:
    """Return certificates as PEM, one after the other."""
    return "".join(c.public_bytes(Encoding.PEM).decode() for c in certificates).strip()


@dataclass
class CertificateAuthority:
    """A private CA with a real key."""

    arn: str
    account_id: str
    region_name: str
    configuration: dict[str, Any]
    kind: str
    settings: Settings
    usage_mode: str = "GENERAL_PURPOSE"
    security_standard: str = "FIPS_140_2_LEVEL_3_OR_HIGHER"
    certificate: x509.Certificate | None = None
    chain: Sequence[x509.Certificate] = ()
    issued: dict[int, x509.Certificate] = field(default_factory=dict)
    issue_records: dict[int, IssueRecord] = field(default_factory=dict)
    revocations: dict[int, Revocation] = field(default_factory=dict)
    revocation_configuration: dict[str, Any] = field(default_factory=lambda: {"CrlConfiguration": {"Enabled": False}})
    created_at: float = field(default_factory=unix_time)
    updated_at: float | None = None
    policy: str | None = None  # set by moto's own PutPolicy
    restorable_until: float | None = None
    _state: str = "PENDING_CERTIFICATE"

    def __post_init__(self) -> None:
        """Generate the key and check that the signing algorithm fits it."""
        self.id = self.arn.rpartition("/")[2]
        self.name = distinguished_name(self.configuration["Subject"])
        self.key = generate_key(self.configuration["KeyAlgorithm"])
        Signature.named(self.configuration["SigningAlgorithm"], self.key)
        self.lock = threading.RLock()
        self.crls = CrlPublication(self, self.settings)
        self.audit_reports = AuditReports(self)

    @property
    def status(self) -> str:
        """The state; a CA whose certificate has expired is EXPIRED."""
        if self._state in {"ACTIVE", "DISABLED"} and self.certificate is not None:
            return "EXPIRED" if self.certificate.not_valid_after_utc <= datetime.now(UTC) else self._state
        return self._state

    @status.setter
    def status(self, state: str) -> None:
        self._state = state
        self.updated_at = unix_time()

    @property
    def issuer(self) -> Issuer:
        """The issuer of certificates and CRLs."""
        return Issuer(self.name, self.key, self.configuration["SigningAlgorithm"], self.crls.url)

    def require(self, operation: str, *states: str) -> None:
        """Refuse `operation` unless the CA is in one of `states`."""
        if self.status not in states:
            state = f"{self.arn} is in state {self.status}, which does not allow {operation}"
            raise ServiceError("InvalidStateException", f"The certificate authority {state}.")

    def csr(self) -> str:
        """Return the CA's own certificate signing request."""
        signature = Signature.named(self.configuration["SigningAlgorithm"], self.key)
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(self.name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, signature.algorithm, rsa_padding=signature.rsa_padding)
        )
        return request.public_bytes(Encoding.PEM).decode().strip()

    def issue(
        self,
        csr_pem: bytes,
        template_arn: str | None,
        signing_algorithm: str,
        validity: Mapping[str, Any],
        not_before: Mapping[str, Any] | None,
    ) -> str:
        """Issue a certificate for a CSR and return its ARN."""
        template = find_template(template_arn)
        csr = _read_csr(csr_pem)
        is_own = template.is_self_signed and csr.public_key() == self.key.public_key()
        if template.is_self_signed and not is_own:
            raise ServiceError("InvalidArgsException", "RootCACertificate/V1 signs only the root CA's own CSR")
        self.require("IssueCertificate", *(("PENDING_CERTIFICATE", "ACTIVE", "EXPIRED") if is_own else ("ACTIVE",)))
        now = datetime.now(UTC)
        starts = point_in_time(not_before, now) if not_before else now - _BACKDATED
        ends = point_in_time(validity, now)
        if ends <= now or ends <= starts:
            raise ServiceError(
                "ValidationException",
                f"The certificate would end at {ends}, which is in the past or before its start {starts}",
            )
        if not is_own and self.certificate is not None and ends > self.certificate.not_valid_after_utc:
            raise ServiceError(
                "ValidationException",
                f"The certificate validity {ends} exceeds the CA's own {self.certificate.not_valid_after_utc}",
            )
        issuer = Issuer(self.name, self.key, signing_algorithm, self.crls.url)
        certificate = sign_certificate(issuer, csr, template, starts, ends)
        with self.lock:
            self.issue_records[certificate.serial_number] = IssueRecord(now, template.name)
            self.issued[certificate.serial_number] = certificate
        if not is_own:
            self.crls.certificate_issued()
        return f"{self.arn}/certificate/{certificate.serial_number:032x}"

    def issued_certificate(self, arn: str) -> tuple[str, str | None]:
        """Return an issued certificate and its chain as PEM, even if it is revoked."""
        ca_arn, _, serial = arn.partition("/certificate/")
        certificate = self.issued.get(_hexadecimal(serial) or 0) if ca_arn == self.arn else None
        if certificate is None:
            raise ServiceError("ResourceNotFoundException", f"Resource {arn} not found")
        is_own = certificate.public_key() == self.key.public_key() or self.certificate is None
        return pem(certificate), None if is_own or not self.certificate else pem(self.certificate, *self.chain)

    def import_certificate(self, certificate_pem: bytes, chain_pem: bytes | None) -> None:
        """Import the CA's certificate, which must be for its key and have a valid chain; the CA becomes active."""
        self.require("ImportCertificateAuthorityCertificate", "PENDING_CERTIFICATE", "ACTIVE", "DISABLED", "EXPIRED")
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            chain = x509.load_pem_x509_certificates(chain_pem) if chain_pem else []
            constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        except (ValueError, x509.ExtensionNotFound) as error:
            raise ServiceError(
                "MalformedCertificateException", f"The certificate or its chain is malformed: {error}"
            ) from error
        if not constraints.ca:
            raise ServiceError("MalformedCertificateException", "The certificate is not a CA certificate")
        if certificate.public_key() != self.key.public_key() or certificate.subject != self.name:
            raise ServiceError(
                "CertificateMismatchException", "The certificate's key or subject is not that of the CA's CSR"
            )
        if (self.kind == "SUBORDINATE") != bool(chain):
            raise ServiceError(
                "ValidationException", "A subordinate CA needs its certificate chain, a root CA must not have one"
            )
        _check_chain([certificate, *chain])
        with self.lock:
            self.certificate, self.chain = certificate, chain
            if self.status in {"PENDING_CERTIFICATE", "EXPIRED"}:
                self.status = "ACTIVE"

    def configure_revocation(self, configuration: Mapping[str, Any] | None) -> None:
        """Set a RevocationConfiguration; an enabled CRL needs a bucket to which a test object can be written."""
        if configuration is None:
            return
        crl = {"Enabled": False, **(configuration.get("CrlConfiguration") or {})}
        if crl["Enabled"]:
            if not crl.get("S3BucketName") or not crl.get("ExpirationInDays"):
                raise ServiceError("InvalidArgsException", "An enabled CRL needs S3BucketName and ExpirationInDays")
            crl = {"S3ObjectAcl": "PUBLIC_READ", "CrlType": "COMPLETE", **crl}
            crl_bucket.write_object(self, crl, crl_bucket.PERMISSION_TEST_KEY, b"")
        self.revocation_configuration = {**configuration, "CrlConfiguration": crl}
        if self.issued.keys() - {self.certificate.serial_number if self.certificate else 0}:
            self.crls.certificate_issued()

    def revoke(self, serial_text: str, reason: str) -> None:
        """Revoke a certificate that this CA issued, for good."""
        self.require("RevokeCertificate", "ACTIVE", "DISABLED")  # privateca: PcaUpdateStatus
        serial = _hexadecimal(serial_text)
        if serial is None:
            raise ServiceError(
                "InvalidRequestException", f"The certificate serial must be hexadecimal, not {serial_text!r}"
            )  # the code that AWS returns is not documented
        if self.certificate is not None and serial == self.certificate.serial_number:
            raise ServiceError(
                "InvalidRequestException", "The certificate of the CA itself cannot be revoked by that CA"
            )
        with self.lock:
            if serial in self.revocations:
                message = f"The certificate with serial {serial_text} has already been revoked."
                raise ServiceError("RequestAlreadyProcessedException", message)
            certificate = self.issued.get(serial)
            if certificate is None:
                arn = f"{self.arn}/certificate/{serial:032x}"
                raise ServiceError("ResourceNotFoundException", f"Resource {arn} not found")
            now = datetime.now(UTC)
            if certificate.not_valid_after_utc <= now:
                raise ServiceError(
                    "InvalidRequestException", f"The certificate expired at {certificate.not_valid_after_utc}"
                )
            self.revocations[serial] = Revocation.of(certificate, reason, now)
        self.crls.certificate_revoked()

    def to_json(self) -> dict[str, Any]:
        """Return the CA as DescribeCertificateAuthority describes it."""
        description: dict[str, Any] = {
            "Arn": self.arn,
            "OwnerAccount": self.account_id,
            "CertificateAuthorityConfiguration": self.configuration,
            "Type": self.kind,
            "RevocationConfiguration": self.revocation_configuration,
            "CreatedAt": self.created_at,
            "Status": self.status,
            "UsageMode": self.usage_mode,
            "KeyStorageSecurityStandard": self.security_standard,
            "LastStateChangeAt": self.updated_at,
            "RestorableUntil": self.restorable_until,
        }
        if self.certificate is not None:
            description["Serial"] = str(self.certificate.serial_number)
            description["NotBefore"] = self.certificate.not_valid_before_utc.timestamp()
            description["NotAfter"] = self.certificate.not_valid_after_utc.timestamp()
        return {name: value for name, value in description.items() if value is not None}


def _read_csr(pem: bytes) -> x509.CertificateSigningRequest:
    with contextlib.suppress(ValueError):
        csr = x509.load_pem_x509_csr(pem)
        if csr.is_signature_valid:
            return csr
    raise ServiceError("MalformedCSRException", "The certificate signing request is invalid.")


def _check_chain(certificates: Sequence[x509.Certificate]) -> None:
    for issued, issuer in zip(certificates, [*certificates[1:], certificates[-1]], strict=True):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise ServiceError(
                "CertificateMismatchException",
                f"{issued.subject.rfc4514_string()} was not issued by {issuer.subject.rfc4514_string()}",
            ) from error


def _hexadecimal(text: str) -> int | None:
    digits = text.replace(":", "")
    return int(digits, 16) if digits and not digits.strip("0123456789abcdefABCDEF") else None
