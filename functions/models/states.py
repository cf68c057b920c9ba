"""The inputs and results of the steps, in the order of the data; the execution's own input is in request.py."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from functions.models.base import CertificateAuthorityArn, Model, S3Object, Serial, TrustStoreArn
from functions.models.drift import DriftStatus, ListInPlace, TrustStoreDrift
from functions.models.request import Polling, RevocationReason, WantedSerial


class StepResult(Model):
    """The result of a step; `functions/handler.py` adds the times."""

    started_at: datetime | None = None
    finished_at: datetime | None = None


class Attached(StepResult):
    """The result of AttachCrl. Ids accumulate over the rounds of an execution."""

    revocation_id: int | None = None
    added_revocation_ids: list[int] = Field(default_factory=list)
    removed_revocation_ids: list[int] = Field(default_factory=list)


class Verified(StepResult):
    """The result of VerifyRevocation: what was read back. Entries accumulate over the rounds of an execution."""

    revocation_id: int | None = None
    crl_number: int | None = None
    sha256: str | None = None
    number_of_revoked_entries: int = 0
    wanted_held: int = 0
    wanted_new: int = Field(default=0, description="Wanted serials in the list that were in no list at the start.")
    # None if not known: another execution removed the lists before they could be compared.
    new_entries: int | None = None
    dropped_entries: int | None = None
    total_revoked_entries: int = 0
    evidence: S3Object | None = None


class Removed(StepResult):
    """The result of RemoveSupersededCrls. Ids accumulate over the rounds of an execution."""

    verified_list_gone: bool = Field(default=False, description="Somebody removed it; it is attached again.")
    times_gone: int = 0
    removed_revocation_ids: list[int] = Field(default_factory=list)
    total_revoked_entries: int = 0


class Failure(Model):
    """What a Catch puts into the state: the error's name, and its cause as Lambda writes it."""

    error: str
    cause: str = ""


class TrustStore(Model):
    """An item of the Map EnforceOnTrustStores, passed from round to round."""

    trust_store_arn: TrustStoreArn
    attached: Attached = Field(default_factory=Attached)
    verified: Verified = Field(default_factory=Verified)
    removed: Removed = Field(default_factory=Removed)
    failure: Failure | None = None


class Prepared(StepResult):
    """The result of PrepareRevocation."""

    manifest: S3Object
    certificate_authority_arn: CertificateAuthorityArn | None = None
    revocation_reason: RevocationReason
    polling: Polling
    reconcile: bool = Field(default=False, description="Nothing is revoked; an existing CRL is enforced.")
    give_way_seconds: int = Field(default=0, description="How long a reconcile waits for others to correct a drift.")
    serials: list[WantedSerial] = Field(description="Each with its reason, if it has one of its own.")
    batches: list[int] = Field(
        default_factory=list, description="The batch numbers of a long list, whose serials are not in the state."
    )
    trust_stores: list[TrustStore]


class RevokeCertificateInput(Model):
    """An item of the Map RevokeCertificates."""

    certificate_authority_arn: CertificateAuthorityArn
    wanted: WantedSerial
    revocation_reason: RevocationReason = Field(description="The request's, for a serial without its own.")


class RevocationOutcome(StrEnum):
    """What became of one serial at Private CA."""

    REVOKED = "REVOKED"
    ALREADY_REVOKED = "ALREADY_REVOKED"
    EXPIRED = "EXPIRED"  # already revoked, and expired since: CRLs no longer hold it
    FAILED = "FAILED"


class Revocation(Model):
    """The result of RevokeCertificate: small, as the state holds up to `limits.MAX_INLINE_SERIALS` of them."""

    serial: Serial
    outcome: RevocationOutcome
    at: datetime | None = None
    error: str | None = None

    @property
    def wanted_in_crl(self) -> bool:
        """Whether the certificate is blocked only once a CRL holds it."""
        return self.outcome in (RevocationOutcome.REVOKED, RevocationOutcome.ALREADY_REVOKED)


class RevokeBatchInput(Model):
    """An item of the Map RevokeBatches."""

    manifest: S3Object
    batch: int


class RevokedBatch(Model):
    """The result of RevokeBatch; the outcome of each serial is in S3."""

    batch: int
    revoked: int = 0
    already_revoked: int = 0
    expired: int = 0
    failed: int = 0
    error: str | None = Field(default=None, description="Why the rest of this batch was not revoked.")


class CrlStatus(StrEnum):
    """What FindCrl found out about the CRL in S3."""

    COMPLETE = "COMPLETE"  # good, and holds every wanted serial
    PARTIAL = "PARTIAL"  # good, and holds wanted serials that are not yet read back from every trust store
    NOT_YET = "NOT_YET"  # absent, or nothing new in it
    INVALID = "INVALID"  # changed, and refused
    NOTHING_WANTED = "NOTHING_WANTED"  # no serial was revoked: there is nothing to wait for


class Notice(StrEnum):
    """A notification while an execution waits."""

    WAIT_BEGINS = "WAIT_BEGINS"  # all certificates are revoked, and accepted until the CRL is published
    STILL_WAITING = "STILL_WAITING"  # longer than Private CA usually takes


class FoundCrl(StepResult):
    """The result of FindCrl, which is an input of its next poll."""

    status: CrlStatus
    polls: int
    deadline: datetime
    deadline_passed: bool
    number_wanted: int
    number_missing: int
    missing_serials: list[Serial] = Field(default_factory=list, description="The first ten missing serials.")
    first_poll_at: datetime
    etag: str | None = Field(default=None, alias="ETag", description="The ETag of the object last read.")
    crl: S3Object | None = Field(default=None, description="The last good CRL.")
    crl_number: int | None = None
    refusal: Failure | None = Field(default=None, description="Why the object last read is INVALID.")
    generation_failure: Failure | None = Field(
        default=None, description="Private CA's event that it could not generate a CRL."
    )
    notices: list[Notice] = Field(default_factory=list, description="All notices that were due so far.")
    notice_due: bool = Field(default=False, description="The last of `notices` is due now.")


class FindCrlInput(Model):
    """The input of FindCrl; `previous` is empty at the first poll."""

    manifest: S3Object
    revocations: list[Revocation]
    batches: list[RevokedBatch]
    trust_stores: list[TrustStore]
    previous: FoundCrl | dict[str, None]


class Drift(StepResult):
    """The result of DetectDrift, which is an input of its second call."""

    status: DriftStatus
    crl: S3Object | None = None
    crl_number: int | None = None
    trust_stores: list[TrustStoreDrift] = Field(default_factory=list, description="The trust stores that differ.")
    in_place: list[ListInPlace] = Field(default_factory=list, description="One per trust store, if none differs.")
    claimed_by: str | None = Field(default=None, description="The ARN of the execution that is correcting it.")
    refusal: Failure | None = Field(default=None, description="Why the CRL in S3 is INVALID.")


class DetectDriftInput(Model):
    """The input of DetectDrift; `previous` is empty at the first call."""

    manifest: S3Object
    previous: Drift | dict[str, None]


class NotifyWaitingInput(Model):
    """The input of NotifyWaiting."""

    manifest: S3Object
    found: FoundCrl


class NotifyOutcomeInput(Model):
    """The input of NotifyOutcome: the location of the report."""

    report: S3Object


class Notified(StepResult):
    """The result of a notification; without ids if there was nothing to send."""

    message_id: str | None = Field(default=None, description="Assigned by Amazon SNS.")
    event_id: str | None = Field(default=None, description="Assigned by Amazon EventBridge.")


class ConvertCrlInput(Model):
    """The input of ConvertCrl."""

    manifest: S3Object
    crl: S3Object


class ConvertedCrl(StepResult):
    """The result of ConvertCrl: the PEM in the workflow bucket, and its fields."""

    pem: S3Object
    crl_number: int
    this_update: datetime
    next_update: datetime
    number_of_revoked_entries: int
    sha256: str = Field(description="The SHA-256 of the DER, in lower-case hex.")
    unusable_at: dict[TrustStoreArn, str] = Field(
        default_factory=dict, description="Why load balancers of a trust store would refuse every client with it."
    )


class EnforceInput(Model):
    """The input of AttachCrl, VerifyRevocation and RemoveSupersededCrls."""

    manifest: S3Object
    trust_store: TrustStore
    converted: ConvertedCrl


class GatheredState(Model):
    """The whole state, with the fields that the execution reached."""

    request: object = None
    prepared: Prepared | None = None
    revocations: list[Revocation] = Field(default_factory=list)
    batches: list[RevokedBatch] = Field(default_factory=list)
    found: FoundCrl | Drift | dict[str, None] = Field(default_factory=dict)
    converted: ConvertedCrl | None = None
    trust_stores: list[TrustStore] = Field(default_factory=list)
    notified: Notified | None = None
    not_notified: Failure | None = Field(default=None, description="Why the notification of the wait failed.")
    failure: Failure | None = None


class ReportInput(Model):
    """The input of ReportRevocation."""

    execution_arn: str
    execution_name: str
    start_time: datetime
    state: GatheredState
