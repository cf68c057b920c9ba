"""The CRLs of AWS Private CA: signed and written to the customer's bucket some time after a revocation."""

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
from moto.s3.exceptions import MissingBucket
from moto.s3.models import S3Backend, get_canned_acl, s3_backends

from infra.local.acm_pca.exceptions import CrlBucketException
from infra.local.acm_pca.signing import Issuer, PrivateKey, Signature
from infra.local.core.settings import CrlFailure, Settings
from infra.local.events import sources as event_sources
from infra.local.iam import policy as bucket_policy

_log = logging.getLogger(__name__)

SERVICE = "acm-pca.amazonaws.com"
PERMISSION_TEST_KEY = "acm-pca-permission-test-key"
BACKDATED = timedelta(hours=1)  # thisUpdate lies an hour back in AWS's own samples (privateca: crl-planning)

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
    """One revoked certificate, and whether a CRL has listed it after its expiry: the next one will not."""

    serial: int
    expires: datetime
    entry: x509.RevokedCertificate
    listed_after_expiry: bool = False

    @classmethod
    def of(cls, certificate: x509.Certificate, reason: str, now: datetime) -> "Revocation":
        """Revoke `certificate` for a `RevocationReason` of the API; RFC 5280, 5.3.1 omits `unspecified`."""
        builder = x509.RevokedCertificateBuilder()
        builder = builder.serial_number(certificate.serial_number).revocation_date(now)
        if reason != "UNSPECIFIED":
            builder = builder.add_extension(x509.CRLReason(REASONS[reason]), critical=False)
        return cls(certificate.serial_number, certificate.not_valid_after_utc, builder.build())


class CrlOverrides(TypedDict, total=False):
    """What a test may ask to be wrong with a CRL."""

    signing_key: PrivateKey
    number: int
    this_update: datetime
    next_update: datetime
    serials: Collection[int]  # only these of the revoked
    extensions: Sequence[tuple[x509.ExtensionType, bool]]  # beside the usual ones
    transform: Callable[[bytes], bytes]  # applied to the signed DER


class Publisher(Protocol):
    """What a CRL needs to know about its CA."""

    arn: str
    id: str
    account_id: str
    region_name: str
    revocation_configuration: dict[str, Any]
    revocations: dict[int, Revocation]

    @property
    def issuer(self) -> Issuer:
        """Who signs the CRL."""

    @property
    def status(self) -> str:
        """Return the CA's state; only ACTIVE and DISABLED ones publish."""


@dataclass
class CrlPublication:
    """The CRLs of one CA: when they are due, and what became of them.

    Coalesced, as on AWS: the first revocation sets the clock, and the CRL holds all those made up to then.
    """

    ca: Publisher
    settings: Settings
    overrides: CrlOverrides = field(default_factory=CrlOverrides)  # for the publications to come
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
    def enabled(self) -> bool:
        """Whether the CA publishes CRLs at all."""
        return bool(self.configuration.get("Enabled"))

    @property
    def target(self) -> tuple[str, str]:
        """Bucket and key of the CRL; that of a partition is a GUID, and nothing is at the complete key."""
        folder = self.configuration.get("CustomPath") or "crl"
        if self.configuration.get("CrlType") == "PARTITIONED":
            # The default folder of partitions is not documented; clients learn it from the certificates.
            name = f"{folder}/{self.ca.id}/{self._partition}.crl"
        else:
            name = f"{folder}/{self.ca.id}.crl"
        return self.configuration["S3BucketName"], name

    @property
    def url(self) -> str | None:
        """What certificates name as CRL distribution point, if anything."""
        extension = self.configuration.get("CrlDistributionPointExtensionConfiguration") or {}
        if not self.enabled or extension.get("OmitExtension"):
            return None
        bucket, key = self.target
        host = self.configuration.get("CustomCname") or f"{bucket}.s3.{self.ca.region_name}.amazonaws.com"
        return f"http://{host}/{key}"

    def certificate_issued(self) -> None:
        """Publish the first CRL once there is a certificate to which it can refer."""
        if self.enabled and self.location != self.target:
            self.due(self.settings.private_ca.crl_after_seconds)

    def certificate_revoked(self) -> None:
        """Publish a CRL some time from now, unless one is due already."""
        if self.enabled:
            self.due(self.settings.private_ca.crl_after_seconds)

    def due(self, seconds: float) -> None:
        """Arrange for a CRL in `seconds`, unless one is due already."""
        with self._lock:
            if self._timer is None and not self._stopped:
                self._timer = threading.Timer(seconds, self._fire)
                self._timer.name, self._timer.daemon = f"crl-{self.ca.id}", True
                self._timer.start()

    def stop(self) -> None:
        """Publish nothing any more: the CA is gone.

        Without the lock: whoever forgets all backends holds moto's, and a CRL that is being written waits for that one.
        """
        self._stopped = True
        if (timer := self._timer) is not None:
            timer.cancel()

    def _fire(self) -> None:
        with self._lock:
            if self._timer is None:  # a CRL came meanwhile that is as good
                return
            self._timer = None
            if self._stopped or not self.enabled or self.ca.status not in {"ACTIVE", "DISABLED"}:
                return
            if not self.settings.private_ca.crl_publication:
                self.due(self.settings.private_ca.crl_retry_seconds)
                return
            if failure := self.settings.private_ca.crl_failure:
                self._generation_ended(failure)
                self.due(self.settings.private_ca.crl_retry_seconds)
                return
            try:
                self.publish(**self.overrides)
            except CrlBucketException:
                self.due(self.settings.private_ca.crl_retry_seconds)

    def publish(self, **overrides: Unpack[CrlOverrides]) -> bytes:
        """Write a CRL now and return its DER; an ordinary one takes the place of the one that is due.

        Raises:
            CrlBucketException: the bucket does not let Private CA in.

        """
        with self._lock:
            bucket, key = self.target
            now = datetime.now(UTC)
            der = self._build(now, overrides)
            try:
                write(self.ca, self.configuration, key, der)
            except CrlBucketException as error:
                self._generation_ended(CrlFailure.NO_PERMISSION, str(error))
                raise
            self.location = bucket, key
            self._expired_ones_were_listed(now)
            self._generation_ended(None)
            if not overrides and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return der

    def _generation_ended(self, failure: CrlFailure | None, why: str = "") -> None:
        """Note how a generation ended, and tell EventBridge: here belong the CloudWatch metrics."""
        if failure is None:
            self.generated += 1
        else:
            self.failed += 1
            _log.warning("CRL of %s not written: %s", self.ca.arn, why or failure)
        event_sources.crl_generated(self.ca.arn, self.ca.region_name, failure)

    def _build(self, now: datetime, overrides: CrlOverrides) -> bytes:
        number = overrides.get("number") or max(self.last_number + 1, time.time_ns() // 1_000_000)
        issuer = self.ca.issuer
        serials = overrides.get("serials")
        entries = [r.entry for r in self._listed(now) if serials is None or r.serial in serials]
        # Entries go in at once: add_revoked_certificate copies all others, minutes for a list of 100,000.
        builder = (
            x509.CertificateRevocationListBuilder(revoked_certificates=entries)
            .issuer_name(issuer.name)
            .last_update(overrides.get("this_update") or now - BACKDATED)
            .next_update(overrides.get("next_update") or now + self._lifetime)
            .add_extension(issuer.key_identifier, critical=False)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for extension, critical in (*self._scope(), *overrides.get("extensions", ())):
            builder = builder.add_extension(extension, critical)
        key = overrides.get("signing_key") or issuer.key
        signature = Signature.named(issuer.signing_algorithm, issuer.key)
        crl = builder.sign(key, signature.algorithm, rsa_padding=signature.rsa_padding)
        self.last_number = max(self.last_number, number)
        return overrides.get("transform", bytes)(crl.public_bytes(Encoding.DER))

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(days=self.configuration["ExpirationInDays"])

    def _listed(self, now: datetime) -> list[Revocation]:
        """Leave out what has expired, but only after one further CRL (privateca: CrlConfiguration)."""
        return [r for r in list(self.ca.revocations.values()) if r.expires > now or not r.listed_after_expiry]

    def _expired_ones_were_listed(self, now: datetime) -> None:
        for revocation in list(self.ca.revocations.values()):
            revocation.listed_after_expiry = revocation.expires <= now

    def _scope(self) -> list[tuple[x509.ExtensionType, bool]]:
        if self.configuration.get("CrlType") != "PARTITIONED" or not self.url:
            return []
        point = [x509.UniformResourceIdentifier(self.url)]
        return [
            (
                x509.IssuingDistributionPoint(
                    full_name=point,
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


def write(ca: Publisher, configuration: dict[str, Any], key: str, body: bytes) -> None:
    """Write an object to the CRL bucket as Private CA does, if the bucket lets it in.

    Raises:
        CrlBucketException: it does not, or does not exist.

    """
    name = configuration["S3BucketName"]
    s3: S3Backend = s3_backends[ca.account_id]["aws"]
    try:
        bucket = s3.get_bucket(name)
    except MissingBucket as error:
        raise CrlBucketException(bucket=name, reason="the bucket does not exist") from error
    context = {"aws:SourceAccount": ca.account_id, "aws:SourceArn": ca.arn, "aws:SecureTransport": "true"}
    for action, resource in (
        ("s3:GetBucketAcl", f"arn:aws:s3:::{name}"),
        ("s3:GetBucketLocation", f"arn:aws:s3:::{name}"),
        ("s3:PutObject", f"arn:aws:s3:::{name}/{key}"),
        ("s3:PutObjectAcl", f"arn:aws:s3:::{name}/{key}"),
    ):
        policy = bucket.policy.decode() if bucket.policy else None
        if not bucket_policy.allows(policy, service=SERVICE, action=action, resource=resource, context=context):
            raise CrlBucketException(bucket=name, reason=f"its policy does not allow {action} on {resource}")
    public = configuration.get("S3ObjectAcl", "PUBLIC_READ") == "PUBLIC_READ"
    # A bucket without the setting blocks public access too, as buckets do since April 2023.
    if public and (bucket.public_access_block is None or bucket.public_access_block.block_public_acls):
        raise CrlBucketException(bucket=name, reason="it blocks public access, and S3ObjectAcl is PUBLIC_READ")
    written = s3.put_object(name, key, body)
    written.set_acl(get_canned_acl("public-read" if public else "bucket-owner-full-control"))
