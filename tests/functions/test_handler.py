"""A handler takes JSON, gives JSON, and writes one line that gives nobody away."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from functions.errors import CrlExpired
from functions.handler import lambda_handler
from functions.models.base import Model, S3Object, Serial
from functions.models.states import Step

SERIAL = "aa:bb:cc:dd"
MANIFEST = {"Bucket": "b", "Key": "executions/one/manifest.json", "VersionId": "1"}


class Question(Model):
    """What the steps of this file get."""

    manifest: S3Object | None = None
    serial: Serial = 1
    requested_by: str | None = None
    fault: str | None = None


class Answer(Step):
    """What they answer."""

    serial: Serial
    nothing: str | None = None


class Small(Model):
    """An answer without times."""

    serial: Serial


def answer_it(question: Question, now: datetime) -> Answer:
    """Answer, or fail as asked."""
    assert now.tzinfo is UTC
    if question.fault == "expired":
        raise CrlExpired(f"serial {question.serial}")
    if question.fault:
        raise KeyError(question.fault)
    return Answer(serial=question.serial)


def answer_small(question: Question, _now: datetime) -> Small:
    """Answer without times."""
    return Small(serial=question.serial)


handler = lambda_handler(answer_it)


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Give the one line that was logged."""
    (logged,) = capsys.readouterr().out.splitlines()
    read: dict[str, Any] = json.loads(logged)
    return read


def test_json_in_and_out() -> None:
    """Names are AWS's, serials text, what is none is left out, and the times are the step's own."""
    answer = handler({"Manifest": MANIFEST, "Serial": "00:12"}, None)
    assert answer.keys() == {"Serial", "StartedAt", "FinishedAt"}
    assert answer["Serial"] == "00:12"
    assert datetime.fromisoformat(answer["StartedAt"]) <= datetime.fromisoformat(answer["FinishedAt"])
    assert json.loads(json.dumps(answer)) == answer


def test_answer_without_times() -> None:
    """An answer of which 500 stand side by side has none."""
    assert lambda_handler(answer_small)({"Serial": "00:12"}, None) == {"Serial": "00:12"}


def test_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The line tells executions apart, and says nothing of what they are about."""
    handler({"Manifest": MANIFEST, "Serial": SERIAL, "RequestedBy": "ann"}, None)
    logged = line(capsys)
    assert {**logged, "Milliseconds": 0} == {
        "Step": "answer_it",
        "Outcome": "done",
        "Milliseconds": 0,
    }
    assert SERIAL not in str(logged)
    assert "ann" not in str(logged)


def test_named_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The name of the error is the outcome, and what it says is not logged here."""
    with pytest.raises(CrlExpired):
        handler({"Manifest": MANIFEST, "Serial": SERIAL, "Fault": "expired"}, None)
    logged = line(capsys)
    assert logged["Outcome"] == "CrlExpired"
    assert SERIAL not in str(logged)


def test_error_that_is_none_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that nobody foresaw is not logged as done."""
    with pytest.raises(KeyError):
        handler({"Fault": SERIAL}, None)
    assert line(capsys)["Outcome"] == "not foreseen"


@pytest.mark.parametrize(
    "event", [None, [], "text", {"Manifest": "no"}, {"Manifest": None}, {"Unknown": 1}, {"Serial": SERIAL, "X": 1}]
)
def test_event_that_does_not_fit(event: object, capsys: pytest.CaptureFixture[str]) -> None:
    """An event of another shape is refused, and the line is written all the same."""
    if event == {"Manifest": None}:
        handler(event, None)
    else:
        with pytest.raises(ValidationError):
            handler(event, None)
    logged = line(capsys)
    assert logged["Step"] == "answer_it"
    assert SERIAL not in str(logged)
