"""Settings of the embedded AWS: delays, quotas, and the behaviour that AWS does not document."""

from dataclasses import dataclass, field
from enum import StrEnum


class SameIssuerLists(StrEnum):
    """Which lists count when a trust store holds several of one issuer; AWS does not document it."""

    UNION = "union"
    NEWEST = "newest"  # the highest RevocationId alone
    OLDEST = "oldest"  # the lowest RevocationId alone


class NamesakeLists(StrEnum):
    """Which lists of an issuer's name count when CAs with different keys have it; AWS does not document it."""

    ALL_MUST_VERIFY = "all must verify"  # a list of the other CA refuses the client (ClientCertCrlProcessingError)
    BY_KEY_IDENTIFIER = "by key identifier"  # only those whose authority key identifier is the issuer's


class ExpiredCrl(StrEnum):
    """The effect of a list after its nextUpdate; AWS does not document it."""

    ENFORCED = "enforced"  # as s2n-tls does by default: dates are not checked
    IGNORED = "ignored"  # it no longer revokes anything
    REFUSED = "refused"  # every client of that issuer is refused (ClientCertCrlProcessingError)


class CrlFailure(StrEnum):
    """Why the generation of a CRL failed, in the words of Private CA's events (privateca: CloudWatchEvents)."""

    NO_PERMISSION = "Failed to write CRL to S3. Check your S3 bucket permissions."
    NOT_WRITTEN = "Failed to write CRL to S3. Internal failure."
    NOT_GENERATED = "Failed to generate CRL. Internal failure."


@dataclass
class TrustStoreSettings:
    """Quotas of trust stores (aws: load-balancer-limits), their write throttle (aws: elb-api-throttling)."""

    max_trust_stores: int = 20  # in an account and Region
    max_ca_certificates: int = 25
    max_lists: int = 30
    max_entries: int = 500_000
    max_list_bytes: int = 50 * 1024 * 1024
    max_tags: int = 50
    write_burst: int = 10
    writes_per_second: float = 0.2
    visibility_delay_seconds: float = 0.0  # how long the Describe calls do not return an added list
    same_issuer_lists: SameIssuerLists = SameIssuerLists.UNION
    namesake_lists: NamesakeLists = NamesakeLists.ALL_MUST_VERIFY
    expired_crl: ExpiredCrl = ExpiredCrl.ENFORCED


@dataclass
class PrivateCaSettings:
    """Delays and quotas of AWS Private CA; on AWS a CRL is published about 30 minutes after a revocation."""

    crl_delay_seconds: float = 2.0
    crl_retry_seconds: float = 2.0  # on AWS 15 minutes
    publishes_crls: bool = True  # False: revocations are recorded, no CRL is written
    crl_failure: CrlFailure | None = None  # while set, each generation of a CRL fails for this reason
    audit_report_seconds: float = 0.0  # how long a report is being created
    revocations_per_second: float = 20.0
    revocation_burst: int = 20


@dataclass
class EventSettings:
    """Events of S3, and the time scales of EventBridge; 1.0 is as fast as on AWS."""

    sends_s3_events: bool = True  # False: S3's events are lost
    retry_scale: float = 1.0  # of the waits between attempts, and of MaximumEventAgeInSeconds
    schedule_scale: float = 1.0  # of the time until a schedule is due; read when a rule is created or has fired


@dataclass
class FunctionSettings:
    """How processes are started, and retries of asynchronous invocations that failed."""

    forks_processes: bool = True  # from one that has imported boto3, cryptography and pydantic; False: cold
    async_retry_seconds: float = 0.2  # on AWS a minute; twice that before the third attempt


@dataclass
class StepFunctionsSettings:
    """The time scale of state machines; 1.0 is as fast as on AWS."""

    wait_scale: float = 1.0  # of Wait states and of the waits between the attempts of a Retry


@dataclass
class Settings:
    """All settings of one embedded AWS; they may change while it runs."""

    region: str = "eu-central-1"
    account_id: str = "123456789012"
    private_ca: PrivateCaSettings = field(default_factory=PrivateCaSettings)
    trust_stores: TrustStoreSettings = field(default_factory=TrustStoreSettings)
    events: EventSettings = field(default_factory=EventSettings)
    functions: FunctionSettings = field(default_factory=FunctionSettings)
    step_functions: StepFunctionsSettings = field(default_factory=StepFunctionsSettings)

    @property
    def partition(self) -> str:
        """The partition of the Region: `aws`, `aws-cn`, …."""
        from moto.utilities.utils import get_partition  # noqa: PLC0415 - takes a second where moto is not used

        return get_partition(self.region)

    @property
    def url_suffix(self) -> str:
        """The end of AWS's host names in the Region."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def restore_defaults(self) -> None:
        """Set every setting to its default."""
        vars(self).update(vars(Settings()))
