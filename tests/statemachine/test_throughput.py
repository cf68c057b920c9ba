"""Long lists of serials: Private CA's quota of calls a second, and the size of a state's payload."""

import pytest

from functions import limits
from functions.pki import serial_number
from tests.support.workflow import REVOKE, Workflow, calls_of

SERIALS = 200


@pytest.mark.slow("200 executions of a function, some of them refused")
def test_quota_is_used_without_many_refused_calls(workflow: Workflow) -> None:
    """Two hundred serials, faster than Private CA allows: all are enforced, and few calls are repeated."""
    private_ca = workflow.aws.settings.private_ca
    private_ca.revocations_per_second, private_ca.revocation_burst = 25, 20
    calls = calls_of(REVOKE)
    serials = workflow.issue_serials(SERIALS)
    execution = workflow.wait(workflow.start(*map(serial_number.to_hex, serials), seconds=120))
    assert execution.status == "SUCCEEDED"
    assert list(execution.outcomes.values()) == ["REVOKED"] * SERIALS
    assert set(serials) <= workflow.held()
    assert len(calls) <= 1.5 * SERIALS


@pytest.mark.slow("500 executions of a function")
def test_longest_inline_list_fits_the_payload(workflow: Workflow) -> None:
    """500 serials of 20 octets, all of them failing, stay below 256 KiB and end in a complete report."""
    workflow.aws.settings.private_ca.revocations_per_second = workflow.aws.settings.private_ca.revocation_burst = 1_000
    serials = [f"0x{(1 << 159) + number:x}" for number in range(limits.MAX_INLINE_SERIALS)]
    execution = workflow.wait(workflow.start(*serials))
    assert execution.error == "SerialsNotRevoked"
    assert len(execution.outcomes) == limits.MAX_INLINE_SERIALS
    assert set(execution.outcomes.values()) == {"FAILED"}
    assert "WaitForCrl" not in execution.states
    largest = max(len(event.get("stateEnteredEventDetails", {}).get("input", "")) for event in execution.history)
    assert largest < 172 * 1024
