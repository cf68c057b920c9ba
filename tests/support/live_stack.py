"""A stack whose rules are on, for tests of what starts by itself."""

import json
from collections.abc import Callable
from typing import Any

from infra.local.events import service as events
from infra.local.lab.handshake import connect
from infra.local.lab.pki import Client
from tests.support.workflow import Execution, Workflow


class Live:
    """A stack whose rules are on, and what people and programs are told."""

    def __init__(self, workflow: Workflow) -> None:
        """Listen on the topic and on the bus."""
        self.workflow, self.aws, self.lab = workflow, workflow.aws, workflow.lab
        sqs = self.aws.client("sqs")
        self.people = sqs.create_queue(QueueName="people")["QueueUrl"]
        self.programs = sqs.create_queue(QueueName="programs")["QueueUrl"]
        self._listen()

    def _listen(self) -> None:
        sqs, outputs = self.aws.client("sqs"), self.lab.outputs
        arns = [
            f"arn:aws:sqs:{self.aws.settings.region}:{self.aws.settings.account_id}:{n}" for n in ("people", "programs")
        ]
        everybody = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{**everybody, "Resource": arns[1]}]})
        sqs.set_queue_attributes(QueueUrl=self.programs, Attributes={"Policy": policy})
        self.aws.client("sns").subscribe(TopicArn=outputs["NotificationTopicArn"], Protocol="sqs", Endpoint=arns[0])
        bus, client = outputs["EventBusName"], self.aws.client("events")
        client.put_rule(Name="listen", EventBusName=bus, EventPattern='{"source": ["mtls-revocation"]}')
        client.put_targets(Rule="listen", EventBusName=bus, Targets=[{"Id": "1", "Arn": arns[1]}])

    def heard(self, queue: str) -> list[dict[str, Any]]:
        """Take all messages out of a queue."""
        found: list[dict[str, Any]] = []
        while (
            got := self.aws.client("sqs")
            .receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            .get("Messages")
        ):
            for message in got:
                self.aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                found.append({**json.loads(message["Body"]), "Attributes": message.get("MessageAttributes", {})})
        return found

    @property
    def subjects(self) -> list[str]:
        """The subjects of what people were told since this was asked last."""
        return [each["Subject"] for each in self.heard(self.people)]

    def started_by(self, act: Callable[[], object], number: int = 1) -> list[Execution]:
        """Do something and wait for the executions that it starts."""
        before = set(self.workflow.executions())
        act()
        ended = [self.workflow.wait(arn) for arn in self.workflow.wait_for_start(before, number)]
        events.settle(30)
        return ended

    def ask(self, **detail: object) -> None:
        """Put an event on the bus that asks for a revocation."""
        entry = {
            "Source": "test",
            "DetailType": "Client Certificate Revocation Requested",
            "Detail": json.dumps(detail),
        }
        bus = self.lab.outputs["EventBusName"]
        told = self.aws.client("events").put_events(Entries=[{**entry, "EventBusName": bus}])
        assert told["FailedEntryCount"] == 0

    def accepted(self, client: Client) -> bool:
        """Shake hands with the listener."""
        return connect(self.lab.listener.port, client.certificate, client.key, self.lab.ca_file).accepted

    def reconcile(self) -> Execution:
        """Fire the schedule, and wait for the execution."""
        return self.started_by(events.fire_schedules_now)[0]
