"""Long lists of serials: Private CA's quota of calls a second, and the size of a state's payload."""

from functions import limits
from tests.support.workflow import Workflow

SERIALS = 200
# Half of what Private CA allows, so that the quota is the limit on a busy machine too.
PER_SECOND = 10
# The bucket holds 20 calls at the start.
QUOTA_SECONDS = (SERIALS - 20) / PER_SECOND


def test_two_hundred_serials_are_enforced_in_time(workflow: Workflow) -> None:
    """All are in the trust store, after at most one and a half times the seconds that the quota allows."""
    workflow.aws.settings.private_ca.revocations_per_second = PER_SECOND
    clients = workflow.clients(SERIALS)
    execution = workflow.wait(workflow.start(*clients, seconds=60), seconds=300)
    assert execution.status == "SUCCEEDED"
    assert list(execution.outcomes.values()) == ["REVOKED"] * SERIALS
    assert {client.serial for client in clients} <= workflow.held()
    times = {event["type"]: event["timestamp"] for event in execution.history if event["type"].startswith("MapState")}
    map_began = next(e["timestamp"] for e in execution.history if e["type"] == "MapStateStarted")
    map_ended = next(e["timestamp"] for e in execution.history if e["type"] == "MapStateSucceeded")
    assert (map_ended - map_began).total_seconds() <= 1.5 * QUOTA_SECONDS, times


def test_longest_inline_list_fits_the_payload(workflow: Workflow) -> None:
    """500 serials of 20 octets, all of them failing, stay below 256 KiB and end in a complete report."""
    workflow.aws.settings.private_ca.revocations_per_second = workflow.aws.settings.private_ca.revocation_burst = 1_000
    serials = [f"0x{(1 << 159) + number:x}" for number in range(limits.MAX_INLINE_SERIALS)]
    execution = workflow.wait(workflow.start(*serials), seconds=300)
    assert execution.error == "SerialsNotRevoked"
    assert len(execution.outcomes) == limits.MAX_INLINE_SERIALS
    assert set(execution.outcomes.values()) == {"FAILED"}
    assert "WaitForCrl" not in execution.states
    largest = max(len(event.get("stateEnteredEventDetails", {}).get("input", "")) for event in execution.history)
    assert largest < 172 * 1024
