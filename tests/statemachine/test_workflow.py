"""The workflow as its user meets it: revoked, in the CRL, attached, read back, refused."""

from tests.workflow import Workflow


def test_a_certificate_is_revoked_attached_and_read_back(workflow: Workflow) -> None:
    """The execution succeeds when the trust store holds the serial, and its report says so."""
    client, other = workflow.clients(2)
    execution = workflow.run(client)
    assert execution.status == "SUCCEEDED"
    assert client.serial in workflow.held()
    assert other.serial not in workflow.held()
    assert execution.report["Summary"]["Enforced"] == 1
    assert execution.report["TrustStores"][0]["Proven"] == "attached and read back"
    assert execution.report["TrustStores"][0]["CountRose"]


def test_the_same_input_again_changes_nothing_and_does_not_wait(workflow: Workflow) -> None:
    """A second run finds the serials in the CRL at once, and leaves the trust store as it is."""
    (client,) = workflow.clients(1)
    workflow.run(client)
    before = workflow.lists().keys()
    again = workflow.run(client)
    assert again.status == "SUCCEEDED"
    assert "WaitForCrl" not in again.states
    assert workflow.lists().keys() == before
    assert again.report["TrustStores"][0]["AddedRevocationIds"] == []
    assert list(again.outcomes.values()) == ["ALREADY_REVOKED"]
