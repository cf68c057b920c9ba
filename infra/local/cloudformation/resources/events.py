"""How event buses and rules of the template are created."""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, ResourceType


def _create_event_bus(aws: Aws, properties: Properties) -> Resource:
    name = properties.take("Name")
    arn = aws.client("events").create_event_bus(
        Name=name, Tags=properties.take_tag_list(), **properties.take_present("Description")
    )["EventBusArn"]
    return Resource(name, {"Arn": arn, "Name": name})


def _create_rule(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("events")
    name = properties.take("Name") or properties.generate_name(64)
    bus = properties.take("EventBusName", "default")
    pattern = properties.take("EventPattern")
    arn = client.put_rule(
        Name=name,
        EventBusName=bus,
        Tags=properties.take_tag_list(),
        **({"EventPattern": json.dumps(pattern)} if pattern else {}),
        **properties.take_present("Description", "RoleArn", "ScheduleExpression", "State"),
    )["RuleArn"]
    if targets := [_target(target) for target in properties.take("Targets", [])]:
        client.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    bus_name = bus.rpartition("/")[2]
    return Resource(name if bus_name == "default" else f"{bus_name}|{name}", {"Arn": arn})


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target for PutTargets; a template may hold its numbers as strings."""
    if "RetryPolicy" not in target:
        return dict(target)
    return {**target, "RetryPolicy": {name: int(value) for name, value in target["RetryPolicy"].items()}}


def _delete_rule(aws: Aws, resource: Resource) -> None:
    client, (bus, _, name) = aws.client("events"), resource.ref.rpartition("|")
    where = {"Rule": name, "EventBusName": bus or "default"}
    if ids := [target["Id"] for target in client.list_targets_by_rule(**where)["Targets"]]:
        client.remove_targets(**where, Ids=ids)
    client.delete_rule(Name=name, EventBusName=bus or "default")


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::Events::EventBus": ResourceType(
        _create_event_bus, lambda aws, resource: aws.client("events").delete_event_bus(Name=resource.ref)
    ),
    "AWS::Events::Rule": ResourceType(_create_rule, _delete_rule),
}
