"""Rules with a schedule fire when AWS would, or as much sooner as a setting says."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from infra.local.events import service as events
from infra.local.events.schedule import next_due
from infra.local.server import EmbeddedAws
from tests.support import event_bridge
from tests.support.waiting import eventually

START = datetime(2025, 1, 1, 12, 0, 30, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("rate(1 minute)", "2025-01-01 12:01:30"),
        ("rate(5 hours)", "2025-01-01 17:00:30"),
        ("rate(2 days)", "2025-01-03 12:00:30"),
        ("cron(* * * * ? *)", "2025-01-01 12:01:00"),
        ("cron(0/15 * * * ? *)", "2025-01-01 12:15:00"),
        ("cron(15 10 * * ? *)", "2025-01-02 10:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2025-01-01 18:00:00"),
        ("cron(0 8 1 * ? *)", "2025-02-01 08:00:00"),
        ("cron(0 9 ? * 2#1 *)", "2025-01-06 09:00:00"),
        ("cron(0 9 ? * SAT,sun *)", "2025-01-04 09:00:00"),
        ("cron(0 9 ? * 6L *)", "2025-01-31 09:00:00"),
        ("cron(0 9 L 2 ? *)", "2025-02-28 09:00:00"),
        ("cron(0 9 15W 2 ? *)", "2025-02-14 09:00:00"),
        ("cron(0 9 16W 2 ? *)", "2025-02-17 09:00:00"),
        ("cron(0 9 1W 2 ? *)", "2025-02-03 09:00:00"),
        ("cron(0 9 31W 8 ? *)", "2025-08-29 09:00:00"),
        ("cron(0 9 31W 4,5 ? *)", "2025-05-30 09:00:00"),
        ("cron(0 9 29 2 ? *)", "2028-02-29 09:00:00"),
        ("cron(5-10/5,40 8-20/4 ? JAN-MAR 4 2025-2027)", "2025-01-01 12:05:00"),
        ("cron(0 0 1 1 ? 2030)", "2030-01-01 00:00:00"),
    ],
)
def test_when_a_schedule_is_due(expression: str, following: str) -> None:
    """The next time after the first of January 2025, 12:00:30."""
    due = next_due(expression, START)
    assert due == datetime.strptime(following, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def test_a_schedule_may_never_be_due_again() -> None:
    """Its only year has passed."""
    assert next_due("cron(0 0 1 1 ? 2024)", START) is None


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(1 hours)",
        "rate(2 hour)",
        "rate(hour)",
        "rate(1 second)",
        "every hour",
        "cron(0 12 * * *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(60 12 * * ? *)",
        "cron(0 12 ? * MON#6 *)",
        "cron(0/0 12 * * ? *)",
        "cron(0 12 x * ? *)",
    ],
)
def test_an_invalid_expression_is_refused(aws: EmbeddedAws, expression: str) -> None:
    """PutRule refuses it."""
    with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
        aws.client("events").put_rule(Name="rule", ScheduleExpression=expression)


def test_a_schedule_fires_again_and_again(aws: EmbeddedAws) -> None:
    """Each time the target receives AWS's event; here an hour takes a fraction of a second."""
    aws.settings.events.schedule_scale = 1 / timedelta(hours=1).total_seconds()
    arn = event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, ScheduleExpression="rate(1 hour)")
    fired = [eventually(lambda: event_bridge.bodies(aws) or None)[0] for _ in range(2)]
    for event in fired:
        assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
        assert event["resources"] == [arn]
    assert fired[0]["id"] != fired[1]["id"]


def test_schedules_can_be_fired_at_once(aws: EmbeddedAws) -> None:
    """Disabled rules and rules without a schedule do not fire."""
    noon = "cron(0 12 * * ? *)"
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws, "on")}, name="on", ScheduleExpression=noon)
    disabled = {"Arn": event_bridge.queue(aws, "off")}
    event_bridge.rule(aws, disabled, name="off", ScheduleExpression="rate(1 day)", State="DISABLED")
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws, "pattern")}, name="pattern")
    events.fire_schedules_now()
    assert [len(event_bridge.bodies(aws, name)) for name in ("on", "off", "pattern")] == [1, 0, 0]


def test_a_changed_schedule_replaces_the_old_one(aws: EmbeddedAws) -> None:
    """The rule fires only by its new schedule."""
    rules = events.backend_of(aws.settings.account_id, aws.settings.region).event_buses["default"].rules
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, name="rule", ScheduleExpression="rate(1 hour)")
    old = rules["rule"]
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, name="rule", ScheduleExpression="rate(2 hours)")
    for rule, fired in ((old, 0), (rules["rule"], 1)):
        events._fire_when_due(rule)  # noqa: SLF001 - as the schedule does when its hour is over
        events.wait_until_delivered()
        assert len(event_bridge.bodies(aws)) == fired


def test_a_rule_without_a_pattern_receives_no_events(aws: EmbeddedAws) -> None:
    """In moto a missing pattern matches everything."""
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, ScheduleExpression="rate(1 day)")
    event_bridge.put(aws)
    assert event_bridge.bodies(aws) == []
