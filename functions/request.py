"""The input of an execution: what may be asked for, and in which forms."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from functions.model import CertificateAuthorityArn, Model, TrustStoreArn, WrittenSerial

MAX_INLINE_SERIALS = 500
# A round of polling costs about 12 of the 25,000 events that the history of an execution may hold.
MAX_POLLS = 400


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
