"""How queues of the template are created."""

import json

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, ResourceType

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::SQS::Queue", "KmsMasterKeyId"): "recorded; nothing is encrypted",
    ("AWS::SQS::Queue", "SqsManagedSseEnabled"): "recorded; nothing is encrypted",
}

_ATTRIBUTES = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
_JSON_ATTRIBUTES = ("RedrivePolicy", "RedriveAllowPolicy")


def _create_queue(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("sqs")
    name = properties.take("QueueName") or properties.generate_name(80)
    attributes = properties.take_attributes(*_ATTRIBUTES, documents=_JSON_ATTRIBUTES)
    url = client.create_queue(QueueName=name, Attributes=attributes, tags=properties.take_tags())["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Resource(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _update_queue(aws: Aws, resource: Resource, properties: Properties) -> Resource:
    properties.take("QueueName")
    properties.take_tags()
    attributes = properties.take_attributes(*_ATTRIBUTES, documents=_JSON_ATTRIBUTES)
    aws.client("sqs").set_queue_attributes(QueueUrl=resource.ref, Attributes=attributes)
    return resource


def _create_queue_policy(aws: Aws, properties: Properties) -> Resource:
    document, urls = json.dumps(properties.take("PolicyDocument")), properties.take("Queues")
    for url in urls:
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Resource(properties.generate_name(80), {"Queues": json.dumps(urls)})


def _delete_queue_policy(aws: Aws, resource: Resource) -> None:
    for url in json.loads(resource.attributes["Queues"]):
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::SQS::Queue": ResourceType(
        _create_queue, lambda aws, resource: aws.client("sqs").delete_queue(QueueUrl=resource.ref), _update_queue
    ),
    "AWS::SQS::QueuePolicy": ResourceType(_create_queue_policy, _delete_queue_policy),
}
