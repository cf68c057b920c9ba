"""A stack whose rules are enabled, for tests of what events and schedules start."""

import json
from collections.abc import Callable
from typing import Any

from infra.local.events import service as events
from infra.local.lab.handshake import connect
from infra.local.lab.pki import Client
from tests.support import event_bridge
from tests.support.workflow import Execution, Workflow


class LiveStack:
    """A stack whose rules are enabled, with a queue for its notifications and one for its events."""

    def __init__(self, workflow: Workflow) -> None:
        """Subscribe to the topic and to the bus."""
        self.workflow, self.aws, self.lab = workflow, workflow.aws, workflow.lab
        self._subscribe_to_topic()
        self._subscribe_to_bus()

    def _subscribe_to_topic(self) -> None:
        self.aws.client("sqs").create_queue(QueueName="notifications")
        arn = f"arn:aws:sqs:{self.aws.settings.region}:{self.aws.settings.account_id}:notifications"
        topic = self.lab.outputs["NotificationTopicArn"]
        self.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def _subscribe_to_bus(self) -> None:
        event_bridge.rule(
            self.aws,
            {"Arn": event_bridge.queue(self.aws, "events")},
            name="listen",
            pattern={"source": ["mtls-revocation"]},
            bus=self.lab.outputs["EventBusName"],
        )

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """Receive and delete all messages of a queue: their JSON, with their attributes as `Attributes`."""
        return [
            {**json.loads(message["Body"]), "Attributes": message.get("MessageAttributes", {})}
            for message in event_bridge.messages(self.aws, queue)
        ]

    def receive_notifications(self) -> list[dict[str, Any]]:
        """Receive what was published to the topic."""
        return self.receive("notifications")

    def receive_subjects(self) -> list[str]:
        """Receive what was published to the topic, and return the subjects."""
        return [each["Subject"] for each in self.receive_notifications()]

    def receive_events(self) -> list[dict[str, Any]]:
        """Receive the events that the workflow put on the bus."""
        return self.receive("events")

    def started_by(self, action: Callable[[], object], number: int = 1) -> list[Execution]:
        """Do something and wait for the end of the executions that it starts."""
        before = set(self.workflow.executions())
        action()
        ended = [self.workflow.wait(arn) for arn in self.workflow.wait_for_start(before, number)]
        events.wait_until_delivered()
        return ended

    def settle(self) -> None:
        """Wait until all events are delivered, and all executions that they have started have ended."""
        while True:
            events.wait_until_delivered()
            running = [arn for arn in self.workflow.executions() if self.workflow.is_running(arn)]
            if not running:
                return
            for arn in running:
                self.workflow.wait(arn)

    def request_revocation(self, **detail: object) -> None:
        """Put an event on the bus that requests a revocation."""
        event_bridge.put(
            self.aws,
            detail,
            Source="test",
            DetailType="Client Certificate Revocation Requested",
            EventBusName=self.lab.outputs["EventBusName"],
        )

    def accepts(self, client: Client) -> bool:
        """Return whether the listener accepts a client in a TLS handshake."""
        return connect(self.lab.listener.port, client.certificate, client.key, self.lab.ca_file).accepted

    def reconcile(self) -> Execution:
        """Fire the schedule, and wait for the execution."""
        return self.started_by(events.fire_schedules_now)[0]
