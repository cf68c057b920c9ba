"""Least privilege: what the functions do is within their roles, and nothing is allowed that is never used."""

import threading
from collections.abc import Callable

from infra.local import acm_pca, elbv2, faults, iam
from tests.workflow import Workflow

ADD = "elasticloadbalancing:AddTrustStoreRevocations"
REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"


def once_before(wanted: str, arn: str, act: Callable[[], object]) -> None:
    """Have somebody else act on a trust store just before a call of this action is carried out."""
    once = threading.Lock()

    def observer(action: str, resource: str) -> None:
        if (action, resource) == (wanted, arn) and once.acquire(blocking=False):
            act()

    faults.observe(observer)


def delete_the_winner(arn: str) -> None:
    """Remove the list in force, which no execution would do."""
    store = elbv2.trust_store(arn)
    store.remove([max(each.revocation_id for each in store.visible)])


def test_every_permission_is_used_and_no_other_is_needed(workflow: Workflow) -> None:
    """All paths of the steps together use all that the template allows; a call beyond it would be denied."""
    authority = workflow.authority
    workflow.trust_store_arn = arn = workflow.lab.trust_store_arn  # it hangs on a load balancer
    clients = workflow.clients(6)

    workflow.aws.settings.private_ca.crl_publication = False
    workflow.delete_crl()  # its absence must be a 404
    running = workflow.start(clients[0], seconds=30)
    workflow.reaches(running, "WaitForCrl")
    workflow.aws.settings.private_ca.crl_publication = True
    acm_pca.publish_now(authority.arn)
    assert workflow.ended(running).status == "SUCCEEDED"
    assert workflow.run(clients[0]).outcomes.popitem()[1] == "ALREADY_REVOKED"  # has it expired?

    while len(elbv2.trust_store(arn).visible) < 30:  # leftovers, which AttachCrl removes
        workflow.attach(acm_pca.publish_now(authority.arn))
    assert workflow.run(clients[1]).status == "SUCCEEDED"

    once_before(REMOVE, arn, lambda: delete_the_winner(arn))  # RemoveSupersededCrls adds it again
    execution = workflow.run(clients[2])
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("VerifyRevocation") == 2

    once_before(ADD, arn, lambda: workflow.attach(acm_pca.publish_now(authority.arn)))  # a peer supersedes us
    assert workflow.run(clients[3]).status == "SUCCEEDED"

    workflow.aws.settings.private_ca.crl_publication = False
    running = workflow.start(*clients[4:], seconds=30)
    workflow.reaches(running, "WaitForCrl")
    acm_pca.publish_now(authority.arn, serials=workflow.held() | {clients[4].serial})  # one of two
    workflow.reaches(running, "AreSerialsMissing")
    acm_pca.publish_now(authority.arn)
    assert workflow.ended(running).status == "SUCCEEDED"

    assert {client.serial for client in clients} <= workflow.held()
    assert iam.unused() == set()
