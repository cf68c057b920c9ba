"""The plan that a dry run gives: what each call would do, as far as it can be known before it is made."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from functions.models.base import Model, Serial
from functions.models.request import RevocationReason
from functions.models.states import Drift, Failure, RevocationOutcome

NOT_LOOKED_UP = "NOT_LOOKED_UP"  # beside the outcomes and UNKNOWN, in the counts of what is expected


class PlannedOutcome(StrEnum):
    """What a dry run expects of an execution with the same input."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"  # something would be left undone; the rest would be done
    REFUSED = "REFUSED"  # nothing would be done
    UNKNOWN = "UNKNOWN"  # nothing is known to be left undone, but not all is known: see the cause


class PlannedSerial(Model):
    """One certificate, as Private CA knows it, and what its revocation would come to."""

    serial: Serial
    expected: RevocationOutcome | None = Field(default=None, description="None: unknown until tried.")
    why: str | None = None
    revocation_reason: RevocationReason | None = Field(default=None, description="That would be recorded for good.")
    subject: str | None = None
    issuer: str | None = None
    not_after: datetime | None = None


class PlannedCrl(Model):
    """The CRL that lies in S3 now."""

    location: str
    crl_number: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    number_of_revoked_entries: int | None = None
    wanted_held: int = 0
    wanted_missing: int = Field(default=0, description="These have to wait for the next CRL.")
    refusal: Failure | None = None


class PlannedTrustStore(Model):
    """What would be done to one trust store."""

    trust_store_arn: str
    lists: int
    entries: int
    add_crl_number: int | None = Field(default=None, description="A list that is there already would be attached now.")
    add_next_crl: bool = Field(default=False, description="The CA's next CRL would be attached when it comes.")
    remove_revocation_ids: list[int] = Field(default_factory=list, description="This CA's lists that are there now.")
    head_room: str
    number_dropped: int = Field(default=0, description="Serials that are refused now and would be no more.")
    dropped_serials: list[Serial] = Field(default_factory=list, description="The first hundred of these.")
    load_balancers: int | None = Field(default=None, description="That use it; None: it could not be asked.")
    refusal: Failure | None = None


class Plan(Model):
    """All of it."""

    outcome: PlannedOutcome
    error: str | None = None
    cause: str | None = None
    certificate_authority_arn: str | None = None
    issuer: str | None = Field(default=None, description="The CA's subject.")
    number_of_serials: int = 0
    expected: dict[str, int] = Field(default_factory=dict, description="How many serials would come to what.")
    reasons: dict[RevocationReason, int] = Field(default_factory=dict, description="How many serials have which.")
    serials: list[PlannedSerial] = Field(default_factory=list, description="The first of them.")
    serials_not_shown: int = 0
    crl: PlannedCrl | None = None
    drift: Drift | None = None
    trust_stores: list[PlannedTrustStore] = Field(default_factory=list)
    batches: int = 0
    seconds_revoking: float = 0
    seconds_giving_way: int = Field(default=0, description="A reconcile lets others correct what differs.")
    seconds_waiting_for_crl: int = Field(default=0, description="As Private CA usually takes.")
    seconds_enforcing: float = 0
    state_transitions: int = 0
    cost_usd: float = Field(default=0, description="Of Step Functions and Lambda, about, at the prices of us-east-1.")
    unknown_until_tried: list[str] = Field(default_factory=list)
