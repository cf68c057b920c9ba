"""The AWS events that start a function, with the fields that it reads; other fields are ignored."""

from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from functions.models.base import Model


class AwsEvent(Model):
    """The base of these events: a model with unknown fields, and names in camelCase."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, validate_by_name=True)


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
        """The CA that the event is about."""
        return self.resources[0]


class ExecutionStatus(StrEnum):
    """The status of an execution that ended without success."""

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
