"""One pydantic model per arrow of the state machine, in the order of the data; the first, the input, is request.py."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from functions.models.base import CertificateAuthorityArn, Model, S3Object, Serial, TrustStoreArn
from functions.models.drift import DriftStatus, ListInPlace, TrustStoreDrift
from functions.models.request import Polling, RevocationReason, WantedSerial


class StepResult(Model):
    """What a step answers; `functions/handler.py` adds the times."""

    started_at: datetime | None = None
    finished_at: datetime | None = None


class Attached(StepResult):
    """What AttachCrl did. Ids add up over the rounds of one execution."""

    revocation_id: int | None = None
    added_revocation_ids: list[int] = Field(default_factory=list)
    removed_revocation_ids: list[int] = Field(default_factory=list)


class Verified(StepResult):
    """What was read back from the trust store. Entries add up over the rounds of one execution."""

    revocation_id: int | None = None
    crl_number: int | None = None
    sha256: str | None = None
    number_of_revoked_entries: int = 0
    wanted_held: int = 0
    wanted_new: int = Field(default=0, description="Wanted serials held now and in no list at the start.")
    # None: not known, because a peer removed the lists before they could be compared.
    new_entries: int | None = None
    dropped_entries: int | None = None
    total_revoked_entries: int = 0
    evidence: S3Object | None = None


class Removed(StepResult):
    """What RemoveSupersededCrls did. Ids add up over the rounds of one execution."""

    verified_list_gone: bool = Field(default=False, description="Somebody removed it: it is to be attached again.")
    times_gone: int = 0
    removed_revocation_ids: list[int] = Field(default_factory=list)
    total_revoked_entries: int = 0


class Failure(Model):
    """What a Catch leaves in the state: the error's name, and its cause as Lambda words it."""

    error: str
    cause: str = ""


class TrustStore(Model):
    """An item of the Map EnforceOnTrustStores, carried from round to round."""

    trust_store_arn: TrustStoreArn
    attached: Attached = Field(default_factory=Attached)
    verified: Verified = Field(default_factory=Verified)
    removed: Removed = Field(default_factory=Removed)
    failure: Failure | None = None


class Prepared(StepResult):
    """What PrepareRevocation answers."""

    manifest: S3Object
    certificate_authority_arn: CertificateAuthorityArn | None = None
    revocation_reason: RevocationReason
    polling: Polling
    reconcile: bool = Field(default=False, description="Nothing is to be revoked: a CRL that is there is enforced.")
    give_way_seconds: int = Field(default=0, description="How long a reconcile lets others correct a drift.")
    serials: list[WantedSerial] = Field(description="Each with its reason, if it has one of its own.")
    batches: list[int] = Field(default_factory=list, description="Of a long list, whose serials no state carries.")
    trust_stores: list[TrustStore]


class RevokeCertificateInput(Model):
    """An item of the Map RevokeCertificates."""

    certificate_authority_arn: CertificateAuthorityArn
    wanted: WantedSerial
    revocation_reason: RevocationReason = Field(description="Of the request.")


class RevocationOutcome(StrEnum):
    """What became of one serial at Private CA."""

    REVOKED = "REVOKED"
    ALREADY_REVOKED = "ALREADY_REVOKED"
    EXPIRED = "EXPIRED"  # already revoked, and expired since: CRLs no longer hold it
    FAILED = "FAILED"


class Revocation(Model):
    """What RevokeCertificate answers: small, for 500 of them stand side by side in the state."""

    serial: Serial
    outcome: RevocationOutcome
    at: datetime | None = None
    error: str | None = None

    @property
    def wanted_in_crl(self) -> bool:
        """Whether a CRL must hold it before it is blocked."""
        return self.outcome in (RevocationOutcome.REVOKED, RevocationOutcome.ALREADY_REVOKED)


class RevokeBatchInput(Model):
    """An item of the Map RevokeBatches."""

    manifest: S3Object
    batch: int


class RevokedBatch(Model):
    """What RevokeBatch answers; each serial's outcome lies in S3."""

    batch: int
    revoked: int = 0
    already_revoked: int = 0
    expired: int = 0
    failed: int = 0
    error: str | None = Field(default=None, description="What kept the rest of this batch from being revoked.")


class CrlStatus(StrEnum):
    """What FindCrl made of the CRL that lies in S3."""

    COMPLETE = "COMPLETE"  # good, and holds every wanted serial
    PARTIAL = "PARTIAL"  # good, and holds wanted serials that were not read back from every trust store yet
    NOT_YET = "NOT_YET"  # absent, or nothing new in it
    INVALID = "INVALID"  # changed, and refused
    NOTHING_WANTED = "NOTHING_WANTED"  # no serial was revoked: there is nothing to wait for


class Notice(StrEnum):
    """What people are told while an execution waits."""

    WAIT_BEGINS = "WAIT_BEGINS"  # all is revoked, and accepted until the CRL comes
    STILL_WAITING = "STILL_WAITING"  # longer than Private CA usually takes


class FoundCrl(StepResult):
    """What FindCrl answers, and gets back at the next poll."""

    status: CrlStatus
    polls: int
    deadline: datetime
    deadline_passed: bool
    number_wanted: int
    number_missing: int
    missing_serials: list[Serial] = Field(default_factory=list, description="The first ten of them.")
    first_poll_at: datetime
    etag: str | None = Field(default=None, alias="ETag", description="Of the object last read.")
    crl: S3Object | None = Field(default=None, description="The last good one.")
    crl_number: int | None = None
    refusal: Failure | None = Field(default=None, description="Why the object last read is INVALID.")
    generation_failure: Failure | None = Field(default=None, description="Private CA's own word that it has no CRL.")
    notices: list[Notice] = Field(default_factory=list, description="All that were due so far.")
    notice_due: bool = Field(default=False, description="The last of them is due now.")


class FindCrlInput(Model):
    """What FindCrl gets; `previous` is empty at the first poll."""

    manifest: S3Object
    revocations: list[Revocation]
    batches: list[RevokedBatch]
    trust_stores: list[TrustStore]
    previous: FoundCrl | dict[str, None]


class Drift(StepResult):
    """What DetectDrift answers, and gets back after giving way."""

    status: DriftStatus
    crl: S3Object | None = None
    crl_number: int | None = None
    trust_stores: list[TrustStoreDrift] = Field(default_factory=list, description="Those that differ.")
    in_place: list[ListInPlace] = Field(default_factory=list, description="Of all trust stores, when none differs.")
    claimed_by: str | None = Field(default=None, description="The ARN of the execution that is at work on it.")
    refusal: Failure | None = Field(default=None, description="Why the CRL in S3 is INVALID.")


class DetectDriftInput(Model):
    """What DetectDrift gets; `previous` is empty at the first look."""

    manifest: S3Object
    previous: Drift | dict[str, None]


class NotifyWaitingInput(Model):
    """What NotifyWaiting gets."""

    manifest: S3Object
    found: FoundCrl


class NotifyOutcomeInput(Model):
    """What NotifyOutcome gets: where the report lies."""

    report: S3Object


class Notified(StepResult):
    """What was told, and under which ids; none of them when there is nothing worth telling."""

    message_id: str | None = Field(default=None, description="Of Amazon SNS.")
    event_id: str | None = Field(default=None, description="Of Amazon EventBridge.")


class ConvertCrlInput(Model):
    """What ConvertCrl gets."""

    manifest: S3Object
    crl: S3Object


class ConvertedCrl(StepResult):
    """What ConvertCrl answers: the PEM in our own bucket, and what it holds."""

    pem: S3Object
    crl_number: int
    this_update: datetime
    next_update: datetime
    number_of_revoked_entries: int
    sha256: str = Field(description="Of the DER, lower-case hex.")


class EnforceInput(Model):
    """What AttachCrl, VerifyRevocation and RemoveSupersededCrls get."""

    manifest: S3Object
    trust_store: TrustStore
    converted: ConvertedCrl


class GatheredState(Model):
    """The whole state, as far as the execution came."""

    request: object = None
    prepared: Prepared | None = None
    revocations: list[Revocation] = Field(default_factory=list)
    batches: list[RevokedBatch] = Field(default_factory=list)
    found: FoundCrl | Drift | dict[str, None] = Field(default_factory=dict)
    converted: ConvertedCrl | None = None
    trust_stores: list[TrustStore] = Field(default_factory=list)
    notified: Notified | None = None
    not_notified: Failure | None = Field(default=None, description="Why people could not be told of the wait.")
    failure: Failure | None = None


class ReportInput(Model):
    """What ReportRevocation gets."""

    execution_arn: str
    execution_name: str
    start_time: datetime
    state: GatheredState
