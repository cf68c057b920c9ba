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
LIMITATIONS: dict[tuple[str, str], str] = {
    **lambda_.LIMITATIONS,
    **logs.LIMITATIONS,
    **stepfunctions.LIMITATIONS,
    **cloudwatch.LIMITATIONS,
    **sns.LIMITATIONS,
    **sqs.LIMITATIONS,
    **s3.LIMITATIONS,
}

RESOURCE_TYPES: dict[str, ResourceType] = {
    **iam.RESOURCE_TYPES,
    **lambda_.RESOURCE_TYPES,
    **logs.RESOURCE_TYPES,
    **stepfunctions.RESOURCE_TYPES,
    **cloudwatch.RESOURCE_TYPES,
    **events.RESOURCE_TYPES,
    **sns.RESOURCE_TYPES,
    **sqs.RESOURCE_TYPES,
    **s3.RESOURCE_TYPES,
}
