"""Implement EventBridge on moto's back end, so that buses, rules and schedules really deliver.

moto 5.2.5 stores rules and targets, answers 500 if the target is a state machine, sends `time` as a number, fires no
schedule and drops failed deliveries. Here every delivery has its retries and its dead-letter queue.
"""

# mypy: disable-error-code="override"
# moto's own methods return JSON text; these return ActionResult, as moto's newer services do.

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, cast
from uuid import uuid4

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.events import urls
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends
from moto.events.responses import EventsHandler

from infra.local.core.background import BackgroundQueue
from infra.local.core.settings import Settings
from infra.local.events.delivery import Delivery
from infra.local.events.pattern import matches, parse_pattern
from infra.local.events.schedule import next_due
from infra.local.events.targets import SERVICE, SERVICES, SERVICES_WITH_ROLE, Sender, service_of
from infra.local.iam import enforcement
from infra.local.iam.role_clients import RoleClients

SHORTEST_SCHEDULE_SECONDS = 0.05  # a scaled schedule must leave time for other work

_MAX_TARGETS = 5  # of a rule


@dataclass
class _State:
    settings: Settings = field(default_factory=Settings)
    clients: RoleClients | None = None
    sender: Sender | None = None
    queue: BackgroundQueue = field(default_factory=lambda: BackgroundQueue("event deliveries"))


_state = _State()


class EventBridgeBackend(EventsBackend):
    """The buses of one account and Region."""

    settings: ClassVar[Settings]
    _url_module = urls  # moto would look next to this module

    def put_rule(self, name: str, **more: Any) -> Rule:  # noqa: ANN401 - moto's own arguments
        """Create or change a rule, and start its schedule."""
        if more.get("event_pattern"):
            parse_pattern(more["event_pattern"])
        if more.get("scheduled_expression"):
            try:
                next_due(more["scheduled_expression"], datetime.now(UTC))
            except ValueError as error:
                raise ValidationException("Parameter ScheduleExpression is not valid.") from error
        if more.get("role_arn"):
            enforcement.require("iam:PassRole", more["role_arn"])
        rule: Rule = super().put_rule(name, **more)
        _schedule(rule)
        return rule

    def put_targets(self, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        """Add targets to a rule, five at most (aws: eb-quota); refuse those that are not available here."""
        rule = self.describe_rule(name, event_bus_arn)
        if len({each["Id"] for each in (*rule.targets, *targets)}) > _MAX_TARGETS:
            raise JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        for target in targets:
            arn, role_arn = target["Arn"], target.get("RoleArn")
            if arn.count(":") < len(("arn", "aws", "service", "region", "account")):
                raise ValidationException(
                    f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
                )
            if service_of(arn) not in SERVICES:
                raise ValidationException(f"Targets like {arn} are not available here, only {SERVICES}")
            if service_of(arn) in SERVICES_WITH_ROLE and not role_arn:
                raise ValidationException(f"RoleArn is required for target {arn}.")
            if role_arn:
                enforcement.require("iam:PassRole", role_arn)
            _check_input(target)
        super().put_targets(name, event_bus_arn, targets)

    def create_archive(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - moto's
        """Refuse: nothing is archived here."""
        raise NotImplementedError("archives")

    def put_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Publish the account's own events; each is accepted or refused by itself."""
        limit = 10
        if len(events) > limit:
            raise ValidationException(
                f"1 validation error detected: Value '[{len(events)} entries]' at 'entries' failed to satisfy "
                f"constraint: Member must have length less than or equal to {limit}"
            )
        return [self._put_event(entry) for entry in events]

    def _put_event(self, entry: Mapping[str, Any]) -> dict[str, str]:
        name = self._normalize_event_bus_arn(entry.get("EventBusName") or "default")
        enforcement.require(
            "events:PutEvents", f"arn:{self.partition}:events:{self.region_name}:{self.account_id}:event-bus/{name}"
        )
        for parameter in ("Source", "DetailType", "Detail"):
            if not entry.get(parameter):
                reason = f"Parameter {parameter} is not valid. Reason: {parameter} is a required argument."
                return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
        if entry["Source"].startswith("aws."):
            return {"ErrorCode": "NotAuthorizedForSource", "ErrorMessage": "Not authorized for the source."}
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        moment = datetime.fromtimestamp(float(entry["Time"]), UTC) if entry.get("Time") else None
        # An event for a bus that does not exist is accepted, and not delivered.
        return {
            "EventId": self.publish(
                entry["Source"], entry["DetailType"], entry.get("Resources", []), detail, bus=name, moment=moment
            )
        }

    def publish(  # noqa: PLR0913 - an event's own fields
        self,
        source: str,
        detail_type: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
        *,
        bus: str = "default",
        moment: datetime | None = None,
    ) -> str:
        """Put an event on a bus and return its id; it is delivered in the background."""
        event = self.event(source, detail_type, resources, detail, moment)
        rules = list(self.event_buses[bus].rules.values()) if bus in self.event_buses else []
        for rule in rules:
            if rule.state.startswith("ENABLED") and matches(rule.event_pattern, event):
                deliver(rule, event)
        return str(event["id"])

    def event(
        self,
        source: str,
        detail_type: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
        moment: datetime | None = None,
    ) -> dict[str, Any]:
        """Return an event with the common fields, in AWS's order."""
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self.account_id,
            "time": iso(moment or datetime.now(UTC)),
            "region": self.region_name,
            "resources": list(resources),
            "detail": dict(detail),
        }

    def fire(self, rule: Rule) -> None:
        """Send the event of a schedule to a rule's targets, if it is enabled."""
        if rule.state.startswith("ENABLED"):
            deliver(rule, self.event("aws.events", "Scheduled Event", [rule.arn], {}))


class EventBridgeHandler(EventsHandler):
    """The API action that moto does not implement."""

    def test_event_pattern(self) -> ActionResult:
        """Return whether a pattern matches an event."""
        pattern = parse_pattern(self._get_param("EventPattern"))
        return ActionResult({"Result": matches(pattern, json.loads(self._get_param("Event")))})


def _check_input(target: Mapping[str, Any]) -> None:
    try:
        json.loads(target.get("Input", "null"))
    except ValueError:
        message = f"JSON syntax error in input for target {target['Id']}"
        raise ValidationException(message) from None


def iso(moment: datetime) -> str:
    """Return a time as events have it: in whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deliver(rule: Rule, event: Mapping[str, Any]) -> None:
    """Send an event to each target of a rule, in the background."""
    if _state.sender is None:
        return
    ingested = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reserved = {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": ingested,
    }
    for target in list(rule.targets):
        delivery = Delivery(_state.sender, _state.queue, _state.settings, event, dict(target), rule.arn, reserved)
        _state.queue.add(delivery.attempt)


def _schedule(rule: Rule) -> None:
    """Fire a rule when its schedule is next due, and from then on."""
    if not rule.scheduled_expression:
        return
    now = datetime.now(UTC)
    due = next_due(rule.scheduled_expression, now)
    if due is not None:
        seconds = (due - now).total_seconds() * _state.settings.events.schedule_scale
        work = partial(_fire_when_due, rule)
        _state.queue.add(work, max(SHORTEST_SCHEDULE_SECONDS, seconds), is_awaited=False)


def _fire_when_due(rule: Rule) -> None:
    backend = backend_of(rule.account_id, rule.region_name)
    if backend.event_buses["default"].rules.get(rule.name) is rule:  # neither deleted nor replaced
        backend.fire(rule)
        _schedule(rule)


def backend_of(account_id: str, region_name: str) -> EventBridgeBackend:
    """Return the buses of an account and Region."""
    return cast("EventBridgeBackend", events_backends[account_id][region_name])


def publish(
    region_name: str, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]
) -> None:
    """Put an AWS service's event on the account's default bus."""
    if _state.sender is not None:
        backend_of(_state.settings.account_id, region_name).publish(source, detail_type, resources, detail)


def fire_schedules_now() -> None:
    """Fire every enabled rule that has a schedule, due or not; for tests and the command line."""
    backend = backend_of(_state.settings.account_id, _state.settings.region)
    for rule in list(backend.event_buses["default"].rules.values()):
        if rule.scheduled_expression:
            backend.fire(rule)


def wait_until_delivered(seconds: float = 300) -> None:
    """Wait until every event is delivered or dropped, retries included.

    Raises:
        TimeoutError: it takes longer than `seconds`.

    """
    _state.queue.wait(seconds)


def install(settings: Settings, endpoint_url: str) -> None:
    """Replace moto's EventBridge with this one; call it before the server starts."""
    EventBridgeBackend.settings = settings
    _state.settings = settings
    _state.clients = RoleClients(endpoint_url, SERVICE)
    _state.sender = Sender(settings, _state.clients)
    events_backends.backend = EventBridgeBackend
    events_backends.clear()
    urls.url_paths["{0}/"] = EventBridgeHandler.dispatch


def stop() -> None:
    """Drop all deliveries, and accept none until `start`."""
    _state.queue.stop()


def start() -> None:
    """Restart without leftover threads or clients."""
    _state.queue.restart()
    if _state.clients is not None:
        _state.clients.clear()
