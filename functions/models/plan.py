"""The result of a dry run: what each call would do, as far as that can be known beforehand."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from functions.models.base import Model, Serial
from functions.models.request import RevocationReason
from functions.models.states import Drift, Failure, RevocationOutcome

NOT_LOOKED_UP = "NOT_LOOKED_UP"  # a key of `Plan.expected`, beside the outcomes and UNKNOWN


class PlannedOutcome(StrEnum):
    """What a dry run expects of an execution with the same input."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"  # something could not be done; the rest would be
    REFUSED = "REFUSED"  # nothing would be done
    UNKNOWN = "UNKNOWN"  # no failure is known, but not everything can be: see the cause


class PlannedSerial(Model):
    """One certificate as Private CA has it, and the expected outcome of its revocation."""

    serial: Serial
    expected: RevocationOutcome | None = Field(default=None, description="None if unknown until tried.")
    explanation: str | None = None
    revocation_reason: RevocationReason | None = Field(
        default=None, description="The reason that would be recorded, irreversibly."
    )
    subject: str | None = None
    issuer: str | None = None
    not_after: datetime | None = None


class PlannedCrl(Model):
    """The CRL that is in S3 now."""

    location: str
    crl_number: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    number_of_revoked_entries: int | None = None
    expires_soon: bool = Field(default=False, description="Sooner than the stack's MinTimeToNextUpdateSeconds.")
    wanted_held: int = 0
    wanted_missing: int = Field(default=0, description="Serials that have to wait for the next CRL.")
    refusal: Failure | None = None


class PlannedTrustStore(Model):
    """The changes that would be made to one trust store."""

    trust_store_arn: str
    lists: int
    entries: int
    add_crl_number: int | None = Field(
        default=None, description="The number of an existing CRL that would be attached now."
    )
    add_next_crl: bool = Field(default=False, description="The CA's next CRL would be attached.")
    remove_revocation_ids: list[int] = Field(default_factory=list, description="This CA's lists that would be removed.")
    head_room: str
    number_dropped: int = Field(default=0, description="Serials that are blocked now and would no longer be.")
    dropped_serials: list[Serial] = Field(default_factory=list, description="The first hundred of them.")
    namesakes: str | None = Field(default=None, description="The CAs of the same name in the bundle, accepted.")
    load_balancers: int | None = Field(
        default=None, description="How many use the trust store; None if that could not be read."
    )
    refusal: Failure | None = None


class Plan(Model):
    """The whole plan."""

    outcome: PlannedOutcome
    error: str | None = None
    cause: str | None = None
    certificate_authority_arn: str | None = None
    issuer: str | None = Field(default=None, description="The CA's subject.")
    number_of_serials: int = 0
    expected: dict[str, int] = Field(
        default_factory=dict, description="The number of serials for each expected outcome."
    )
    reasons: dict[RevocationReason, int] = Field(
        default_factory=dict, description="The number of serials for each reason."
    )
    serials: list[PlannedSerial] = Field(default_factory=list, description="The first serials.")
    serials_not_shown: int = 0
    crl: PlannedCrl | None = None
    drift: Drift | None = None
    trust_stores: list[PlannedTrustStore] = Field(default_factory=list)
    batches: int = 0
    seconds_revoking: float = 0
    seconds_giving_way: int = Field(default=0, description="How long a reconcile waits for others to correct a drift.")
    seconds_waiting_for_crl: int = Field(default=0, description="The time that Private CA usually takes.")
    seconds_enforcing: float = 0
    state_transitions: int = 0
    unknown_until_tried: list[str] = Field(default_factory=list)
