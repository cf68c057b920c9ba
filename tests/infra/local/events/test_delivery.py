"""What becomes of an event whose target does not take it: retries, and the dead-letter queue."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.core import faults
from infra.local.events import service as events
from infra.local.server import EmbeddedAws
from tests.support import event_bridge, sandbox

SUCCEED = {"Only": {"Type": "Succeed"}}
START = "states:StartExecution"
ROOT = Path(__file__).parents[4]

LIFE = """
import threading
from infra.local.core import faults
from infra.local.server import EmbeddedAws
from infra.local.core.settings import Settings
from tests.support import event_bridge
for _ in range(2):
    with EmbeddedAws(Settings()) as aws:
        queue = {"Arn": event_bridge.queue(aws)}
        event_bridge.rule(aws, queue)
        event_bridge.rule(aws, queue, name="schedule", ScheduleExpression="rate(1 minute)")
        event_bridge.put(aws)
        assert len(event_bridge.bodies(aws)) == 1
        faults.add("sqs:SendMessage", code="ServiceUnavailable", times=99)
        event_bridge.put(aws)
assert threading.active_count() == 1, threading.enumerate()
"""


@pytest.fixture
def aws(aws: EmbeddedAws) -> EmbeddedAws:
    """Return the embedded AWS with quick retries."""
    aws.settings.events.retry_scale = 0.01
    return aws


def target(aws: EmbeddedAws, machine: str | None = None, **more: object) -> dict[str, object]:
    """Return a state machine as target, with a dead-letter queue."""
    arn = machine or sandbox.machine(aws, SUCCEED)
    dead = {"DeadLetterConfig": {"Arn": event_bridge.queue(aws, "dead")}}
    return {"Arn": arn, "RoleArn": event_bridge.role(aws), **dead, **more}


def test_delivery_to_a_throttled_target_is_retried(aws: EmbeddedAws) -> None:
    """Retries go on until the target accepts the event."""
    rule_target = target(aws)
    event_bridge.rule(aws, rule_target)
    faults.add(START, code="ThrottlingException", times=3, role_name="events-role")
    event_bridge.put(aws)
    assert len(event_bridge.executions(aws, str(rule_target["Arn"]))) == 1
    assert event_bridge.bodies(aws, "dead") == []


def test_a_lost_response_does_not_start_a_second_execution(aws: EmbeddedAws) -> None:
    """Each attempt uses the same execution name."""
    rule_target = target(aws, sandbox.machine(aws, {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}))
    event_bridge.rule(aws, rule_target)
    faults.add(START, code="ServiceUnavailable", after=True)
    event_bridge.put(aws)
    assert len(event_bridge.executions(aws, str(rule_target["Arn"]))) == 1
    assert event_bridge.bodies(aws, "dead") == []


def test_exhausted_retries_lead_to_the_dead_letter_queue(aws: EmbeddedAws) -> None:
    """The message has the unchanged event, and AWS's attributes about the failure."""
    rule_target = target(aws, RetryPolicy={"MaximumRetryAttempts": 2}, InputPath="$.detail")
    rule = event_bridge.rule(aws, rule_target)
    faults.add(START, code="ServiceUnavailable", message="Out of order", times=3)
    event_id = event_bridge.put(aws, {"price": 7})
    (message,) = event_bridge.messages(aws, "dead")
    body = json.loads(message["Body"])
    assert (body["id"], body["detail"]) == (event_id, {"price": 7})
    assert event_bridge.attributes(message) == {
        "RULE_ARN": rule,
        "TARGET_ARN": rule_target["Arn"],
        "ERROR_CODE": "ERROR_FROM_TARGET",
        "ERROR_MESSAGE": "Out of order",
        "RETRY_ATTEMPTS": "2",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
    }


def test_an_event_can_become_too_old(aws: EmbeddedAws) -> None:
    """Retries also end after MaximumEventAgeInSeconds."""
    event_bridge.rule(aws, target(aws, RetryPolicy={"MaximumEventAgeInSeconds": 60}))
    faults.add(START, code="ThrottlingException", times=1000)
    event_bridge.put(aws)
    (message,) = event_bridge.messages(aws, "dead")
    attributes = event_bridge.attributes(message)
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert attributes["ERROR_CODE"] == "THROTTLING"


def test_a_missing_permission_is_not_retried(aws: EmbeddedAws) -> None:
    """The role must allow StartExecution on this state machine; the message names the missing permission."""
    other = {"Effect": "Allow", "Action": START, "Resource": "arn:aws:states:*:*:stateMachine:other"}
    role = event_bridge.role(aws, other, name="narrow")
    event_bridge.rule(aws, target(aws) | {"RoleArn": role})
    event_bridge.put(aws)
    (message,) = event_bridge.messages(aws, "dead")
    attributes = event_bridge.attributes(message)
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("NO_PERMISSIONS", "0")
    assert "is not authorized to perform: states:StartExecution" in attributes["ERROR_MESSAGE"]
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes


def test_a_role_that_does_not_trust_eventbridge_is_not_assumed(aws: EmbeddedAws) -> None:
    """The event goes to the dead-letter queue."""
    role = event_bridge.role(aws, name="foreign", trusts="lambda")
    event_bridge.rule(aws, target(aws) | {"RoleArn": role})
    event_bridge.put(aws)
    (message,) = event_bridge.messages(aws, "dead")
    assert event_bridge.attributes(message)["ERROR_CODE"] == "FAILED_TO_ASSUME_ROLE"


@pytest.mark.parametrize("service", ["states", "sqs", "sns", "lambda"])
def test_delivery_to_a_deleted_target_is_not_retried(aws: EmbeddedAws, service: str) -> None:
    """This applies to every kind of target."""
    account = f"{aws.settings.region}:{aws.settings.account_id}"
    kind = {"states": "stateMachine:", "lambda": "function:"}.get(service, "")
    event_bridge.rule(aws, target(aws, f"arn:aws:{service}:{account}:{kind}absent"))
    event_bridge.put(aws)
    (message,) = event_bridge.messages(aws, "dead")
    attributes = event_bridge.attributes(message)
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("NO_RESOURCE", "0")


def test_a_queue_whose_policy_denies_eventbridge_receives_nothing(aws: EmbeddedAws) -> None:
    """As on AWS, PutTargets does not write the queue's policy."""
    event_bridge.rule(aws, target(aws, event_bridge.queue(aws, "closed", open_=False)))
    event_bridge.put(aws)
    (message,) = event_bridge.messages(aws, "dead")
    assert event_bridge.attributes(message)["ERROR_CODE"] == "NO_PERMISSIONS"
    assert event_bridge.bodies(aws, "closed") == []


def test_a_policy_that_cannot_be_evaluated_denies_eventbridge(aws: EmbeddedAws) -> None:
    """The dead-letter queue's message names the operator that is not known."""
    queue = event_bridge.queue(aws)
    client = aws.client("sqs")
    url = client.get_queue_url(QueueName="queue")["QueueUrl"]
    policy = json.loads(client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    policy["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    event_bridge.rule(aws, target(aws, queue))
    event_bridge.put(aws)
    attributes = event_bridge.attributes(event_bridge.messages(aws, "dead")[0])
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert "cannot be evaluated (IpAddress on aws:SourceIp" in attributes["ERROR_MESSAGE"]


def test_input_that_is_not_json_does_not_reach_a_state_machine(aws: EmbeddedAws) -> None:
    """It goes to the dead-letter queue."""
    event_bridge.rule(aws, target(aws, InputTransformer={"InputTemplate": "sold"}))
    event_bridge.put(aws)
    (message,) = event_bridge.messages(aws, "dead")
    assert event_bridge.attributes(message)["ERROR_CODE"] == "INVALID_JSON"


def test_a_dead_letter_queue_must_allow_eventbridge(aws: EmbeddedAws, caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise the event is lost, and a log message says so."""
    closed = event_bridge.queue(aws, "closed", open_=False)
    event_bridge.rule(aws, target(aws) | {"Arn": f"{closed}-absent", "DeadLetterConfig": {"Arn": closed}})
    with caplog.at_level(logging.WARNING):
        event_bridge.put(aws)
        events.wait_until_delivered()
    assert "its dead-letter queue does not take it: NO_PERMISSIONS" in caplog.text
    assert event_bridge.bodies(aws, "closed") == []


def test_the_server_ends_without_leaving_a_thread() -> None:
    """This includes the threads of pending retries and schedules."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", LIFE]
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
