"""A target receives constants, parts of the event, and templates filled as AWS fills them."""

import json
from typing import Any

import pytest

from infra.local.events.input import PathNotValid, build_input, find
from infra.local.server import EmbeddedAws
from tests.support import event_bridge, sandbox

EVENT: dict[str, Any] = {
    "id": "1",
    "time": "2015-11-11T21:29:54Z",
    "resources": ["arn:1", "arn:2"],
    "detail-type": "Sold",
    "detail": {
        "instance-id": "i-1",
        "state": "RUNNING",
        "said": 'a "word"',
        "price": 7,
        "new": True,
        "list": [{"n": 1}, {"n": 2}],
        "none": None,
    },
}
PATHS = {
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "said": "$.detail.said",
    "price": "$.detail.price",
    "new": "$.detail.new",
    "all": "$.detail",
    "list": "$.detail.list",
    "every": "$.detail.list[*].n",
    "second": "$.resources[1]",
    "type": "$.detail-type",
    "absent": "$.detail.absent.below",
    "none": "$.detail.none",
}


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ('"instance <instance> is in <state>"', '"instance i-1 is in RUNNING"'),
        ('"instance \\"<instance>\\" is in <state>"', '"instance \\"i-1\\" is in RUNNING"'),
        ('{ "instance" : <instance>,\n "state": <state> }', '{"instance":"i-1","state":"RUNNING"}'),
        ('{"instance": <instance>, "state": "<state>"}', '{"instance":"i-1","state":"RUNNING"}'),
        ('{"state": [9, <state>, true]}', '{"state":[9,"RUNNING",true]}'),
        ('{"a": {"b": [{"c": <price>}]}}', '{"a":{"b":[{"c":7}]}}'),
        ('{"price": <price>, "new": <new>, "none": <none>}', '{"price":7,"new":true,"none":null}'),
        ('{"text": "<price> <new>"}', '{"text":"7 true"}'),
        ('{"said": <said>}', '{"said":"a \\"word\\""}'),
        ('{"list": <list>, "every": <every>}', '{"list":[{"n":1},{"n":2}],"every":[1,2]}'),
        ('{"text": "<list>"}', '{"text":"[{n:1},{n:2}]"}'),
        ('{"second": <second>, "type": <type>}', '{"second":"arn:2","type":"Sold"}'),
        ('{"absent": <absent>, "text": "-<absent>-"}', '{"absent":"","text":"--"}'),
        ('"line <state>"\n"line <instance>"', '"line RUNNING"\n"line i-1"'),
        ('{"text": "a < b, <b>"}', '{"text":"a < b, <b>"}'),
    ],
)
def test_a_template_is_filled(template: str, result: str) -> None:
    """Outside a string a value becomes JSON, with its own quotes; inside a string it is bare."""
    target = {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}
    assert build_input(target, EVENT, {}) == result


def test_a_text_inside_a_string_is_not_escaped() -> None:
    """As on AWS, quotes in it break the template's JSON."""
    target = {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": '{"said": "<said>"}'}}
    assert build_input(target, EVENT, {}) == '{"said": "a "word""}'


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("$", json.dumps(EVENT, separators=(",", ":"))),
        ("$.detail.list[1]", '{"n":2}'),
        ("$.detail.list[*].n", "[1,2]"),
        ("$.resources", '["arn:1","arn:2"]'),
        ("$.absent", "{}"),
    ],
)
def test_a_part_of_the_event(path: str, result: str) -> None:
    """InputPath selects it."""
    assert build_input({"InputPath": path}, EVENT, {}) == result


@pytest.mark.parametrize("path", ["detail", "$.detail[?(@.n)]", "$..n"])
def test_a_path_that_eventbridge_does_not_support_is_refused(path: str) -> None:
    """Its JSONPath has neither filters nor descents."""
    with pytest.raises(PathNotValid):
        find(EVENT, path)


def test_reserved_variables_describe_the_rule_and_the_event(aws: EmbeddedAws) -> None:
    """As AWS documents them: `aws.events.event` is without the detail, `aws.events.event.json` is whole."""
    template = """{
      "arn": <aws.events.rule-arn>, "text": "<aws.events.rule-name> fired",
      "event": <aws.events.event>, "json": <aws.events.event.json>, "at": <aws.events.event.ingestion-time>
    }"""
    target = {"Arn": event_bridge.queue(aws), "InputTransformer": {"InputTemplate": template}}
    arn = event_bridge.rule(aws, target)
    event_bridge.put(aws, {"price": 7})
    (body,) = event_bridge.bodies(aws)
    assert (body["arn"], body["text"], body["json"]["detail"]) == (arn, "rule fired", {"price": 7})
    assert body["event"] == {name: value for name, value in body["json"].items() if name != "detail"}
    assert body["at"].startswith(body["event"]["time"][:10])


def test_a_transformed_event_is_an_executions_input(aws: EmbeddedAws) -> None:
    """The input is the template's JSON, with its strings quoted."""
    machine = sandbox.machine(aws, {"Only": {"Type": "Succeed"}})
    transformer = {
        "InputPathsMap": {"serials": "$.detail.Serials", "why": "$.detail.Why"},
        "InputTemplate": '{"Serials": <serials>, "Reason": <why>, "Requester": {"Text": "by <why>"}}',
    }
    event_bridge.rule(aws, {"Arn": machine, "RoleArn": event_bridge.role(aws), "InputTransformer": transformer})
    event_bridge.put(aws, {"Serials": ["0a:1b"], "Why": "stolen"})
    (execution,) = event_bridge.executions(aws, machine)
    expected = {"Serials": ["0a:1b"], "Reason": "stolen", "Requester": {"Text": "by stolen"}}
    assert json.loads(execution["input"]) == expected
