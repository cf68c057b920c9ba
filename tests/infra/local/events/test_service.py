"""Buses, rules and targets: what is put on a bus reaches the targets of the rules that it matches."""

import inspect
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.events.models import EventsBackend, Rule
from moto.events.responses import EventsHandler

from infra.local.core import faults
from infra.local.events import service as events
from infra.local.iam import enforcement
from infra.local.server import EmbeddedAws
from tests.support import event_bridge, sandbox

SUCCEED = {"Only": {"Type": "Succeed"}}


def command_line(aws: EmbeddedAws, *arguments: str) -> Any:  # noqa: ANN401 - the command's JSON
    """Run AWS's own command line."""
    command = [os.fspath(Path(sys.executable).parent / "aws"), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **aws.environment()}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(result.stdout or "null")


def test_the_replacements_are_for_this_version_of_moto() -> None:
    """When moto changes, each has to be checked again: it replaces the stock code below."""
    assert version("moto") == "5.2.5"
    assert 'raise NotImplementedError(f"Expr not defined for {type(self)}")' in inspect.getsource(Rule.send_to_targets)
    assert 'event.get("Time", unix_time())' in inspect.getsource(EventsBackend.put_events)
    assert "pass" in inspect.getsource(EventsHandler.test_event_pattern)


def test_an_event_starts_an_execution(aws: EmbeddedAws) -> None:
    """A rule's target may be a state machine, whose input is then the event."""
    machine = sandbox.machine(aws, SUCCEED)
    event_bridge.rule(aws, {"Arn": machine, "RoleArn": event_bridge.role(aws)})
    event_id = event_bridge.put(aws, {"price": 7})
    (execution,) = event_bridge.executions(aws, machine)
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["input"])["detail"] == {"price": 7}
    assert execution["name"].startswith(event_id)
    assert ("events-role", "states:StartExecution", machine) in enforcement.used_permissions()


def test_an_event_has_the_fields_that_aws_documents(aws: EmbeddedAws) -> None:
    """They are in AWS's order, with the time in ISO 8601."""
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)})
    before = datetime.now(UTC).replace(microsecond=0)
    event_id = event_bridge.put(aws, {"price": 7}, Resources=["arn:aws:shop:::till"])
    (event,) = event_bridge.bodies(aws)
    assert before <= datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%S%z") <= datetime.now(UTC)
    assert list(event.items()) == [
        ("version", "0"),
        ("id", event_id),
        ("detail-type", "Sold"),
        ("source", "shop"),
        ("account", aws.settings.account_id),
        ("time", event["time"]),
        ("region", aws.settings.region),
        ("resources", ["arn:aws:shop:::till"]),
        ("detail", {"price": 7}),
    ]


def test_an_event_keeps_its_time(aws: EmbeddedAws) -> None:
    """PutEvents may state when the event happened."""
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)})
    event_bridge.put(aws, Time=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert event_bridge.bodies(aws)[0]["time"] == "2025-01-02T03:04:05Z"


def test_a_custom_bus_has_its_own_rules(aws: EmbeddedAws) -> None:
    """An event goes to the rules of the bus that it was put on, and to no others."""
    arn = aws.client("events").create_event_bus(Name="orders")["EventBusArn"]
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws, "own")}, bus="orders")
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws, "other")})
    event_bridge.put(aws, EventBusName="orders")
    event_bridge.put(aws, EventBusName=arn)
    assert (len(event_bridge.bodies(aws, "own")), event_bridge.bodies(aws, "other")) == (2, [])


def test_a_disabled_rule_delivers_nothing(aws: EmbeddedAws) -> None:
    """Enabling it resumes delivery."""
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, State="DISABLED")
    event_bridge.put(aws)
    assert event_bridge.bodies(aws) == []
    aws.client("events").enable_rule(Name="rule")
    event_bridge.put(aws)
    assert len(event_bridge.bodies(aws)) == 1


def test_each_target_receives_the_event(aws: EmbeddedAws) -> None:
    """A rule with several targets sends to all of them, each with its own input."""
    first, second = event_bridge.queue(aws, "first"), event_bridge.queue(aws, "second")
    event_bridge.rule(aws, {"Arn": first, "InputPath": "$.detail"}, {"Arn": second, "Input": '"sold"'})
    event_bridge.put(aws, {"price": 7})
    assert (event_bridge.bodies(aws, "first"), event_bridge.bodies(aws, "second")) == ([{"price": 7}], ["sold"])


def test_a_topic_notifies_its_subscribers(aws: EmbeddedAws) -> None:
    """The topic's policy has to let EventBridge publish."""
    sns, inbox = aws.client("sns"), event_bridge.queue(aws)
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox)
    event_bridge.rule(aws, {"Arn": topic, "Input": '"before"'})
    event_bridge.put(aws)
    events.wait_until_delivered()
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    event_bridge.rule(aws, {"Arn": topic, "Input": '"after"'})
    event_bridge.put(aws)
    assert [body["Message"] for body in event_bridge.bodies(aws)] == ['"after"']


def test_a_function_is_invoked(aws: EmbeddedAws) -> None:
    """The function's policy has to let the rule invoke it."""
    source = "import json\ndef handler(event, context): print(json.dumps(event['detail']))"
    function = sandbox.function(aws, source)
    source_arn = event_bridge.rule(aws, {"Arn": function})
    event_bridge.put(aws, {"number": "one"})
    events.wait_until_delivered()
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=source_arn,
    )
    event_bridge.put(aws, {"number": "two"})
    assert event_bridge.logged('{"number":') == ['{"number": "two"}']


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": "aws.s3"}, "NotAuthorizedForSource"),
        ({"Detail": "[]"}, "MalformedDetail"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"DetailType": ""}, "InvalidArgument"),
    ],
)
def test_an_invalid_entry_is_refused_alone(aws: EmbeddedAws, entry: dict[str, str], code: str) -> None:
    """The other entries of the request are accepted."""
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)})
    good = {"Source": "shop", "DetailType": "Sold", "Detail": "{}"}
    response = aws.client("events").put_events(Entries=[good | entry, good])
    assert (response["FailedEntryCount"], response["Entries"][0]["ErrorCode"]) == (1, code)
    assert [event["id"] for event in event_bridge.bodies(aws)] == [response["Entries"][1]["EventId"]]


def test_an_event_for_an_absent_bus_is_accepted(aws: EmbeddedAws) -> None:
    """As on AWS, the sender receives no error."""
    assert event_bridge.put(aws, EventBusName="absent")


def test_a_role_needs_permission_for_each_bus(aws: EmbeddedAws) -> None:
    """A statement for one bus allows only that bus."""
    account = f"{aws.settings.region}:{aws.settings.account_id}"
    allowed = {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": f"arn:aws:events:{account}:event-bus/orders",
    }
    aws.client("events").create_event_bus(Name="orders")
    credentials = enforcement.assume_role(event_bridge.role(aws, allowed), "events.amazonaws.com", "session")
    event = {"Source": "shop", "DetailType": "Sold", "Detail": "{}"}
    client = event_bridge.client(aws, "events", credentials)
    assert client.put_events(Entries=[event | {"EventBusName": "orders"}])["FailedEntryCount"] == 0
    with pytest.raises(ClientError, match=r"not authorized to perform: events:PutEvents on resource: .*/default"):
        client.put_events(Entries=[event | {"EventBusName": "orders"}, event])
    client.close()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"Arn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m"}, "RoleArn is required"),
        ({"Arn": "arn:aws:logs:eu-central-1:123456789012:log-group:g"}, "not available here"),
        ({"Arn": "queue"}, "not in correct format"),
    ],
)
def test_an_unreachable_target_is_refused(aws: EmbeddedAws, target: dict[str, str], message: str) -> None:
    """PutTargets fails, so that no event is dropped later."""
    with pytest.raises(ClientError, match=message):
        event_bridge.rule(aws, target)


def test_the_command_line_of_aws_works(aws: EmbeddedAws) -> None:
    """AWS's own command line creates a rule with a state machine as target, and puts an event."""
    machine = sandbox.machine(aws, SUCCEED)
    pattern = '{"source": ["shop"]}'
    command_line(aws, "events", "put-rule", "--name", "rule", "--event-pattern", pattern)
    target = f"Id=1,Arn={machine},RoleArn={event_bridge.role(aws)}"
    command_line(aws, "events", "put-targets", "--rule", "rule", "--targets", target)
    entry = {"Source": "shop", "DetailType": "Sold", "Detail": "{}", "Time": "2025-01-02T03:04:05Z"}
    response = command_line(aws, "events", "put-events", "--entries", json.dumps([entry]))
    assert response["FailedEntryCount"] == 0
    (execution,) = event_bridge.executions(aws, machine)
    assert json.loads(execution["input"])["time"] == "2025-01-02T03:04:05Z"


def test_a_reset_drops_deliveries(aws: EmbeddedAws) -> None:
    """Neither rules nor retries survive it."""
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)})
    faults.add("sqs:SendMessage", code="ServiceUnavailable", times=99)
    event_bridge.put(aws)
    with pytest.raises(TimeoutError, match="1 event deliveries are still under way"):
        events.wait_until_delivered(0.2)
    aws.reset()
    events.wait_until_delivered(0)
    assert aws.client("events").list_rules()["Rules"] == []


def test_a_state_machine_puts_events(aws: EmbeddedAws) -> None:
    """Step Functions' integration of PutEvents uses the role's permission for that bus."""
    bus = aws.client("events").create_event_bus(Name="orders")["EventBusArn"]
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, bus="orders")
    machine = sandbox.machine(
        aws,
        {
            "Put": {
                "Type": "Task",
                "Resource": "arn:aws:states:::events:putEvents",
                "Parameters": {
                    "Entries": [
                        {"Source": "shop", "DetailType": "Sold", "EventBusName": "orders", "Detail": {"price.$": "$.a"}}
                    ]
                },
                "End": True,
            }
        },
    )
    put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    document = json.dumps({"Version": "2012-10-17", "Statement": [put]})
    aws.client("iam").put_role_policy(RoleName="machine-role", PolicyName="own", PolicyDocument=document)
    ended = sandbox.start(aws, machine, {"a": 7})
    assert ended["status"] == "SUCCEEDED", ended
    assert event_bridge.bodies(aws)[0]["detail"] == {"price": 7}
    assert ("machine-role", "events:PutEvents", bus) in enforcement.used_permissions()


def test_targets_that_are_refused(aws: EmbeddedAws) -> None:
    """A rule has five targets at most, and their inputs are JSON."""
    client = aws.client("events")
    client.put_rule(Name="rule", ScheduleExpression="rate(1 hour)")
    queue = f"arn:aws:sqs:{aws.settings.region}:{aws.settings.account_id}:queue"
    targets = [{"Id": str(number), "Arn": queue} for number in range(6)]
    with pytest.raises(ClientError, match="LimitExceededException"):
        client.put_targets(Rule="rule", Targets=targets)
    client.put_targets(Rule="rule", Targets=targets[:5])
    client.put_targets(Rule="rule", Targets=targets[:1])  # in the place of the one with this ID
    with pytest.raises(ClientError, match="LimitExceededException"):
        client.put_targets(Rule="rule", Targets=targets[5:])
    with pytest.raises(ClientError, match="JSON syntax error in input for target 0"):
        client.put_targets(Rule="rule", Targets=[{**targets[0], "Input": "{"}])
    assert len(client.list_targets_by_rule(Rule="rule")["Targets"]) == 5
