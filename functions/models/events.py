"""The events of AWS that start a function, as far as it reads them; what else they carry does not matter."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class AwsEvent(BaseModel):
    """What all of them share: frozen, AWS's names outside."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )


class CrlGeneration(AwsEvent):
    """The detail of Private CA's `ACM Private CA CRL Generation` (aws: privateca CloudWatchEvents)."""

    reason: str = Field(default="no reason was given", max_length=1_000)


class CrlGenerationEvent(AwsEvent):
    """Private CA could not generate a CRL, or could not write it."""

    time: datetime
    resources: list[str] = Field(min_length=1)
    detail: CrlGeneration

    @property
    def certificate_authority_arn(self) -> str:
        """The CA that it is about."""
        return self.resources[0]


class ExecutionStatus(StrEnum):
    """How an execution ends that did not succeed."""

    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class ExecutionStatusChange(AwsEvent):
    """The detail of `Step Functions Execution Status Change`; times are epoch milliseconds."""

    execution_arn: str
    name: str
    status: ExecutionStatus
    start_date: datetime
    error: str | None = None
    cause: str | None = None


class ExecutionStatusEvent(AwsEvent):
    """An execution has ended and did not succeed (aws: step-functions eventbridge-integration)."""

    detail: ExecutionStatusChange
