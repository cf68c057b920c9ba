"""AWS Private CA for the embedded AWS: real certificates, revocations as documented, and CRLs in the bucket.

moto 5.2.5 signs RSA certificates of one year whatever is asked for, takes any text as a serial number, and
never writes a CRL. What it does well (tags, policies, listing) stays.
"""

# mypy: disable-error-code="override"
# moto's own methods answer with JSON text; these answer with ActionResult, as moto's newer services do.

import re
from typing import Any, ClassVar, Unpack, cast

from moto.acmpca import urls
from moto.acmpca.models import ACMPCABackend, acmpca_backends
from moto.acmpca.responses import ACMPCAResponse
from moto.core import errors
from moto.core.responses import ActionResult, EmptyResult
from moto.moto_api._internal import mock_random

from infra.local.acm_pca.certificate_authority import CertificateAuthority, pem
from infra.local.acm_pca.crl import REASONS, CrlOverrides
from infra.local.acm_pca.exceptions import (
    InvalidArgsException,
    InvalidArnException,
    ResourceNotFoundException,
    ThrottlingException,
    ValidationException,
)
from infra.local.core.settings import Settings
from infra.local.core.token_bucket import TokenBucket
from infra.local.events import sources as event_sources
from infra.local.iam import enforcement as iam

_CA_ARN = re.compile(r"arn:aws[\w-]*:acm-pca:[\w-]+:\d{12}:certificate-authority/[\w-]+")
_DAY = 24 * 60 * 60
_DELETED_FOR_DAYS = 30  # DeleteCertificateAuthority: PermanentDeletionTimeInDays, 7 to 30


class PrivateCaBackend(ACMPCABackend):
    """The CAs of one account and Region."""

    settings: ClassVar[Settings]

    def __init__(self, region_name: str, account_id: str) -> None:
        """Start without any CA."""
        super().__init__(region_name, account_id)
        self.certificate_authorities: dict[str, CertificateAuthority] = {}  # type: ignore[assignment]
        self._revocations = TokenBucket()

    @property
    def _url_module(self) -> Any:  # noqa: ANN401 - moto's own signature; it looks beside the class's module
        return urls

    def reset(self) -> None:
        """Forget everything, also the CRLs that are due."""
        for authority in self.certificate_authorities.values():
            authority.crls.stop()
        super().reset()

    def authority(self, arn: str) -> CertificateAuthority:
        """Find a CA.

        Raises:
            InvalidArnException: the text is no ARN of a CA.
            ResourceNotFoundException: there is no such CA.

        """
        if not _CA_ARN.fullmatch(arn):
            raise InvalidArnException(arn=arn)
        if arn not in self.certificate_authorities:
            raise ResourceNotFoundException(arn=arn)
        return self.certificate_authorities[arn]

    describe_certificate_authority = authority  # type: ignore[assignment]  # moto's methods look CAs up by it

    def create(self, request: dict[str, Any]) -> str:
        """Create a CA and return its ARN."""
        identity = f"{self.region_name}:{self.account_id}:certificate-authority/{mock_random.uuid4()}"
        authority = CertificateAuthority(
            arn=f"arn:{self.partition}:acm-pca:{identity}",
            account_id=self.account_id,
            region_name=self.region_name,
            configuration=request["CertificateAuthorityConfiguration"],
            kind=request["CertificateAuthorityType"],
            settings=self.settings,
            usage_mode=request.get("UsageMode", "GENERAL_PURPOSE"),
            security_standard=request.get("KeyStorageSecurityStandard", "FIPS_140_2_LEVEL_3_OR_HIGHER"),
        )
        authority.configure_revocation(request.get("RevocationConfiguration"))
        self.certificate_authorities[authority.arn] = authority
        self.tagger.tag_resource(authority.arn, request.get("Tags"))
        return authority.arn

    def revoke(self, arn: str, serial: str, reason: str) -> None:
        """Revoke a certificate, at most 20 a second in this account and Region."""
        limits = self.settings.private_ca
        if not self._revocations.take(capacity=limits.revocation_burst, per_second=limits.revocations_per_second):
            raise ThrottlingException
        if reason not in REASONS:
            raise ValidationException(
                f"Value {reason!r} at 'revocationReason' must satisfy enum value set: {list(REASONS)}"
            )
        authority = self.authority(arn)
        if authority.crls.enabled:
            # The caller must be allowed to write to the CRL bucket (API reference: RevokeCertificate).
            bucket, key = authority.crls.target
            iam.demand("s3:PutObject", f"arn:{self.partition}:s3:::{bucket}/{key}")
        authority.revoke(serial, reason)
        event_sources.certificate_revoked(arn, self.region_name, int(serial.replace(":", ""), 16))


def backend_of(account_id: str, region_name: str) -> PrivateCaBackend:
    """Find the CAs of an account and Region."""
    return cast("PrivateCaBackend", acmpca_backends[account_id][region_name])


class PrivateCaResponse(ACMPCAResponse):
    """The API actions that differ from moto's; botocore's model reads the request and writes the answer."""

    def __init__(self) -> None:
        """Have moto parse the request by the service model, whatever the protocol."""
        super().__init__()
        self.automated_parameter_parsing = True

    @property
    def _backend(self) -> PrivateCaBackend:
        return backend_of(self.current_account, self.region)

    @property
    def _authority(self) -> CertificateAuthority:
        return self._backend.authority(self.params["CertificateAuthorityArn"])

    def create_certificate_authority(self) -> ActionResult:
        """Create a CA that waits for its certificate."""
        return ActionResult({"CertificateAuthorityArn": self._backend.create(self.params)})

    def describe_certificate_authority(self) -> ActionResult:
        """Describe a CA."""
        return ActionResult({"CertificateAuthority": self._authority.to_json()})

    def get_certificate_authority_csr(self) -> ActionResult:
        """Return the CSR of a CA."""
        return ActionResult({"Csr": self._authority.csr()})

    def get_certificate_authority_certificate(self) -> ActionResult:
        """Return the certificate of a CA and, of a subordinate one, its chain."""
        authority = self._authority
        authority.require("GetCertificateAuthorityCertificate", "ACTIVE", "DISABLED", "EXPIRED")
        certificate, chain = authority.certificate, authority.chain
        return ActionResult(
            {
                "Certificate": pem(certificate) if certificate else None,
                "CertificateChain": pem(*chain) if chain else None,
            }
        )

    def import_certificate_authority_certificate(self) -> ActionResult:
        """Give a CA its certificate."""
        self._authority.import_certificate(self.params["Certificate"], self.params.get("CertificateChain"))
        return EmptyResult()

    def issue_certificate(self) -> ActionResult:
        """Issue a certificate; it is there at once, where AWS takes a moment."""
        if self.params.get("ApiPassthrough"):
            raise InvalidArgsException("ApiPassthrough is not available here")
        arn = self._authority.issue(
            self.params["Csr"],
            self.params.get("TemplateArn"),
            self.params["SigningAlgorithm"],
            self.params["Validity"],
            self.params.get("ValidityNotBefore"),
        )
        return ActionResult({"CertificateArn": arn})

    def get_certificate(self) -> ActionResult:
        """Return an issued certificate, revoked or not."""
        certificate, chain = self._authority.issued_certificate(self.params["CertificateArn"])
        return ActionResult({"Certificate": certificate, "CertificateChain": chain})

    def revoke_certificate(self) -> ActionResult:
        """Revoke a certificate."""
        self._backend.revoke(
            self.params["CertificateAuthorityArn"],
            self.params["CertificateSerial"],
            self.params["RevocationReason"],
        )
        return EmptyResult()

    def update_certificate_authority(self) -> ActionResult:
        """Change a CA's status or its revocation configuration."""
        authority, status = self._authority, self.params.get("Status")
        authority.require("UpdateCertificateAuthority", "ACTIVE", "DISABLED")
        if status not in {None, "ACTIVE", "DISABLED"}:
            raise InvalidArgsException(f"Status can be set to ACTIVE or DISABLED, not to {status}")
        authority.configure_revocation(self.params.get("RevocationConfiguration"))
        if status is not None:
            authority.status = status
        return EmptyResult()

    def delete_certificate_authority(self) -> ActionResult:
        """Delete a CA, which must not be active; it can be restored for a while, though not here."""
        authority = self._authority
        authority.require("DeleteCertificateAuthority", "PENDING_CERTIFICATE", "DISABLED", "EXPIRED")
        days = self.params.get("PermanentDeletionTimeInDays", _DELETED_FOR_DAYS)
        authority.status = "DELETED"
        authority.restorable_until = (authority.updated_at or 0) + days * _DAY
        return EmptyResult()


def install(settings: Settings) -> None:
    """Put this Private CA in the place of moto's; call it before the server starts."""
    PrivateCaBackend.settings = settings
    acmpca_backends.backend = PrivateCaBackend
    acmpca_backends.clear()
    urls.url_paths["{0}/$"] = PrivateCaResponse.dispatch
    if ThrottlingException.code not in errors.COMMON_ERROR_CODES:
        errors.COMMON_ERROR_CODES.append(ThrottlingException.code)  # in no service model; moto warns about those


def certificate_authority(arn: str) -> CertificateAuthority:
    """Find a CA of the embedded AWS by its ARN, for tests and the command line."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return backend_of(account, region).authority(arn)


def publish_now(ca_arn: str, **overrides: Unpack[CrlOverrides]) -> bytes:
    """Publish a CRL of the CA at once and return its DER; `overrides` say what shall be wrong with it.

    Raises:
        CrlBucketException: the bucket does not let Private CA in.

    """
    return certificate_authority(ca_arn).crls.publish(**overrides)
