"""How topics and subscriptions of the template are created."""

import json

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import (
    Properties,
    Resource,
    ResourceType,
    UnsupportedFeature,
    require_same_name,
)

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::SNS::Subscription", "Protocol"): "delivered to queues and functions; other protocols are recorded",
    ("AWS::SNS::Topic", "KmsMasterKeyId"): "recorded; nothing is encrypted",
}

_TOPIC_ATTRIBUTES = ("DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
_SUBSCRIPTION_ATTRIBUTES = ("FilterPolicyScope", "RawMessageDelivery")
_SUBSCRIPTION_JSON_ATTRIBUTES = ("FilterPolicy", "RedrivePolicy")


def _create_topic(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("sns")
    name = properties.take("TopicName") or properties.generate_name(256)
    arn = client.create_topic(
        Name=name, Attributes=properties.take_attributes(*_TOPIC_ATTRIBUTES), Tags=properties.take_tag_list()
    )["TopicArn"]
    for subscription in properties.take("Subscription", []):
        client.subscribe(TopicArn=arn, **subscription)
    return Resource(arn, {"TopicArn": arn, "TopicName": name})


def _update_topic(aws: Aws, resource: Resource, properties: Properties) -> Resource:
    require_same_name(resource.attributes["TopicName"], properties.take("TopicName"))
    if properties.take("Subscription", []):
        raise UnsupportedFeature(f"Changing the topic {resource.ref} with subscriptions of its own")
    client = aws.client("sns")
    attributes = {"DisplayName": "", "KmsMasterKeyId": "", **properties.take_attributes(*_TOPIC_ATTRIBUTES)}
    for name, value in attributes.items():
        client.set_topic_attributes(TopicArn=resource.ref, AttributeName=name, AttributeValue=value)
    if tags := properties.take_tag_list():
        client.tag_resource(ResourceArn=resource.ref, Tags=tags)
    return resource


def _create_topic_policy(aws: Aws, properties: Properties) -> Resource:
    document, topics = json.dumps(properties.take("PolicyDocument")), properties.take("Topics")
    for arn in topics:
        aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    return Resource(properties.generate_name(80), {})


def _create_subscription(aws: Aws, properties: Properties) -> Resource:
    arn = aws.client("sns").subscribe(
        Attributes=properties.take_attributes(*_SUBSCRIPTION_ATTRIBUTES, documents=_SUBSCRIPTION_JSON_ATTRIBUTES),
        **properties.take_present("TopicArn", "Protocol", "Endpoint"),
    )["SubscriptionArn"]
    return Resource(arn, {"Arn": arn})


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::SNS::Subscription": ResourceType(
        _create_subscription, lambda aws, resource: aws.client("sns").unsubscribe(SubscriptionArn=resource.ref)
    ),
    "AWS::SNS::Topic": ResourceType(
        _create_topic, lambda aws, resource: aws.client("sns").delete_topic(TopicArn=resource.ref), _update_topic
    ),
    # The policy is deleted with its topic; SNS has no call that removes it.
    "AWS::SNS::TopicPolicy": ResourceType(_create_topic_policy, lambda _aws, _resource: None),
}
