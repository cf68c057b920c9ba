"""One pydantic model per arrow of the state machine, in the order of the data.

JSON carries AWS's own field names (`TrustStoreArn`), Python the same in snake_case; one alias generator joins them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_pascal
from pydantic_core import PydanticCustomError

from functions import serials
from functions.errors import RequestRefused

MAX_INLINE_SERIALS = 500
# A round of polling costs about 12 of the 25,000 events that the history of an execution may hold.
MAX_POLLS = 400


class Model(BaseModel):
    """What all contracts share: frozen, no unknown field, AWS's names outside."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,  # an error may end in a log, the input may name people
    )


def _read_serial(value: object) -> int:
    """Read a serial as a person or another program wrote it; a JSON number may be meant as hexadecimal too."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PydanticCustomError("serial", "InvalidSerial: a serial is written as a text")
    try:
        return serials.parse(str(value))
    except RequestRefused as refusal:
        fault = {"fault": f"{type(refusal).__name__}: {refusal}"}
        raise PydanticCustomError("serial", "{fault}", fault) from refusal


def _own_serial(value: object) -> object:
    """Read a serial as we wrote it."""
    return _read_serial(value) if isinstance(value, str) else value


_as_text = PlainSerializer(serials.write, return_type=str)
WrittenSerial = Annotated[int, BeforeValidator(_read_serial), _as_text]
Serial = Annotated[int, BeforeValidator(_own_serial), _as_text]
CertificateAuthorityArn = Annotated[
    str,
    Field(pattern=r"^arn:[a-z-]+:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[A-Za-z0-9-]+$", max_length=200),
]
TrustStoreArn = Annotated[
    str, Field(pattern=r"^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:truststore/[A-Za-z0-9-]+/[A-Za-z0-9]+$")
]


def _once_each(found: list[int]) -> list[int]:
    return list(dict.fromkeys(found))


class RevocationReason(StrEnum):
    """All reasons of Private CA's RevokeCertificate (RFC 5280, 5.3.1); none of them can be undone."""

    UNSPECIFIED = "UNSPECIFIED"
    KEY_COMPROMISE = "KEY_COMPROMISE"
    CERTIFICATE_AUTHORITY_COMPROMISE = "CERTIFICATE_AUTHORITY_COMPROMISE"
    AFFILIATION_CHANGED = "AFFILIATION_CHANGED"
    SUPERSEDED = "SUPERSEDED"
    CESSATION_OF_OPERATION = "CESSATION_OF_OPERATION"
    PRIVILEGE_WITHDRAWN = "PRIVILEGE_WITHDRAWN"
    A_A_COMPROMISE = "A_A_COMPROMISE"


class Polling(Model):
    """How often and how long the CA's CRL is looked for."""

    interval_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        default=60, description="Seconds between two looks at the CRL."
    )
    deadline_seconds: Annotated[int, Field(ge=1, le=43_200)] = Field(
        default=7_200,
        description=f"Seconds after the revocations until the execution fails; {MAX_POLLS} looks at most.",
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.deadline_seconds > MAX_POLLS * self.interval_seconds:
            raise PydanticCustomError(
                "polls",
                "DeadlineSeconds {deadline} at IntervalSeconds {interval} are more than {most} looks",
                {"deadline": self.deadline_seconds, "interval": self.interval_seconds, "most": MAX_POLLS},
            )
        return self


class Targets(Model):
    """Whose certificates are revoked, and where they are to be refused."""

    certificate_authority_arn: CertificateAuthorityArn = Field(
        description="The AWS Private CA that issued the certificates. Default: the deployment's."
    )
    trust_store_arns: Annotated[list[TrustStoreArn], Field(min_length=1, max_length=20)] = Field(
        description="The load balancer trust stores to enforce it on. Default: the deployment's."
    )


class RevocationRequest(Targets):
    """The input of an execution, with the deployment's defaults filled in."""

    serials: Annotated[list[WrittenSerial], Field(max_length=MAX_INLINE_SERIALS), AfterValidator(_once_each)] = Field(
        default_factory=list,
        description="Serial numbers in any common notation that says whether it is hexadecimal or decimal.",
    )
    reconcile: bool = Field(
        default=False,
        description="In the place of `Serials`: revoke nothing, make the trust stores hold the CA's newest CRL.",
    )
    revocation_reason: RevocationReason = Field(
        default=RevocationReason.UNSPECIFIED, description="Recorded in the CRL. Private CA cannot undo any."
    )
    polling: Polling = Field(default_factory=Polling, description="How long to wait for the CRL.")
    requested_by: str | None = Field(default=None, max_length=256, description="Who asks; kept in the report.")
    ticket: str | None = Field(default=None, max_length=256, description="Why; kept in the report.")

    @model_validator(mode="after")
    def _either(self) -> Self:
        """Demand one of the two by name: an input whose serials were forgotten must not succeed."""
        if self.reconcile == bool(self.serials):
            told = "both are given" if self.reconcile else "neither is given"
            raise PydanticCustomError(
                "either",
                "Serials: wanted are they, to revoke, or Reconcile true, to revoke nothing; {told}",
                {"told": told},
            )
        return self


class ExecutionInput(Model):
    """What ReceiveRequest hands to PrepareRevocation: the raw input and the execution's own name."""

    request: object
    execution_arn: str
    execution_name: str
    start_time: datetime


class S3Object(Model):
    """One exact version of an object. Bodies never travel through the state machine, only this."""

    bucket: str
    key: str
    version_id: str


class Step(Model):
    """What a step answers; `task.py` adds the times."""

    started_at: datetime | None = None
    finished_at: datetime | None = None


class Attached(Step):
    """What AttachCrl did. Ids add up over the rounds of one execution."""

    revocation_id: int | None = None
    added_revocation_ids: list[int] = Field(default_factory=list)
    removed_revocation_ids: list[int] = Field(default_factory=list)


class Verified(Step):
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


class Removed(Step):
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


class Prepared(Step):
    """What PrepareRevocation answers."""

    manifest: S3Object
    certificate_authority_arn: CertificateAuthorityArn
    revocation_reason: RevocationReason
    polling: Polling
    reconcile: bool = False
    give_way_seconds: int = Field(default=0, description="How long a reconcile lets others correct a drift.")
    serials: list[Serial]
    trust_stores: list[TrustStore]


class RevokeCertificateInput(Model):
    """An item of the Map RevokeCertificates."""

    certificate_authority_arn: CertificateAuthorityArn
    serial: Serial
    revocation_reason: RevocationReason


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


class CrlStatus(StrEnum):
    """What FindCrl made of the CRL that lies in S3."""

    COMPLETE = "COMPLETE"  # good, and holds every wanted serial
    PARTIAL = "PARTIAL"  # good, and holds wanted serials that were not read back from every trust store yet
    LATE = "LATE"  # absent, or nothing new in it
    BAD = "BAD"  # changed, and refused
    NOTHING_WANTED = "NOTHING_WANTED"  # no serial was revoked: there is nothing to wait for


class Notice(StrEnum):
    """What people are told while an execution waits."""

    WAIT_BEGINS = "WAIT_BEGINS"  # all is revoked, and accepted until the CRL comes
    STILL_WAITING = "STILL_WAITING"  # longer than Private CA usually takes


class Found(Step):
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
    refusal: Failure | None = Field(default=None, description="Why the object last read is BAD.")
    generation_failure: Failure | None = Field(default=None, description="Private CA's own word that it has no CRL.")
    notices: list[Notice] = Field(default_factory=list, description="All that were due so far.")
    notice_due: bool = Field(default=False, description="The last of them is due now.")


class FindCrlInput(Model):
    """What FindCrl gets; `previous` is empty at the first poll."""

    manifest: S3Object
    revocations: list[Revocation]
    trust_stores: list[TrustStore]
    previous: Found | dict[str, None]


class DriftKind(StrEnum):
    """In what a trust store differs from what it should hold: the CA's newest CRL, and no other list of this CA."""

    NO_LIST = "NO_LIST"
    OLDER_LIST = "OLDER_LIST"
    OTHER_BYTES = "OTHER_BYTES"  # the same number, another content
    LEFTOVER_LISTS = "LEFTOVER_LISTS"


class TrustStoreDrift(Model):
    """How one trust store differs."""

    trust_store_arn: TrustStoreArn
    kind: DriftKind
    attached_crl_number: int | None = None
    revocation_ids: list[int] = Field(default_factory=list, description="This CA's lists, the newest last.")


class DriftStatus(StrEnum):
    """What DetectDrift made of the trust stores."""

    NONE = "NONE"  # every trust store holds the newest CRL, and no older one of this CA
    SUSPECTED = "SUSPECTED"  # seen once; whoever is at work on it may finish first
    LASTING = "LASTING"  # seen again, and this execution's to correct
    TAKEN = "TAKEN"  # seen again, and another reconcile is at work on it
    NO_CRL = "NO_CRL"  # the CA has published none yet, and none is attached
    BAD = "BAD"  # what lies in S3 was refused twice; the trust stores keep what they have


class Drift(Step):
    """What DetectDrift answers, and gets back after giving way."""

    status: DriftStatus
    crl: S3Object | None = None
    crl_number: int | None = None
    trust_stores: list[TrustStoreDrift] = Field(default_factory=list, description="Those that differ.")
    taken_by: str | None = Field(default=None, description="The ARN of the execution that is at work on it.")
    refusal: Failure | None = Field(default=None, description="Why the CRL in S3 is BAD.")


class DetectDriftInput(Model):
    """What DetectDrift gets; `previous` is empty at the first look."""

    manifest: S3Object
    previous: Drift | dict[str, None]


class NotifyWaitingInput(Model):
    """What NotifyWaiting gets."""

    manifest: S3Object
    found: Found


class NotifyOutcomeInput(Model):
    """What NotifyOutcome gets: where the report lies."""

    report: S3Object


class Notified(Step):
    """What was told, and under which ids; none of them when there is nothing worth telling."""

    message_id: str | None = Field(default=None, description="Of Amazon SNS.")
    event_id: str | None = Field(default=None, description="Of Amazon EventBridge.")


class ConvertCrlInput(Model):
    """What ConvertCrl gets."""

    manifest: S3Object
    crl: S3Object


class ConvertedCrl(Step):
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
    found: Found | Drift | dict[str, None] = Field(default_factory=dict)
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
