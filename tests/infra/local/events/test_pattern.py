"""Event patterns match as AWS documents them; whatever is not known is refused."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.events.pattern import matches, parse_pattern
from infra.local.server import EmbeddedAws
from tests.support import event_bridge

EVENT = {
    "id": "1",
    "source": "aws.s3",
    "account": "123456789012",
    "time": "2025-01-02T03:04:05Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:s3:::crl", "arn:aws:s3:::other"],
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": "crl"},
        "object": {"key": "crl/Id.crl", "size": 300, "empty": None},
        "flag": True,
        "address": "10.0.0.7",
        "items": [{"name": "a", "size": 1}, {"name": "b", "size": 2}],
    },
}


def detail(**fields: object) -> dict[str, Any]:
    """Return a pattern for the detail only."""
    return {"detail": fields}


MATCHING = {
    "equal": {"source": ["aws.ec2", "aws.s3"]},
    "any element of an array": {"resources": ["arn:aws:s3:::other"]},
    "number": detail(object={"size": [300]}),
    "null": detail(object={"empty": [None]}),
    "boolean": detail(flag=[True]),
    "prefix": detail(object={"key": [{"prefix": "crl/"}]}),
    "prefix in an array": {"resources": [{"prefix": "arn:aws:s3:::o"}]},
    "prefix, any case": detail(object={"key": [{"prefix": {"equals-ignore-case": "CRL/"}}]}),
    "suffix": detail(object={"key": [{"suffix": ".crl"}]}),
    "equals-ignore-case": detail(object={"key": [{"equals-ignore-case": "CRL/ID.CRL"}]}),
    "wildcard": detail(object={"key": [{"wildcard": "crl/*.crl"}]}),
    "anything-but": detail(object={"key": [{"anything-but": "crl/other.crl"}]}),
    "anything-but of several": detail(object={"size": [{"anything-but": [1, 2]}]}),
    "anything-but a prefix": detail(object={"key": [{"anything-but": {"prefix": ["a", "b"]}}]}),
    "anything-but a wildcard": detail(object={"key": [{"anything-but": {"wildcard": "*.pem"}}]}),
    "numeric": detail(object={"size": [{"numeric": [">", 0, "<=", 300]}]}),
    "cidr": detail(address=[{"cidr": "10.0.0.0/24"}]),
    "exists": detail(object={"key": [{"exists": True}]}),
    "does not exist": detail(object={"version": [{"exists": False}]}),
    "does not exist, nor what it is in": detail(absent={"below": [{"exists": False}]}),
    "one of two": {"$or": [{"source": ["absent"]}, {"detail-type": ["Object Created"]}]},
}
NOT_MATCHING = {
    "another value": {"source": ["aws.ec2"]},
    "one field of two": {"source": ["aws.s3"], "region": ["us-east-1"]},
    "absent": detail(absent=["x"]),
    "text for a number": detail(object={"size": ["300"]}),
    "prefix": detail(object={"key": [{"prefix": "CRL/"}]}),
    "anything-but itself": detail(object={"key": [{"anything-but": "crl/Id.crl"}]}),
    "anything-but its suffix": detail(object={"key": [{"anything-but": {"suffix": ".crl"}}]}),
    "anything-but, absent": detail(absent=[{"anything-but": "x"}]),
    "numeric": detail(object={"size": [{"numeric": [">", 300]}]}),
    "numeric on text": detail(object={"key": [{"numeric": [">", 0]}]}),
    "wildcard": detail(object={"key": [{"wildcard": "crl/*.pem"}]}),
    "an escaped wildcard": detail(object={"key": [{"wildcard": r"crl/\*.crl"}]}),
    "cidr": detail(address=[{"cidr": "10.0.1.0/24"}]),
    "cidr on a name": detail(object={"key": [{"cidr": "10.0.1.0/24"}]}),
    "exists, where there is more below": detail(object=[{"exists": True}]),
    "fields of two objects in an array": detail(items={"name": ["a"], "size": [2]}),
    "neither of two": {"$or": [{"source": ["absent"]}, {"detail-type": ["absent"]}]},
}


@pytest.mark.parametrize("pattern", MATCHING.values(), ids=MATCHING)
def test_a_pattern_matches(pattern: dict[str, Any]) -> None:
    """The event satisfies every field of the pattern."""
    assert matches(parse_pattern(json.dumps(pattern)), EVENT)


@pytest.mark.parametrize("pattern", NOT_MATCHING.values(), ids=NOT_MATCHING)
def test_a_pattern_does_not_match(pattern: dict[str, Any]) -> None:
    """The event fails a field of the pattern."""
    assert not matches(parse_pattern(json.dumps(pattern)), EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "[]",
        "{}",
        "{",
        '{"source": "aws.s3"}',
        '{"source": []}',
        '{"source": [{"prefx": "aws"}]}',
        '{"detail": {"size": [{"prefx": "aws"}]}}',
        '{"$or": [{"source": ["a"]}, {"source": [{"prefx": "aws"}]}]}',
    ],
)
def test_an_invalid_pattern_is_refused(aws: EmbeddedAws, pattern: str) -> None:
    """It must not match everything, or nothing."""
    sample = json.dumps(EVENT)
    with pytest.raises(ClientError, match=r"InvalidEventPattern|ValidationException"):
        aws.client("events").test_event_pattern(EventPattern=pattern, Event=sample)


def test_a_rule_with_an_invalid_pattern_is_refused(aws: EmbeddedAws) -> None:
    """PutRule validates the pattern too."""
    with pytest.raises(ClientError, match="Unrecognized match type prefx"):
        event_bridge.rule(aws, pattern={"source": [{"prefx": "aws"}]})


def test_the_api_returns_whether_a_pattern_matches(aws: EmbeddedAws) -> None:
    """TestEventPattern works, which it does not in moto."""
    client, event = aws.client("events"), json.dumps(EVENT)
    answers = [
        client.test_event_pattern(EventPattern=json.dumps({"source": [source]}), Event=event)["Result"]
        for source in ("aws.s3", "shop")
    ]
    assert answers == [True, False]
