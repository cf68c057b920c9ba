"""PutEvents is checked event by event."""

import pytest

from functions.aws import events
from functions.environment import environment
from functions.errors import AwsCallRefused


@pytest.mark.usefixtures("receive_messages")
def test_event_that_is_not_accepted() -> None:
    """An event that EventBridge does not accept raises an error although the call succeeds."""
    with pytest.raises(AwsCallRefused, match="did not accept the event"):
        events.put_event(environment().event_bus_name, "aws.forged", "x", {"y": 1})
