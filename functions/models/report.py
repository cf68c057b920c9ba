"""The report: the outcome of each serial and each trust store, with times, counts and proof."""

from datetime import datetime

from pydantic import Field

from functions.models.base import Model, ObjectLocation, S3Object, Serial
from functions.models.drift import DriftStatus
from functions.models.request import RevocationReason
from functions.models.states import Drift, Failure, RevocationOutcome

PROVEN = "attached and read back"


class StepTimes(Model):
    """When a step ran. A Map's time runs from its first item to its last."""

    step: str
    started_at: datetime
    finished_at: datetime
    seconds: float


class SerialReport(Model):
    """The outcome of one serial."""

    serial: Serial
    outcome: RevocationOutcome | None = Field(default=None, description="At Private CA; None if it was not called.")
    error: str | None = Field(default=None, description="Private CA's error code.")
    error_explanation: str | None = None
    revoked_at: datetime | None = None
    in_crl: bool = False
    enforced: bool = Field(default=False, description="In the list read back from every trust store.")
    enforced_at: datetime | None = Field(default=None, description="When it was first read back from all.")


class CrlReport(Model):
    """The CRL that was attached last."""

    crl_number: int
    this_update: datetime
    next_update: datetime
    number_of_revoked_entries: int
    sha256: str
    pem: S3Object
    expires_soon: bool = Field(default=False, description="Sooner than the stack's MinTimeToNextUpdateSeconds.")


class OpenConnections(Model):
    """How long connections opened earlier may last: revocation does not close them."""

    client_keep_alive_seconds: int | None = None
    until: datetime | None = None
    unknown_reason: str | None = None
    not_associated: bool = Field(default=False, description="No load balancer uses the trust store.")


class TrustStoreReport(Model):
    """The outcome of one trust store."""

    trust_store_arn: str
    proven: str = Field(description="What is known for certain.")
    revocation_id: int | None = None
    crl_number: int | None = None
    verified_at: datetime | None = None
    added_revocation_ids: list[int] = Field(default_factory=list)
    removed_revocation_ids: list[int] = Field(default_factory=list)
    entries_before: int | None = Field(default=None, description="Distinct serials in this CA's lists.")
    entries_after: int | None = None
    entries_new: int | None = None
    entries_dropped: int | None = None
    entries_net: int | None = None
    dropped_serials: list[Serial] = Field(default_factory=list, description="The first hundred.")
    total_revoked_entries_before: int | None = None
    total_revoked_entries_between: int | None = Field(default=None, description="Old and new lists together.")
    total_revoked_entries_after: int | None = None
    count_rose: bool = False
    count_explanation: str = ""
    namesakes: str | None = Field(default=None, description="The CAs of the same name in the bundle, accepted.")
    open_connections: OpenConnections | None = None
    failure: Failure | None = None


class Summary(Model):
    """The number of serials that reached each stage."""

    serials: int
    revoked: int
    already_revoked: int
    expired: int
    failed: int
    in_crl: int
    enforced: int


class Report(Model):
    """The whole report."""

    version: str | None = Field(default=None, description="The version that wrote it; None before 0.2.0.")
    outcome: str
    error: str | None = None
    cause: str | None = None
    what_to_do: str | None = None
    execution_arn: str
    execution_name: str
    start_time: datetime
    reported_at: datetime
    requested_by: str | None = None
    ticket: str | None = None
    certificate_authority_arn: str | None = None
    certificate_authority: str | None = Field(
        default=None, description="The last part of its ARN; for a third-party CA, an id made from its key."
    )
    third_party_crl: ObjectLocation | None = Field(default=None, description="The third-party CRL of the input.")
    revocation_reason: RevocationReason | None = None
    reconcile: bool = Field(default=False, description="Nothing was revoked; only drift was corrected.")
    drift: Drift | None = None
    summary: Summary | None = None
    time_to_enforcement_seconds: float | None = Field(
        default=None,
        description="From the start of the execution until all was read back from every trust store.",
    )
    serials: list[SerialReport] = Field(default_factory=list)
    crl: CrlReport | None = None
    last_refused_crl: Failure | None = None
    trust_stores: list[TrustStoreReport] = Field(default_factory=list)
    steps: list[StepTimes] = Field(default_factory=list)
    connection_log_query: str | None = None


class ReportLocation(Model):
    """The execution's output: a short form of the report, and where the report is."""

    outcome: str
    error: str | None = None
    cause: str | None = None
    summary: Summary | None = None
    reconciled: DriftStatus | None = Field(default=None, description="What a reconcile found.")
    crl_number: int | None = None
    time_to_enforcement_seconds: float | None = None
    proven: str
    report_json: S3Object
    report_markdown: S3Object
