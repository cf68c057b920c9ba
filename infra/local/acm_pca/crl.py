"""The CRLs of a CA in AWS Private CA: when they are published, and what is in them."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca import crl_bucket
from infra.local.acm_pca.signing import Issuer, PrivateKey, Signature
from infra.local.core.settings import CrlFailure, Settings
from infra.local.events import sources

_log = logging.getLogger(__name__)

BACKDATED = timedelta(hours=1)  # of thisUpdate, as in AWS's own samples (privateca: crl-planning)

REASONS = {
    "UNSPECIFIED": x509.ReasonFlags.unspecified,
    "KEY_COMPROMISE": x509.ReasonFlags.key_compromise,
    "CERTIFICATE_AUTHORITY_COMPROMISE": x509.ReasonFlags.ca_compromise,
    "AFFILIATION_CHANGED": x509.ReasonFlags.affiliation_changed,
    "SUPERSEDED": x509.ReasonFlags.superseded,
    "CESSATION_OF_OPERATION": x509.ReasonFlags.cessation_of_operation,
    "PRIVILEGE_WITHDRAWN": x509.ReasonFlags.privilege_withdrawn,
    "A_A_COMPROMISE": x509.ReasonFlags.aa_compromise,
}


@dataclass
class Revocation:
    """One revoked certificate; a CRL that lists it after its expiry is the last one to do so."""

    serial: int
    expires: datetime
    reason: str  # RevocationReason of the API
    entry: x509.RevokedCertificate
    listed_after_expiry: bool = False

    @classmethod
    def of(cls, certificate: x509.Certificate, reason: str, now: datetime) -> "Revocation":
        """Revoke `certificate` for a `RevocationReason` of the API; RFC 5280, 5.3.1 omits `unspecified`."""
        builder = x509.RevokedCertificateBuilder()
        builder = builder.serial_number(certificate.serial_number).revocation_date(now)
        if reason != "UNSPECIFIED":
            builder = builder.add_extension(x509.CRLReason(REASONS[reason]), critical=False)
        return cls(certificate.serial_number, certificate.not_valid_after_utc, reason, builder.build())


class CrlOverrides(TypedDict, total=False):
    """What a test can change in a CRL, to make a wrong one."""

    signing_key: PrivateKey
    number: int
    this_update: datetime
    next_update: datetime
    serials: Collection[int]  # only these, of the revoked certificates
    extensions: Sequence[tuple[x509.ExtensionType, bool]]  # in addition to the usual ones; each with its criticality
    transform: Callable[[bytes], bytes]  # applied to the signed DER


class Publisher(crl_bucket.Owner, Protocol):
    """The CA as far as its CRLs need it."""

    id: str
    region_name: str
    revocation_configuration: dict[str, Any]
    revocations: dict[int, Revocation]

    @property
    def issuer(self) -> Issuer:
        """The issuer of the CRL."""

    @property
    def status(self) -> str:
        """The CA's state; only an ACTIVE or DISABLED CA publishes."""


@dataclass
class CrlPublication:
    """The CRLs of one CA: their schedule, and how many were generated and failed.

    As on AWS, one CRL covers several revocations: the first starts a timer, and the CRL lists all that were made
    before it ends.
    """

    ca: Publisher
    settings: Settings
    overrides: CrlOverrides = field(default_factory=CrlOverrides)  # of scheduled publications
    generated: int = 0
    failed: int = 0
    last_number: int = 0
    location: tuple[str, str] | None = None  # bucket and key of the last CRL written
    _partition: str = field(default_factory=lambda: str(uuid.uuid4()))
    _timer: threading.Timer | None = None
    _stopped: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def configuration(self) -> dict[str, Any]:
        """The CrlConfiguration of the API."""
        return self.ca.revocation_configuration.get("CrlConfiguration") or {}

    @property
    def is_enabled(self) -> bool:
        """Whether the CA publishes CRLs."""
        return bool(self.configuration.get("Enabled"))

    @property
    def target(self) -> tuple[str, str]:
        """Bucket and key of the CRL; a partitioned one is stored under a GUID, not at the complete CRL's key."""
        folder = self.configuration.get("CustomPath") or "crl"
        if self.configuration.get("CrlType") == "PARTITIONED":
            # The default folder of partitions is not documented; clients read it from the certificates.
            name = f"{folder}/{self.ca.id}/{self._partition}.crl"
        else:
            name = f"{folder}/{self.ca.id}.crl"
        return self.configuration["S3BucketName"], name

    @property
    def url(self) -> str | None:
        """The CRL distribution point of new certificates, or None."""
        extension = self.configuration.get("CrlDistributionPointExtensionConfiguration") or {}
        if not self.is_enabled or extension.get("OmitExtension"):
            return None
        bucket, key = self.target
        host = self.configuration.get("CustomCname") or f"{bucket}.s3.{self.ca.region_name}.{self.settings.url_suffix}"
        return f"http://{host}/{key}"

    def certificate_issued(self) -> None:
        """Schedule the first CRL, or the first at another key, once a certificate refers to it."""
        if self.is_enabled and self.location != self.target:
            self.schedule(self.settings.private_ca.crl_delay_seconds)

    def certificate_revoked(self) -> None:
        """Schedule a CRL, unless one is scheduled already."""
        if self.is_enabled:
            self.schedule(self.settings.private_ca.crl_delay_seconds)

    def schedule(self, seconds: float) -> None:
        """Schedule a CRL in `seconds`, unless one is scheduled already."""
        with self._lock:
            if self._timer is None and not self._stopped:
                self._timer = threading.Timer(seconds, self._fire)
                self._timer.name, self._timer.daemon = f"crl-{self.ca.id}", True
                self._timer.start()

    def stop(self) -> None:
        """Cancel what is scheduled and schedule nothing more: the CA was deleted by a reset.

        Does not take the lock: a reset holds moto's lock, for which a CRL that is being written waits.
        """
        self._stopped = True
        if (timer := self._timer) is not None:
            timer.cancel()

    def _fire(self) -> None:
        with self._lock:
            if self._timer is None:  # `publish` was called in the meantime
                return
            self._timer = None
            if self._stopped or not self.is_enabled or self.ca.status not in {"ACTIVE", "DISABLED"}:
                return
            if not self.settings.private_ca.publishes_crls:
                self.schedule(self.settings.private_ca.crl_retry_seconds)
                return
            if failure := self.settings.private_ca.crl_failure:
                self._record_generation(failure)
                self.schedule(self.settings.private_ca.crl_retry_seconds)
                return
            try:
                self.publish(**self.overrides)
            except crl_bucket.CrlBucketError:
                self.schedule(self.settings.private_ca.crl_retry_seconds)

    def publish(self, **overrides: Unpack[CrlOverrides]) -> bytes:
        """Write a CRL now and return its DER; one without overrides replaces the scheduled one.

        Raises:
            CrlBucketError: the bucket denies access to Private CA.

        """
        with self._lock:
            bucket, key = self.target
            now = datetime.now(UTC)
            der = self._build(now, overrides)
            try:
                crl_bucket.write_object(self.ca, self.configuration, key, der)
            except crl_bucket.CrlBucketError as error:
                self._record_generation(CrlFailure.NO_PERMISSION, str(error))
                raise
            self.location = bucket, key
            self._mark_expired_as_listed(now)
            self._record_generation(None)
            if not overrides and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return der

    def _record_generation(self, failure: CrlFailure | None, detail: str = "") -> None:
        """Count a generation and send its event to EventBridge; the CloudWatch metrics of AWS are left out."""
        if failure is None:
            self.generated += 1
        else:
            self.failed += 1
            _log.warning("CRL of %s not written: %s", self.ca.arn, detail or failure)
        sources.crl_generated(self.ca.arn, self.ca.region_name, failure)

    def _build(self, now: datetime, overrides: CrlOverrides) -> bytes:
        number = overrides.get("number") or max(self.last_number + 1, time.time_ns() // 1_000_000)
        issuer, lifetime = self.ca.issuer, timedelta(days=self.configuration["ExpirationInDays"])
        serials = overrides.get("serials")
        entries = [
            revocation.entry for revocation in self._listed(now) if serials is None or revocation.serial in serials
        ]
        # All entries at once: add_revoked_certificate copies the earlier ones, which takes minutes for 100,000.
        builder = (
            x509.CertificateRevocationListBuilder(revoked_certificates=entries)
            .issuer_name(issuer.name)
            .last_update(overrides.get("this_update") or now - BACKDATED)
            .next_update(overrides.get("next_update") or now + lifetime)
            .add_extension(issuer.key_identifier, critical=False)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for extension, critical in (*self._issuing_distribution_point(), *overrides.get("extensions", ())):
            builder = builder.add_extension(extension, critical)
        key = overrides.get("signing_key") or issuer.key
        signature = Signature.named(issuer.signing_algorithm, issuer.key)
        crl = builder.sign(key, signature.algorithm, rsa_padding=signature.rsa_padding)
        self.last_number = max(self.last_number, number)
        return overrides.get("transform", bytes)(crl.public_bytes(Encoding.DER))

    def _listed(self, now: datetime) -> list[Revocation]:
        """Return what to list; an expired certificate stays for one further CRL (privateca: CrlConfiguration)."""
        revocations = list(self.ca.revocations.values())
        return [each for each in revocations if each.expires > now or not each.listed_after_expiry]

    def _mark_expired_as_listed(self, now: datetime) -> None:
        for revocation in list(self.ca.revocations.values()):
            revocation.listed_after_expiry = revocation.expires <= now

    def _issuing_distribution_point(self) -> list[tuple[x509.ExtensionType, bool]]:
        if self.configuration.get("CrlType") != "PARTITIONED" or not self.url:
            return []
        names = [x509.UniformResourceIdentifier(self.url)]
        return [
            (
                x509.IssuingDistributionPoint(
                    full_name=names,
                    relative_name=None,
                    only_contains_user_certs=False,
                    only_contains_ca_certs=False,
                    only_some_reasons=None,
                    indirect_crl=False,
                    only_contains_attribute_certs=False,
                ),
                True,
            )
        ]
