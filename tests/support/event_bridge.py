"""Rules, queues and roles for tests of EventBridge, created and read through the API."""

import json
from typing import Any

import boto3

from infra.local.events import service as events
from infra.local.lambda_ import service as lambda_service
from infra.local.server import EmbeddedAws
from tests.support import sandbox
from tests.support.waiting import eventually

START = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": "*"}


def queue(aws: EmbeddedAws, name: str = "queue", *, open_: bool = True) -> str:
    """Create a queue, to which EventBridge may send if it is `open_`; return its ARN."""
    arn = f"arn:aws:sqs:{aws.settings.region}:{aws.settings.account_id}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{aws.settings.region}:*:rule/*"}},
    }
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    aws.client("sqs").create_queue(QueueName=name, Attributes=policy if open_ else {})
    return arn


def messages(aws: EmbeddedAws, name: str = "queue") -> list[dict[str, Any]]:
    """Wait until every event is delivered; receive and delete all messages of a queue."""
    events.wait_until_delivered()
    sqs, received = aws.client("sqs"), []
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
        "Messages"
    ):
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        received += batch
    return received


def bodies(aws: EmbeddedAws, name: str = "queue") -> list[Any]:
    """Wait until every event is delivered; return the bodies of all messages of a queue, as JSON."""
    return [json.loads(message["Body"]) for message in messages(aws, name)]


def attributes(message: dict[str, Any]) -> dict[str, str]:
    """Return a message's attributes, which are all strings."""
    assert {each["DataType"] for each in message["MessageAttributes"].values()} == {"String"}
    return {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}


def role(aws: EmbeddedAws, *statements: dict[str, Any], name: str = "events-role", trusts: str = "events") -> str:
    """Create a role that EventBridge, or another service, may assume; return its ARN."""
    return sandbox.role(aws, *statements or (START,), name=name, services=(trusts,))


def rule(
    aws: EmbeddedAws,
    *targets: dict[str, Any],
    name: str = "rule",
    pattern: dict[str, Any] | None = None,
    bus: str = "default",
    **more: str,
) -> str:
    """Create a rule with targets, by default for events of `shop`; return its ARN."""
    client = aws.client("events")
    if "ScheduleExpression" not in more:
        more["EventPattern"] = json.dumps(pattern or {"source": ["shop"]})
    arn: str = client.put_rule(Name=name, EventBusName=bus, **more)["RuleArn"]
    numbered = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    client.put_targets(Rule=name, EventBusName=bus, Targets=numbered)
    return arn


def put(aws: EmbeddedAws, detail: object = None, **more: object) -> str:
    """Send an event of `shop`; return its ID."""
    entry = {"Source": "shop", "DetailType": "Sold", "Detail": json.dumps(detail or {}), **more}
    response = aws.client("events").put_events(Entries=[entry])
    assert response["FailedEntryCount"] == 0, response
    return str(response["Entries"][0]["EventId"])


def executions(aws: EmbeddedAws, machine_arn: str, number: int = 1) -> list[dict[str, Any]]:
    """Wait until a state machine has this many executions and all have ended; return their descriptions."""
    events.wait_until_delivered()
    client = aws.client("stepfunctions")

    def ended() -> list[dict[str, Any]] | None:
        listed = client.list_executions(stateMachineArn=machine_arn)["executions"]
        if len(listed) < number or any(each["status"] == "RUNNING" for each in listed):
            return None
        return [client.describe_execution(executionArn=each["executionArn"]) for each in listed]

    return eventually(ended, expected=f"end of {number} executions")


def logged(begins: str, name: str = "function") -> list[str]:
    """Wait until a function has logged lines that begin like this; return them."""
    events.wait_until_delivered()
    return eventually(
        lambda: [line.strip() for line in lambda_service.logs(name) if line.startswith(begins)] or None,
        expected=f"line of {name} that begins with {begins}",
    )


def client(aws: EmbeddedAws, service: str, credentials: dict[str, str]) -> Any:  # noqa: ANN401 - boto3 makes its class
    """Return a client that acts as a role."""
    session: Any = boto3.session.Session()
    return session.client(
        service,
        region_name=aws.settings.region,
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=credentials["AWS_SESSION_TOKEN"],
    )
