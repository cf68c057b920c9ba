"""The history is returned in pages, in both orders, and quickly."""

import json
import time
from typing import Any

import pytest
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.server import EmbeddedAws
from infra.local.stepfunctions import history
from tests.support import sandbox
from tests.support.waiting import eventually

ITEM = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "Result": 1, "End": True}}}
MAP = {
    "Type": "Map",
    "ItemsPath": "$.items",
    "MaxConcurrency": 4,
    "ItemProcessor": ITEM,
    "ResultPath": None,
    "End": True,
}


def mapped(aws: EmbeddedAws, items: int) -> str:
    """Run an execution with four events for each item, and six more; return its ARN."""
    arn: str = sandbox.run(aws, {"Items": MAP}, {"items": list(range(items))})["executionArn"]
    return arn


@pytest.mark.parametrize("reverse", [False, True])
def test_pages_make_up_the_whole(aws: EmbeddedAws, *, reverse: bool) -> None:
    """Each event is returned once, in order, whatever the size of the pages."""
    client, arn = aws.client("stepfunctions"), mapped(aws, 30)
    for size in (0, 1, 7, 126, 1000):
        arguments: dict[str, Any] = {"executionArn": arn, "reverseOrder": reverse, "maxResults": size}
        ids: list[int] = []
        while True:
            page = client.get_execution_history(**arguments)
            assert len(page["events"]) <= (size or 100)
            ids += [event["id"] for event in page["events"]]
            if "nextToken" not in page:
                break
            arguments["nextToken"] = page["nextToken"]
        assert ids == sorted(range(1, 127), reverse=reverse)


def test_a_token_stays_valid_while_events_are_added(aws: EmbeddedAws) -> None:
    """The next page goes on after the last event, also if that was the newest but one."""
    client = aws.client("stepfunctions")
    states = {"First": {"Type": "Pass", "Next": "Wait"}, "Wait": {"Type": "Wait", "Seconds": 600, "End": True}}
    arn = client.start_execution(stateMachineArn=sandbox.machine(aws, states))["executionArn"]
    eventually(lambda: len(client.get_execution_history(executionArn=arn)["events"]) == 4 or None)
    token = client.get_execution_history(executionArn=arn, maxResults=3)["nextToken"]
    client.stop_execution(executionArn=arn)
    following = client.get_execution_history(executionArn=arn, nextToken=token)
    assert [event["type"] for event in following["events"]] == ["WaitStateEntered", "ExecutionAborted"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"maxResults": 1001}, "ValidationException"),
        ({"nextToken": "nonsense"}, "InvalidToken"),
        ({"nextToken": "NQ=="}, "InvalidToken"),  # 5
        (
            {"executionArn": "arn:aws:states:eu-central-1:123456789012:execution:machine:absent"},
            "ExecutionDoesNotExist",
        ),
    ],
)
def test_refusals(aws: EmbeddedAws, arguments: dict[str, Any], code: str) -> None:
    """What is wrong with a request is named as AWS names it."""
    client, arn = aws.client("stepfunctions"), mapped(aws, 1)
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.get_execution_history(**{"executionArn": arn} | arguments)
    assert refused.value.response["Error"]["Code"] == code


def test_a_token_of_another_order_is_refused(aws: EmbeddedAws) -> None:
    """A token belongs to one execution and one order."""
    client, arn = aws.client("stepfunctions"), mapped(aws, 1)
    token = client.get_execution_history(executionArn=arn, maxResults=1)["nextToken"]
    with pytest.raises(client.exceptions.InvalidToken):
        client.get_execution_history(executionArn=arn, nextToken=token, reverseOrder=True)


def test_data_can_be_left_out(aws: EmbeddedAws) -> None:
    """Without includeExecutionData there is neither input nor output."""
    client, arn = aws.client("stepfunctions"), mapped(aws, 1)
    with_data, without = (
        json.dumps(client.get_execution_history(executionArn=arn, includeExecutionData=data)["events"], default=str)
        for data in (True, False)
    )
    assert '"input"' in with_data
    assert '"output"' in with_data
    assert '"input"' not in without
    assert '"output"' not in without


def test_5000_events_take_a_third_of_a_second(aws: EmbeddedAws) -> None:
    """Stock moto takes three seconds of CPU time, and returns them all at once."""
    arn = mapped(aws, 1250)
    execution = stepfunctions_parser_backends[aws.settings.account_id][aws.settings.region].describe_execution(arn)
    started, events = time.thread_time(), 0
    page: dict[str, Any] = {"nextToken": None}
    while "nextToken" in page:
        page = json.loads(history.page(execution, 1000, page["nextToken"], reverse=False, with_data=True))
        events += len(page["events"])
    assert time.thread_time() - started < 0.3
    assert events == 5006
    again = time.thread_time()
    history.page(execution, 100, None, reverse=True, with_data=True)
    assert time.thread_time() - again < 0.05
