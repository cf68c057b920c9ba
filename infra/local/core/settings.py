"""What can be set about the embedded AWS: delays, quotas, and the behaviour that AWS does not document."""

from dataclasses import dataclass, field
from enum import StrEnum


class SameIssuerLists(StrEnum):
    """Which lists count when a trust store holds several of one issuer; AWS does not say."""

    UNION = "union"
    NEWEST = "newest"  # the highest RevocationId alone
    OLDEST = "oldest"  # the lowest RevocationId alone


class ExpiredCrl(StrEnum):
    """What a list does once its nextUpdate has passed; AWS does not say."""

    ENFORCED = "enforced"  # as s2n-tls does by default: dates are not looked at
    IGNORED = "ignored"  # nothing is revoked by it any more
    REFUSED = "refused"  # every client of that issuer is refused (ClientCertCrlProcessingError)


class CrlFailure(StrEnum):
    """Why the generation of a CRL failed, in the words of Private CA's events (privateca: CloudWatchEvents)."""

    NO_PERMISSION = "Failed to write CRL to S3. Check your S3 bucket permissions."
    NOT_WRITTEN = "Failed to write CRL to S3. Internal failure."
    NOT_GENERATED = "Failed to generate CRL. Internal failure."


@dataclass
class TrustStoreSettings:
    """Quotas of trust stores (aws: load-balancer-limits), their write throttle (aws: elb-api-throttling)."""

    trust_stores: int = 20  # in an account and Region
    ca_certificates: int = 25
    lists: int = 30
    entries: int = 500_000
    list_bytes: int = 50 * 1024 * 1024
    write_burst: int = 10
    writes_per_second: float = 0.2
    visible_after_seconds: float = 0.0  # how long a list added stays unseen by the Describe calls
    same_issuer_lists: SameIssuerLists = SameIssuerLists.UNION
    expired_crl: ExpiredCrl = ExpiredCrl.ENFORCED


@dataclass
class PrivateCaSettings:
    """Delays and quotas of AWS Private CA; on AWS a CRL comes about 30 minutes after a revocation."""

    crl_after_seconds: float = 2.0
    crl_retry_seconds: float = 2.0  # on AWS 15 minutes
    crl_publication: bool = True  # switched off: revocations are recorded, no CRL is ever written
    crl_failure: CrlFailure | None = None  # while set, each generation of a CRL ends so
    revocations_per_second: float = 20.0
    revocation_burst: int = 20


@dataclass
class EventSettings:
    """What EventBridge is told, and how fast its clocks run; 1.0 is as fast as on AWS."""

    s3_notifications: bool = True  # switched off: S3's events are lost
    retry_scale: float = 1.0  # of the waits between tries, and of MaximumEventAgeInSeconds
    schedule_scale: float = 1.0  # of the time until a schedule is due; read when a rule is made and when it has fired


@dataclass
class FunctionSettings:
    """What Lambda does with an asynchronous invocation that failed."""

    async_retry_seconds: float = 0.2  # on AWS a minute; twice that before the third try


@dataclass
class Settings:
    """All settings of one embedded AWS; they may be changed while it runs."""

    region: str = "eu-central-1"
    account_id: str = "123456789012"
    private_ca: PrivateCaSettings = field(default_factory=PrivateCaSettings)
    trust_stores: TrustStoreSettings = field(default_factory=TrustStoreSettings)
    events: EventSettings = field(default_factory=EventSettings)
    functions: FunctionSettings = field(default_factory=FunctionSettings)
