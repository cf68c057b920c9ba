"""A reconcile makes the trust stores hold the newest CRL, however many start at once and whatever stops one."""

import pytest
from cryptography import x509

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.events import service as events
from tests.statemachine.live_stack import LiveStack
from tests.support.waiting import eventually

ADD, REMOVE = (f"elasticloadbalancing:{each}TrustStoreRevocations" for each in ("Add", "Remove"))


def test_drift_is_corrected(live: LiveStack) -> None:
    """A list removed by hand is restored, another CA's list stays, and a second reconcile does and notifies nothing."""
    store, workflow = live.lab.trust_store_arn, live.workflow
    foreign = workflow.add(workflow.with_key(workflow.create_twin()).crl([1, 2, 3], number=10**15))
    ours = [each for each in workflow.lists() if each != foreign]
    live.aws.client("elbv2").remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=ours)
    execution = live.reconcile()
    assert (execution.status, execution.output["Reconciled"]) == ("SUCCEEDED", "CONFIRMED")
    (drift,) = execution.report["Drift"]["TrustStores"]
    assert drift["Kind"] == "NO_LIST"
    assert foreign in workflow.lists()
    assert len(workflow.lists()) == 2
    assert len(live.receive_subjects()) == 1
    before = workflow.lists().keys()
    again = live.reconcile()
    assert (again.status, again.output["Reconciled"], again.output["Proven"]) == (
        "SUCCEEDED",
        "NONE",
        "attached and read back",
    )
    assert workflow.lists().keys() == before
    assert live.receive_subjects() == []
    live.aws.client("elbv2").remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=[foreign])


def test_lists_that_are_not_attached_any_more_are_replaced(live: LiveStack) -> None:
    """Lists of this CA with a critical number, or without one, were attached once: the newest CRL takes their place."""
    ours = live.workflow.with_key(live.lab.authority)
    live.aws.client("elbv2").remove_trust_store_revocations(
        TrustStoreArn=live.lab.trust_store_arn, RevocationIds=list(live.workflow.lists())
    )
    critical = ours.crl([1, 2], number=None, extensions=[(x509.CRLNumber(5), True)])
    earlier = [live.workflow.add(crl) for crl in (critical, ours.crl([1], number=None))]
    execution = live.reconcile()
    assert (execution.status, execution.output["Reconciled"]) == ("SUCCEEDED", "CONFIRMED")
    (drift,) = execution.report["Drift"]["TrustStores"]
    assert sorted(drift["RevocationIds"]) == earlier
    (store,) = execution.report["TrustStores"]
    assert store["RemovedRevocationIds"] == earlier
    assert len(live.workflow.lists()) == 1


def test_older_crl_in_s3_is_refused(live: LiveStack) -> None:
    """It would undo revocations, so the reconcile fails and changes nothing."""
    s3, lying = live.aws.client("s3"), live.lab.crl_object
    old = s3.get_object(**lying)["Body"].read()
    acm_pca.publish_now(live.lab.authority.arn)
    assert live.reconcile().output["Reconciled"] == "CONFIRMED"
    before = live.workflow.lists().keys()
    s3.put_object(**lying, Body=old)
    execution = live.reconcile()
    assert (execution.status, execution.error) == ("FAILED", "CrlNumberLower")
    assert live.workflow.lists().keys() == before


@pytest.mark.parametrize("with_a_person", [False, True])
def test_five_events_for_one_crl_add_one_list(live: LiveStack, with_a_person: bool) -> None:  # noqa: FBT001 - a case
    """Trust stores accept one write every five seconds, so five reconciles of one CRL must not write five times."""
    calls: list[str] = []
    faults.observe(lambda action, _: calls.append(action) if action in (ADD, REMOVE) else None)
    (client,) = live.workflow.clients(1)
    live.aws.settings.private_ca.publishes_crls = False

    def five_at_once() -> None:
        if with_a_person:
            before = set(live.workflow.executions())
            live.request_revocation(Serials=[serial_number.to_hex(client.serial)])
            live.workflow.wait_for_state(live.workflow.wait_for_start(before)[0], "WaitForCrl")
        live.aws.settings.private_ca.publishes_crls = True
        acm_pca.publish_now(live.lab.authority.arn)
        for _ in range(5):
            events.fire_schedules_now()

    ended = live.started_by(five_at_once, 5 + with_a_person)
    assert {each.status for each in ended} == {"SUCCEEDED"}, [each.cause for each in ended]
    assert calls.count(ADD) <= 1 + with_a_person
    assert calls.count(REMOVE) <= 1 + with_a_person
    assert len(live.workflow.lists()) == 1
    if not with_a_person:
        assert [each.output["Reconciled"] for each in ended].count("CONFIRMED") <= 1 or calls.count(ADD) == 1


def test_reconcile_after_a_stopped_one(live: LiveStack) -> None:
    """The one that is stopped while it corrects a drift is reported, and the next one corrects the drift."""
    acm_pca.publish_now(live.lab.authority.arn)
    stopped = live.workflow.stop_at("s3:PutObject", "/crls/")
    first = live.reconcile()
    assert (first.status, stopped) == ("ABORTED", [first.arn])
    eventually(lambda: live.workflow.report(first.arn) or None)
    second = live.reconcile()
    assert (second.status, second.output["Reconciled"]) == ("SUCCEEDED", "CONFIRMED")
    assert "CLAIMED" not in str(second.history)  # the claim was released, and nobody waited for it
