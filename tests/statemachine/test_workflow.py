"""The workflow as its user meets it: revoked, in the CRL, attached, read back, refused."""

from tests.support.workflow import Workflow


def test_certificate_is_revoked_attached_and_read_back(workflow: Workflow) -> None:
    """The execution succeeds when the trust store holds the serial, and its report says so."""
    client, other = workflow.clients(2)
    execution = workflow.run(client)
    assert execution.status == "SUCCEEDED"
    assert client.serial in workflow.held()
    assert other.serial not in workflow.held()
    assert execution.report["Summary"]["Enforced"] == 1
    assert execution.report["TrustStores"][0]["Proven"] == "attached and read back"
    assert execution.report["TrustStores"][0]["CountRose"]


def test_same_input_again_changes_nothing(workflow: Workflow) -> None:
    """The second execution finds the serials in the CRL at once, and leaves the trust store as it is."""
    (client,) = workflow.clients(1)
    workflow.run(client)
    before = workflow.lists().keys()
    again = workflow.run(client)
    assert again.status == "SUCCEEDED"
    assert "WaitForCrl" not in again.states
    assert workflow.lists().keys() == before
    assert again.report["TrustStores"][0]["AddedRevocationIds"] == []
    assert list(again.outcomes.values()) == ["ALREADY_REVOKED"]


def test_two_concurrent_executions_leave_one_list(workflow: Workflow) -> None:
    """There is no lock: both wait for their CRL, and one list of the CA remains, with the serials of both."""
    first, second = workflow.clients(2)
    executions = [workflow.wait(each) for each in (workflow.start(first), workflow.start(second))]
    assert [execution.status for execution in executions] == ["SUCCEEDED", "SUCCEEDED"]
    assert len(workflow.lists()) == 1
    assert {first.serial, second.serial} <= workflow.held()
