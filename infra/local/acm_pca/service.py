"""The Private CA API: real certificates, revocations as documented, and CRLs in the bucket.

moto 5.2.5 always signs RSA certificates of one year, accepts any string as a serial number, and never writes a CRL.
Its tags, policies and listings are used as they are.

Error codes: https://docs.aws.amazon.com/privateca/latest/userguide/PCATsExceptions.html
"""

# mypy: disable-error-code="override"
# moto's own methods return JSON; these return an ActionResult, as those of moto's newer services do.

import functools
import math
import re
import time
from collections.abc import Callable
from typing import Any, ClassVar, Unpack, cast

from moto.acmpca import urls
from moto.acmpca.models import ACMPCABackend, acmpca_backends
from moto.acmpca.responses import ACMPCAResponse
from moto.core.exceptions import InvalidToken
from moto.core.responses import ActionResult, EmptyResult
from moto.moto_api._internal import mock_random

from infra.local.acm_pca.certificate_authority import CertificateAuthority, pem
from infra.local.acm_pca.crl import REASONS, CrlOverrides
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.core.token_bucket import TokenBucket
from infra.local.events import sources
from infra.local.iam import enforcement

_CA_ARN = re.compile(r"arn:aws[\w-]*:acm-pca:[\w-]+:\d{12}:certificate-authority/[\w-]+")
_DAY = 24 * 60 * 60
_IDEMPOTENT_SECONDS = 5 * 60  # API reference: CreateCertificateAuthority, IssueCertificate
_DELETED_FOR_DAYS = 30  # DeleteCertificateAuthority: PermanentDeletionTimeInDays, 7 to 30


class PrivateCaBackend(ACMPCABackend):
    """The CAs of one account and Region."""

    settings: ClassVar[Settings]
    _url_module = urls  # moto would look next to this module

    def __init__(self, region_name: str, account_id: str) -> None:
        """Start without CAs."""
        super().__init__(region_name, account_id)
        self.certificate_authorities: dict[str, CertificateAuthority] = {}  # type: ignore[assignment]
        self._revocations = TokenBucket()
        self._made: dict[tuple[str, str], tuple[float, str]] = {}

    def reset(self) -> None:
        """Delete all CAs, and cancel their scheduled CRLs."""
        for ca in self.certificate_authorities.values():
            ca.crls.stop()
            ca.audit_reports.stop()
        super().reset()

    def find(self, arn: str) -> CertificateAuthority:
        """Return a CA.

        Raises:
            ServiceError: InvalidArnException if the ARN is malformed; ResourceNotFoundException if there is no such CA.

        """
        if not _CA_ARN.fullmatch(arn):
            message = f"The requested Amazon Resource Name (ARN) does not refer to an existing resource: {arn}"
            raise ServiceError("InvalidArnException", message)
        if arn not in self.certificate_authorities:
            raise ServiceError("ResourceNotFoundException", f"Resource {arn} not found")
        return self.certificate_authorities[arn]

    describe_certificate_authority = find  # type: ignore[assignment]  # called by moto's own methods

    def once(self, kind: str, token: str | None, make: Callable[[], str]) -> str:
        """Return the ARN that the same idempotency token made in the last five minutes, or make another."""
        now, key = time.monotonic(), (kind, token or "")
        made_at, arn = self._made.get(key, (-math.inf, ""))
        if token is None or now - made_at > _IDEMPOTENT_SECONDS:
            self._made[key] = now, (arn := make())
        return arn

    def create(self, request: dict[str, Any]) -> str:
        """Create a CA and return its ARN."""
        identity = f"{self.region_name}:{self.account_id}:certificate-authority/{mock_random.uuid4()}"
        ca = CertificateAuthority(
            arn=f"arn:{self.partition}:acm-pca:{identity}",
            account_id=self.account_id,
            region_name=self.region_name,
            configuration=request["CertificateAuthorityConfiguration"],
            kind=request["CertificateAuthorityType"],
            settings=self.settings,
            usage_mode=request.get("UsageMode", "GENERAL_PURPOSE"),
            security_standard=request.get("KeyStorageSecurityStandard", "FIPS_140_2_LEVEL_3_OR_HIGHER"),
        )
        ca.configure_revocation(request.get("RevocationConfiguration"))
        self.certificate_authorities[ca.arn] = ca
        self.tagger.tag_resource(ca.arn, request.get("Tags"))
        return ca.arn

    def revoke(self, arn: str, serial: str, reason: str) -> None:
        """Revoke a certificate, within the quota of 20 a second for this account and Region."""
        limits = self.settings.private_ca
        if not self._revocations.take(capacity=limits.revocation_burst, per_second=limits.revocations_per_second):
            raise ServiceError("ThrottlingException", "Rate exceeded")
        if reason not in REASONS:
            message = f"Value {reason!r} at 'revocationReason' must satisfy enum value set: {list(REASONS)}"
            raise ServiceError("ValidationException", message)
        ca = self.find(arn)
        if ca.crls.is_enabled:
            # The caller needs permission to write to the CRL bucket (API reference: RevokeCertificate).
            bucket, key = ca.crls.target
            enforcement.require("s3:PutObject", f"arn:{self.partition}:s3:::{bucket}/{key}")
        ca.revoke(serial, reason)
        sources.certificate_revoked(arn, self.region_name, int(serial.replace(":", ""), 16))


def backend_of(account_id: str, region_name: str) -> PrivateCaBackend:
    """Return the CAs of an account and Region."""
    return cast("PrivateCaBackend", acmpca_backends[account_id][region_name])


class PrivateCaResponse(ACMPCAResponse):
    """The API actions that differ from moto's; the service model parses the request and writes the response."""

    def __init__(self) -> None:
        """Make moto parse the request by the service model."""
        super().__init__()
        self.automated_parameter_parsing = True

    @property
    def _backend(self) -> PrivateCaBackend:
        return backend_of(self.current_account, self.region)

    @property
    def _ca(self) -> CertificateAuthority:
        return self._backend.find(self.params["CertificateAuthorityArn"])

    def create_certificate_authority(self) -> ActionResult:
        """Create a CA, which is pending until its certificate is imported."""
        token = self.params.get("IdempotencyToken")
        arn = self._backend.once("CA", token, lambda: self._backend.create(self.params))
        return ActionResult({"CertificateAuthorityArn": arn})

    def list_certificate_authorities(self) -> Any:  # noqa: ANN401 - moto's
        """List the CAs."""
        try:
            return super().list_certificate_authorities()
        except InvalidToken as error:
            raise ServiceError("InvalidNextTokenException", error.message) from error

    def describe_certificate_authority(self) -> ActionResult:
        """Describe a CA."""
        return ActionResult({"CertificateAuthority": self._ca.to_json()})

    def get_certificate_authority_csr(self) -> ActionResult:
        """Return the CSR of a CA."""
        return ActionResult({"Csr": self._ca.csr()})

    def get_certificate_authority_certificate(self) -> ActionResult:
        """Return the certificate of a CA, and the chain of a subordinate one."""
        ca = self._ca
        ca.require("GetCertificateAuthorityCertificate", "ACTIVE", "DISABLED", "EXPIRED")
        certificate, chain = ca.certificate, ca.chain
        return ActionResult(
            {
                "Certificate": pem(certificate) if certificate else None,
                "CertificateChain": pem(*chain) if chain else None,
            }
        )

    def import_certificate_authority_certificate(self) -> ActionResult:
        """Import the certificate of a CA."""
        self._ca.import_certificate(self.params["Certificate"], self.params.get("CertificateChain"))
        return EmptyResult()

    def issue_certificate(self) -> ActionResult:
        """Issue a certificate; it is available at once, on AWS after a moment."""
        if self.params.get("ApiPassthrough"):
            raise ServiceError("InvalidArgsException", "ApiPassthrough is not available here")
        ca = self._ca
        issue = functools.partial(
            ca.issue,
            self.params["Csr"],
            self.params.get("TemplateArn"),
            self.params["SigningAlgorithm"],
            self.params["Validity"],
            self.params.get("ValidityNotBefore"),
        )
        return ActionResult({"CertificateArn": self._backend.once(ca.arn, self.params.get("IdempotencyToken"), issue)})

    def get_certificate(self) -> ActionResult:
        """Return an issued certificate, revoked or not."""
        certificate, chain = self._ca.issued_certificate(self.params["CertificateArn"])
        return ActionResult({"Certificate": certificate, "CertificateChain": chain})

    def revoke_certificate(self) -> ActionResult:
        """Revoke a certificate."""
        self._backend.revoke(
            self.params["CertificateAuthorityArn"],
            self.params["CertificateSerial"],
            self.params["RevocationReason"],
        )
        return EmptyResult()

    def create_certificate_authority_audit_report(self) -> ActionResult:
        """Begin an audit report; the limit of one in 30 minutes does not apply here."""
        seconds = self._backend.settings.private_ca.audit_report_seconds
        report_id, key = self._ca.audit_reports.create(
            self.params["S3BucketName"], self.params["AuditReportResponseFormat"], seconds
        )
        return ActionResult({"AuditReportId": report_id, "S3Key": key})

    def describe_certificate_authority_audit_report(self) -> ActionResult:
        """Return the status of an audit report, and where it is."""
        return ActionResult(self._ca.audit_reports.describe(self.params["AuditReportId"]))

    def update_certificate_authority(self) -> ActionResult:
        """Change a CA's status or its revocation configuration."""
        ca, status = self._ca, self.params.get("Status")
        ca.require("UpdateCertificateAuthority", "ACTIVE", "DISABLED")
        if status not in {None, "ACTIVE", "DISABLED"}:
            raise ServiceError("InvalidArgsException", f"Status can be set to ACTIVE or DISABLED, not to {status}")
        ca.configure_revocation(self.params.get("RevocationConfiguration"))
        if status is not None:
            ca.status = status
        return EmptyResult()

    def delete_certificate_authority(self) -> ActionResult:
        """Delete a CA, which must not be active; restoring it is not supported."""
        ca = self._ca
        ca.require("DeleteCertificateAuthority", "PENDING_CERTIFICATE", "DISABLED", "EXPIRED")
        days = self.params.get("PermanentDeletionTimeInDays", _DELETED_FOR_DAYS)
        ca.status = "DELETED"
        ca.restorable_until = (ca.updated_at or 0) + days * _DAY
        return EmptyResult()


def install(settings: Settings) -> None:
    """Replace moto's Private CA; call this before the server starts."""
    PrivateCaBackend.settings = settings
    acmpca_backends.backend = PrivateCaBackend
    acmpca_backends.clear()
    urls.url_paths["{0}/$"] = PrivateCaResponse.dispatch


def certificate_authority(arn: str) -> CertificateAuthority:
    """Return a CA of the embedded AWS, for tests and the command line."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return backend_of(account, region).find(arn)


def publish_now(ca_arn: str, **overrides: Unpack[CrlOverrides]) -> bytes:
    """Publish a CRL of the CA now and return its DER; `overrides` make it a wrong one.

    Raises:
        CrlBucketError: the bucket denies access to Private CA.

    """
    return certificate_authority(ca_arn).crls.publish(**overrides)
