"""How buses, rules, queues and topics of the template are made on the embedded AWS."""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Realised, Realiser, text

NOT_LOCAL: dict[tuple[str, str], str] = {
    ("AWS::SNS::Subscription", "Protocol"): "queues and functions are told; mail and the like is recorded",
    ("AWS::SNS::Topic", "KmsMasterKeyId"): "recorded; nothing is encrypted",
    ("AWS::SQS::Queue", "KmsMasterKeyId"): "recorded; nothing is encrypted",
    ("AWS::SQS::Queue", "SqsManagedSseEnabled"): "recorded; nothing is encrypted",
}

_QUEUE = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
_QUEUE_DOCUMENTS = ("RedrivePolicy", "RedriveAllowPolicy")
_TOPIC = ("DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
_SUBSCRIPTION = ("FilterPolicyScope", "RawMessageDelivery")
_SUBSCRIPTION_DOCUMENTS = ("FilterPolicy", "RedrivePolicy")


def _attributes(properties: Properties, plain: tuple[str, ...], documents: tuple[str, ...] = ()) -> dict[str, str]:
    """Take the properties that are attributes of SQS and SNS: they are all texts."""
    return {name: text(value) for name, value in properties.chosen(**{name: name for name in plain}).items()} | {
        name: json.dumps(value) for name, value in properties.chosen(**{name: name for name in documents}).items()
    }


def _tags(properties: Properties) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in properties.tags().items()]


def _event_bus(aws: Aws, properties: Properties) -> Realised:
    name = properties.take("Name")
    arn = aws.client("events").create_event_bus(
        Name=name, Tags=_tags(properties), **properties.chosen(Description="Description")
    )["EventBusArn"]
    return Realised(name, {"Arn": arn, "Name": name})


def _rule(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("events")
    name = properties.take("Name") or properties.name(64)
    bus = properties.take("EventBusName", "default")
    pattern = properties.take("EventPattern")
    arn = client.put_rule(
        Name=name,
        EventBusName=bus,
        Tags=_tags(properties),
        **({"EventPattern": json.dumps(pattern)} if pattern else {}),
        **properties.chosen(
            **{each: each for each in ("Description", "RoleArn", "ScheduleExpression", "State")},
        ),
    )["RuleArn"]
    if targets := [_target(target) for target in properties.take("Targets", [])]:
        client.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    bus_name = bus.rpartition("/")[2]
    return Realised(name if bus_name == "default" else f"{bus_name}|{name}", {"Arn": arn})


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target as PutTargets wants it; a parameter of the template is a text, also where it is a number."""
    if "RetryPolicy" not in target:
        return dict(target)
    return {**target, "RetryPolicy": {name: int(value) for name, value in target["RetryPolicy"].items()}}


def _delete_rule(aws: Aws, realised: Realised) -> None:
    client, (bus, _, name) = aws.client("events"), realised.ref.rpartition("|")
    where = {"Rule": name, "EventBusName": bus or "default"}
    if ids := [target["Id"] for target in client.list_targets_by_rule(**where)["Targets"]]:
        client.remove_targets(**where, Ids=ids)
    client.delete_rule(Name=name, EventBusName=bus or "default")


def _queue(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("sqs")
    name = properties.take("QueueName") or properties.name(80)
    attributes = _attributes(properties, _QUEUE, _QUEUE_DOCUMENTS)
    url = client.create_queue(QueueName=name, Attributes=attributes, tags=properties.tags())["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Realised(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _update_queue(aws: Aws, realised: Realised, properties: Properties) -> Realised:
    properties.take("QueueName")
    properties.tags()
    attributes = _attributes(properties, _QUEUE, _QUEUE_DOCUMENTS)
    aws.client("sqs").set_queue_attributes(QueueUrl=realised.ref, Attributes=attributes)
    return realised


def _queue_policy(aws: Aws, properties: Properties) -> Realised:
    document, urls = json.dumps(properties.take("PolicyDocument")), properties.take("Queues")
    for url in urls:
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Realised(properties.name(80), {"Queues": json.dumps(urls)})


def _delete_queue_policy(aws: Aws, realised: Realised) -> None:
    for url in json.loads(realised.attributes["Queues"]):
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _topic(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("sns")
    name = properties.take("TopicName") or properties.name(256)
    arn = client.create_topic(Name=name, Attributes=_attributes(properties, _TOPIC), Tags=_tags(properties))["TopicArn"]
    for subscription in properties.take("Subscription", []):
        client.subscribe(TopicArn=arn, **subscription)
    return Realised(arn, {"TopicArn": arn, "TopicName": name})


def _topic_policy(aws: Aws, properties: Properties) -> Realised:
    document, topics = json.dumps(properties.take("PolicyDocument")), properties.take("Topics")
    for arn in topics:
        aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    return Realised(properties.name(80), {})


def _subscription(aws: Aws, properties: Properties) -> Realised:
    arn = aws.client("sns").subscribe(
        Attributes=_attributes(properties, _SUBSCRIPTION, _SUBSCRIPTION_DOCUMENTS),
        **properties.chosen(**{name: name for name in ("TopicArn", "Protocol", "Endpoint")}),
    )["SubscriptionArn"]
    return Realised(arn, {"Arn": arn})


def _permission(aws: Aws, properties: Properties) -> Realised:
    function, statement = properties.take("FunctionName"), properties.name(100)
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId=statement,
        **properties.chosen(**{name: name for name in ("Action", "Principal", "SourceAccount", "SourceArn")}),
    )
    return Realised(statement, {"FunctionName": function})


REALISERS: dict[str, Realiser] = {
    "AWS::Events::EventBus": Realiser(_event_bus, lambda aws, it: aws.client("events").delete_event_bus(Name=it.ref)),
    "AWS::Events::Rule": Realiser(_rule, _delete_rule),
    "AWS::Lambda::Permission": Realiser(
        _permission,
        lambda aws, it: aws.client("lambda").remove_permission(
            FunctionName=it.attributes["FunctionName"], StatementId=it.ref
        ),
    ),
    "AWS::SNS::Subscription": Realiser(
        _subscription, lambda aws, it: aws.client("sns").unsubscribe(SubscriptionArn=it.ref)
    ),
    "AWS::SNS::Topic": Realiser(_topic, lambda aws, it: aws.client("sns").delete_topic(TopicArn=it.ref)),
    # The topic goes with its policy; SNS has no call that takes a policy away.
    "AWS::SNS::TopicPolicy": Realiser(_topic_policy, lambda _aws, _it: None),
    "AWS::SQS::Queue": Realiser(_queue, lambda aws, it: aws.client("sqs").delete_queue(QueueUrl=it.ref), _update_queue),
    "AWS::SQS::QueuePolicy": Realiser(_queue_policy, _delete_queue_policy),
}
