"""A handler takes JSON, returns JSON, and writes one log line without personal data or serial numbers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from functions.errors import CrlExpired
from functions.handler import lambda_handler
from functions.models.base import Model, S3Object, Serial
from functions.models.states import StepResult

SERIAL = "aa:bb:cc:dd"
MANIFEST = {"Bucket": "b", "Key": "executions/one/manifest.json", "VersionId": "1"}


class ExampleEvent(Model):
    """The event of this file's steps."""

    manifest: S3Object | None = None
    serial: Serial = 1
    requested_by: str | None = None
    fault: str | None = None


class TimedResult(StepResult):
    """A result with times."""

    serial: Serial
    nothing: str | None = None


class UntimedResult(Model):
    """A result without times."""

    serial: Serial


def timed_step(event: ExampleEvent, now: datetime) -> TimedResult:
    """Return the serial, or raise what the event requests."""
    assert now.tzinfo is UTC
    if event.fault == "expired":
        raise CrlExpired(f"serial {event.serial}")
    if event.fault:
        raise KeyError(event.fault)
    return TimedResult(serial=event.serial)


def untimed_step(event: ExampleEvent, _now: datetime) -> UntimedResult:
    """Return the serial without times."""
    return UntimedResult(serial=event.serial)


handler = lambda_handler(timed_step)


def log_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one line that was logged."""
    (line,) = capsys.readouterr().out.splitlines()
    fields: dict[str, Any] = json.loads(line)
    return fields


def test_json_in_and_out() -> None:
    """Names are written as AWS does, serials as text, None is left out, and the times are the step's own."""
    result = handler({"Manifest": MANIFEST, "Serial": "00:12"}, None)
    assert result.keys() == {"Serial", "StartedAt", "FinishedAt"}
    assert result["Serial"] == "00:12"
    assert datetime.fromisoformat(result["StartedAt"]) <= datetime.fromisoformat(result["FinishedAt"])
    assert json.loads(json.dumps(result)) == result


def test_result_without_times() -> None:
    """A result that is not a Step has no times: 500 of them stand side by side in the state."""
    assert lambda_handler(untimed_step)({"Serial": "00:12"}, None) == {"Serial": "00:12"}


def test_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the step and its outcome, and neither the serial nor the requester."""
    handler({"Manifest": MANIFEST, "Serial": SERIAL, "RequestedBy": "ann"}, None)
    logged = log_line(capsys)
    assert {**logged, "Milliseconds": 0} == {
        "Step": "timed_step",
        "Outcome": "done",
        "Milliseconds": 0,
    }
    assert SERIAL not in str(logged)
    assert "ann" not in str(logged)


def test_named_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The outcome is the error's class name; its message, which may hold a serial, is not logged."""
    with pytest.raises(CrlExpired):
        handler({"Manifest": MANIFEST, "Serial": SERIAL, "Fault": "expired"}, None)
    logged = log_line(capsys)
    assert logged["Outcome"] == "CrlExpired"
    assert SERIAL not in str(logged)


def test_unexpected_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of another kind is logged as unexpected."""
    with pytest.raises(KeyError):
        handler({"Fault": SERIAL}, None)
    assert log_line(capsys)["Outcome"] == "unexpected error"


@pytest.mark.parametrize(
    "event", [None, [], "text", {"Manifest": "no"}, {"Manifest": None}, {"Unknown": 1}, {"Serial": SERIAL, "X": 1}]
)
def test_event_of_another_shape(event: object, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused, and the line is written nevertheless."""
    if event == {"Manifest": None}:
        handler(event, None)
    else:
        with pytest.raises(ValidationError):
            handler(event, None)
    logged = log_line(capsys)
    assert logged["Step"] == "timed_step"
    assert SERIAL not in str(logged)
