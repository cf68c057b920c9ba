"""The history of an execution is read, whole."""

import boto3
import pytest

from functions.aws import stepfunctions
from functions.errors import AwsCallRefused
from infra.local.server import EmbeddedAws
from tests.support import sandbox


@pytest.fixture
def history_of(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """Return an embedded AWS that the functions call."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    stepfunctions._stepfunctions.cache_clear()  # noqa: SLF001 - a client of another AWS
    return aws


def test_events_of_an_execution(history_of: EmbeddedAws) -> None:
    """The events come in their order."""
    execution = sandbox.run(history_of, {"Only": {"Type": "Pass", "End": True}})
    events = list(stepfunctions.get_execution_history(execution["executionArn"]))
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


def test_unknown_execution(history_of: EmbeddedAws) -> None:
    """The error names the execution."""
    arn = f"arn:aws:states:{history_of.settings.region}:{history_of.settings.account_id}:execution:none:none"
    with pytest.raises(AwsCallRefused, match=r"GetExecutionHistory on .*:none was refused: ExecutionDoesNotExist"):
        list(stepfunctions.get_execution_history(arn))
