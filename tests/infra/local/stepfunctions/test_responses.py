"""Requests that AWS refuses are refused with its codes, and actions that are not there are refused by name."""

import json
from typing import Any

import pytest

from infra.local.server import EmbeddedAws
from tests.support import sandbox

SUCCEED = {"Only": {"Type": "Succeed"}}
WAIT = {"Only": {"Type": "Wait", "Seconds": 600, "End": True}}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"name": "a*"}, "InvalidName"),
        ({"name": "a" * 81}, "ValidationException"),
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"input": '{"a": NaN}'}, "InvalidExecutionInput"),
        ({"input": json.dumps("a" * 262_144)}, "InvalidExecutionInput"),
        ({"input": json.dumps("ä" * 131_072, ensure_ascii=False)}, "InvalidExecutionInput"),
        (
            {"stateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:absent"},
            "StateMachineDoesNotExist",
        ),
    ],
)
def test_start_execution_refuses(aws: EmbeddedAws, arguments: dict[str, str], code: str) -> None:
    """Nothing is started, and the code is AWS's."""
    client, arn = aws.client("stepfunctions"), sandbox.machine(aws, SUCCEED)
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.start_execution(**{"stateMachineArn": arn} | arguments)
    assert refused.value.response["Error"]["Code"] == code
    assert client.list_executions(stateMachineArn=arn)["executions"] == []


def test_the_longest_input_is_accepted(aws: EmbeddedAws) -> None:
    """256 KiB are allowed."""
    client, arn = aws.client("stepfunctions"), sandbox.machine(aws, SUCCEED)
    client.start_execution(stateMachineArn=arn, input=json.dumps("a" * 262_142))


def test_a_name_is_used_once(aws: EmbeddedAws) -> None:
    """The same name and input are the same execution while it runs; other input or a later start is refused."""
    client, arn = aws.client("stepfunctions"), sandbox.machine(aws, WAIT)
    request = {"stateMachineArn": arn, "name": "one", "input": "{}"}
    first = client.start_execution(**request)["executionArn"]
    assert client.start_execution(**request)["executionArn"] == first
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(**request | {"input": '{"a": 1}'})
    client.stop_execution(executionArn=first)
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(**request)


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("redrive_execution", {"executionArn": "arn:aws:states:eu-central-1:123456789012:execution:machine:one"}),
        ("publish_state_machine_version", {"stateMachineArn": "arn:aws:states:eu-central-1:1:stateMachine:machine"}),
        ("list_state_machine_versions", {"stateMachineArn": "arn:aws:states:eu-central-1:1:stateMachine:machine"}),
    ],
)
def test_an_absent_action_is_refused_by_name(aws: EmbeddedAws, action: str, arguments: dict[str, Any]) -> None:
    """Stock moto answers 500, without a word about what is missing."""
    client = aws.client("stepfunctions")
    with pytest.raises(client.exceptions.ClientError) as refused:
        getattr(client, action)(**arguments)
    name = action.title().replace("_", "")
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
    assert refused.value.response["Error"]["Message"] == f"The embedded AWS does not implement {name} of stepfunctions."


def test_waits_are_scaled(aws: EmbeddedAws) -> None:
    """A Wait of an hour and a Retry after an hour end at once where the setting says so."""
    aws.settings.step_functions.wait_scale = 1e-6
    source = "calls = []\ndef handler(event, context):\n    calls.append(1)\n    assert len(calls) > 1\n"
    retry = [{"ErrorEquals": ["AssertionError"], "IntervalSeconds": 3600}]
    task = {"Type": "Task", "Resource": sandbox.function(aws, source), "Retry": retry, "End": True}
    states = {"Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Task"}, "Task": task}
    assert sandbox.run(aws, states)["status"] == "SUCCEEDED"


def test_a_wait_is_as_long_as_it_says(aws: EmbeddedAws) -> None:
    """By default the time of a Wait passes."""
    states = {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}
    ended = sandbox.run(aws, states)
    assert (ended["stopDate"] - ended["startDate"]).total_seconds() >= 1
