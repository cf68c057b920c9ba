"""Rules, schedules, queues and topics of a template are deployed completely, and work."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloudformation.deploy import deploy, destroy
from infra.local.cloudformation.resource import UnsupportedFeature
from infra.local.events.service import fire_schedules_now
from infra.local.server import EmbeddedAws
from infra.template import load_template
from tests.support import event_bridge, sandbox

SAMPLE = Path(__file__).with_name("sample_events.yaml")
MACHINE = {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Return the sample template, in a folder with its files."""
    source = "import json\ndef handler(event, context): print(json.dumps(event['detail']['input']))"
    (tmp_path / "functions.zip").write_bytes(sandbox.zipped(source))
    (tmp_path / "machine.asl.json").write_text(json.dumps(MACHINE))
    template = tmp_path / "template.yaml"
    template.write_text(SAMPLE.read_text())
    return template


def inputs(aws: EmbeddedAws, machine: str) -> list[Any]:
    """Return the inputs of a state machine's executions, once they have started."""
    return [json.loads(each["input"]) for each in event_bridge.executions(aws, machine)]


def test_an_event_on_the_stacks_bus_starts_an_execution(aws: EmbeddedAws, sample: Path) -> None:
    """Its input is that of the rule's transformer."""
    outputs = deploy(aws, sample, {}, "stack")
    event_bridge.put(aws, {"price": 7, "by": "me"}, EventBusName=outputs["Bus"])
    assert inputs(aws, outputs["Machine"]) == [{"price": 7, "by": "order of me"}]


def test_an_object_starts_an_execution(aws: EmbeddedAws, sample: Path) -> None:
    """Only the object that the rule matches."""
    outputs = deploy(aws, sample, {}, "stack")
    for key in ("crl/two.crl", "crl/one.crl"):
        aws.client("s3").put_object(Bucket=outputs["Bucket"], Key=key, Body=b"")
    assert [each["key"] for each in inputs(aws, outputs["Machine"])] == ["crl/one.crl"]


def test_the_schedule_starts_an_execution(aws: EmbeddedAws, sample: Path) -> None:
    """Its input is the rule's constant."""
    outputs = deploy(aws, sample, {}, "stack")
    fire_schedules_now()
    assert inputs(aws, outputs["Machine"]) == [{"by": "schedule"}]


def test_end_of_an_execution_is_delivered(aws: EmbeddedAws, sample: Path) -> None:
    """The topic's subscriber and the function receive it."""
    outputs = deploy(aws, sample, {}, "stack")
    event_bridge.put(aws, {"price": 7, "by": "me"}, EventBusName=outputs["BusArn"])
    (execution,) = event_bridge.executions(aws, outputs["Machine"])
    assert event_bridge.logged('"{', "stack-ended") == [json.dumps(execution["input"])]
    assert event_bridge.bodies(aws, "stack-inbox") == [execution["input"]]


def test_undeliverable_event_is_in_the_dead_letter_queue(aws: EmbeddedAws, sample: Path) -> None:
    """The queue's policy allows EventBridge."""
    outputs = deploy(aws, sample, {}, "stack")
    aws.client("stepfunctions").delete_state_machine(stateMachineArn=outputs["Machine"])
    event_bridge.put(aws, {"price": 7, "by": "me"}, EventBusName=outputs["Bus"])
    (message,) = event_bridge.messages(aws, outputs["DeadLetters"])
    assert event_bridge.attributes(message)["ERROR_CODE"] == "NO_RESOURCE"


def test_resources_have_their_properties(aws: EmbeddedAws, sample: Path) -> None:
    """Every resource, read back through AWS's own API, is as the template defines it."""
    outputs = deploy(aws, sample, {"Retries": "5"}, "stack")
    client = aws.client("events")
    bus, _, name = outputs["OrderRule"].partition("|")
    assert bus == outputs["Bus"] == "stack-orders"
    rule = client.describe_rule(Name=name, EventBusName=bus)
    assert (rule["Description"], rule["State"]) == ("starts an execution for each order", "ENABLED")
    (target,) = client.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    assert (target["Id"], target["RetryPolicy"]) == ("machine", {"MaximumRetryAttempts": 5})
    schedules = [rule["ScheduleExpression"] for rule in client.list_rules()["Rules"] if "ScheduleExpression" in rule]
    assert schedules == ["rate(1 hour)"]

    sqs, url = aws.client("sqs"), outputs["DeadLettersUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["MessageRetentionPeriod"], attributes["SqsManagedSseEnabled"]) == ("1209600", "true")
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "security"}
    topic = aws.client("sns").get_topic_attributes(TopicArn=outputs["Topic"])["Attributes"]
    assert (topic["DisplayName"], topic["KmsMasterKeyId"]) == ("Ended", "alias/aws/sns")


def test_destroy_deletes_everything(aws: EmbeddedAws, sample: Path) -> None:
    """No resource is left."""
    deploy(aws, sample, {}, "stack")
    destroy(aws, "stack")
    client = aws.client("events")
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["default"]
    assert client.list_rules()["Rules"] == []
    assert "QueueUrls" not in aws.client("sqs").list_queues()
    assert aws.client("sns").list_topics()["Topics"] == []
    assert aws.client("sns").list_subscriptions()["Subscriptions"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize(
    ("resource", "properties", "message"),
    [
        ("Bucket", {"NotificationConfiguration": {"QueueConfigurations": []}}, "QueueConfigurations"),
        ("Orders", {"Policy": {}}, r"Orders \(AWS::Events::EventBus\): Policy"),
        ("Inbox", {"FifoQueue": True}, r"Inbox \(AWS::SQS::Queue\): FifoQueue"),
        ("Topic", {"FifoTopic": True}, r"Topic \(AWS::SNS::Topic\): FifoTopic"),
    ],
)
def test_unsupported_properties_are_refused(
    aws: EmbeddedAws, sample: Path, resource: str, properties: dict[str, Any], message: str
) -> None:
    """An unsupported property fails the deployment and is named."""
    template = load_template(sample)
    template["Resources"][resource]["Properties"] |= properties
    sample.write_text(json.dumps(template))
    with pytest.raises(UnsupportedFeature, match=message):
        deploy(aws, sample, {}, "stack")
