"""Every resource type that the embedded AWS can create."""

from infra.local.cloudformation.resource import ResourceType
from infra.local.cloudformation.resources import (
    cloudwatch,
    events,
    iam,
    lambda_,
    logs,
    s3,
    sns,
    sqs,
    stepfunctions,
)

# Properties that are accepted although they have no effect, or only part of their effect, on the embedded AWS.
LIMITATIONS: dict[tuple[str, str], str] = {}
RESOURCE_TYPES: dict[str, ResourceType] = {}
for _module in (cloudwatch, events, iam, lambda_, logs, s3, sns, sqs, stepfunctions):
    LIMITATIONS |= getattr(_module, "LIMITATIONS", {})
    RESOURCE_TYPES |= _module.RESOURCE_TYPES
