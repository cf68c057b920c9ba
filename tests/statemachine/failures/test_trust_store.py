"""The trust store is full, gone, shared or slow: it holds one list of the CA at the end, or those it held before."""

from typing import Any

import pytest

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.elbv2.trust_store import TrustStore
from tests.support import pki
from tests.support.workflow import Workflow, calls_of

ADD = "elasticloadbalancing:AddTrustStoreRevocations"
REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"
MOST_LISTS = 30


@pytest.fixture
def store(guarded: Workflow) -> TrustStore:
    """Return the trust store as it is behind the API."""
    return embedded_elbv2.trust_store(guarded.trust_store_arn)


@pytest.fixture
def stranger() -> pki.InMemoryCa:
    """Return a CA that has nothing to do with ours."""
    return pki.certificate_authority("Another CA")


def fill(workflow: Workflow, store: TrustStore, ders: list[bytes]) -> list[int]:
    """Attach lists by hand; return their ids."""
    return [workflow.add(der, store.arn) for der in ders]


def bytes_of(store: TrustStore) -> dict[int, bytes]:
    """Return what the trust store holds."""
    return {revocation_id: one.pem for revocation_id, one in store.lists.items()}


def own_lists(workflow: Workflow, store: TrustStore) -> list[int]:
    """Return the ids of the lists of our CA."""
    ca = acm_pca.certificate_authority(workflow.authority.arn)
    return [i for i, one in store.lists.items() if one.crl.is_signature_valid(ca.key.public_key())]


def test_list_of_another_ca_is_kept(guarded: Workflow, store: TrustStore, stranger: pki.InMemoryCa) -> None:
    """Lists that others attached to the same trust store stay, byte for byte."""
    (client,) = guarded.clients(1)
    foreign = fill(guarded, store, [stranger.crl([1, 2, 3], number=10**15)])
    before = bytes_of(store)
    assert guarded.run(client).status == "SUCCEEDED"
    assert bytes_of(store)[foreign[0]] == before[foreign[0]]
    assert len(own_lists(guarded, store)) == 1
    assert client.serial in guarded.held()


def test_list_of_another_ca_of_the_same_name_is_kept(guarded: Workflow, store: TrustStore) -> None:
    """An issuer is a name and a key: its list is not removed, nor newer than ours with a far higher number."""
    (client,) = guarded.clients(1)
    foreign = fill(guarded, store, [guarded.with_key(guarded.create_twin()).crl([1, 2, 3], number=10**15)])
    before = bytes_of(store)
    execution = guarded.run(client)
    assert execution.status == "SUCCEEDED"
    assert bytes_of(store)[foreign[0]] == before[foreign[0]]
    assert execution.report["TrustStores"][0]["EntriesNew"] == 1
    assert len(own_lists(guarded, store)) == 1
    assert client.serial in guarded.held()


def test_full_trust_store(guarded: Workflow, store: TrustStore, stranger: pki.InMemoryCa) -> None:
    """No list that is needed is removed to make room; the cause gives the numbers and the quota to raise."""
    (client,) = guarded.clients(1)
    fill(guarded, store, [stranger.crl([1])] * (MOST_LISTS - len(store.lists)))
    before = bytes_of(store)
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "TrustStoreFull")
    assert f"{MOST_LISTS} lists of {MOST_LISTS} are used (quota L-332EE142)" in execution.cause
    assert guarded.trust_store_arn in execution.cause
    assert "Service Quotas" in execution.cause
    assert bytes_of(store) == before
    assert execution.report["Summary"]["Revoked"] == 1
    assert execution.enforced == set()


def test_superseded_lists_make_room(guarded: Workflow, store: TrustStore, stranger: pki.InMemoryCa) -> None:
    """Superseded lists of this CA are removed first if there is no room otherwise."""
    (client,) = guarded.clients(1)
    foreign = fill(guarded, store, [stranger.crl([1])] * (MOST_LISTS - len(store.lists) - 3))
    fill(guarded, store, [acm_pca.publish_now(guarded.authority.arn) for _ in range(3)])
    assert len(store.lists) == MOST_LISTS
    assert guarded.run(client).status == "SUCCEEDED"
    (ours,) = own_lists(guarded, store)
    assert list(store.lists) == [*foreign, ours]
    assert client.serial in guarded.held()


def test_quota_that_the_deployment_does_not_know(guarded: Workflow, store: TrustStore) -> None:
    """If the service itself reports that it is full, the execution fails with that and changes nothing."""
    (client,) = guarded.clients(1)
    guarded.aws.settings.trust_stores.max_entries = store.total_revoked_entries
    before = bytes_of(store)
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "TrustStoreFull")
    assert "TooManyTrustStoreRevocationEntries" in execution.cause
    assert bytes_of(store) == before


def test_trust_store_deleted_during_the_wait(guarded: Workflow) -> None:
    """The execution fails with TrustStoreNotFound, and does not claim that nothing was done."""
    guarded.aws.settings.private_ca.publishes_crls = False
    (client,) = guarded.clients(1)
    doomed = guarded.another_trust_store()
    running = guarded.start(client, TrustStoreArns=[doomed])
    guarded.wait_for_state(running, "WaitForCrl")
    guarded.aws.client("elbv2").delete_trust_store(TrustStoreArn=doomed)
    acm_pca.publish_now(guarded.authority.arn)
    execution = guarded.wait(running)
    assert (execution.status, execution.error) == ("FAILED", "TrustStoreNotFound")
    assert doomed in execution.cause
    assert "Nothing was done" not in execution.cause
    assert execution.outcomes == {serial_number.to_hex(client.serial): "REVOKED"}
    assert execution.enforced == set()


def test_one_of_two_trust_stores_deleted_during_the_wait(guarded: Workflow) -> None:
    """The other one is enforced all the same, and the report distinguishes them."""
    guarded.aws.settings.private_ca.publishes_crls = False
    (client,) = guarded.clients(1)
    doomed = guarded.another_trust_store()
    running = guarded.start(client, TrustStoreArns=[doomed, guarded.trust_store_arn])
    guarded.wait_for_state(running, "WaitForCrl")
    guarded.aws.client("elbv2").delete_trust_store(TrustStoreArn=doomed)
    acm_pca.publish_now(guarded.authority.arn)
    execution = guarded.wait(running)
    assert (execution.status, execution.error) == ("FAILED", "TrustStoreNotFound")
    assert f"trust stores that failed: 1 of 2: {doomed} (not enforced)" in execution.cause
    assert client.serial in guarded.held()
    reported: dict[str, Any] = {each["TrustStoreArn"]: each for each in execution.report["TrustStores"]}
    assert reported[doomed]["Failure"]["Error"] == "TrustStoreNotFound"
    assert reported[guarded.trust_store_arn]["Proven"] == "attached and read back"
    assert execution.enforced == set()  # not everywhere


def test_throttled_writes_are_retried(guarded: Workflow, store: TrustStore) -> None:
    """The quota is one write in five seconds for the whole account, so others may have used it up."""
    (client,) = guarded.clients(1)
    for action in (ADD, REMOVE):
        faults.add(action, code="ThrottlingException", message="Rate exceeded", times=1)
    execution = guarded.run(client)
    assert execution.status == "SUCCEEDED"
    assert list(store.lists) == execution.report["TrustStores"][0]["AddedRevocationIds"]
    assert client.serial in guarded.held()


def test_list_that_was_added_although_the_response_was_an_error(guarded: Workflow, store: TrustStore) -> None:
    """The trust store is read before anything is added again, so there is one list and not two."""
    (client,) = guarded.clients(1)
    added = store.lists.keys()
    faults.add(ADD, code="InternalFailure", status=500, after=True)
    execution = guarded.run(client)
    assert execution.status == "SUCCEEDED"
    assert list(store.lists) == [max(added) + 1]
    assert execution.report["TrustStores"][0]["AddedRevocationIds"] == list(store.lists)
    assert client.serial in guarded.held()


def test_list_that_was_not_added_because_of_an_error(guarded: Workflow, store: TrustStore) -> None:
    """It is not in the trust store, so it is added again, once."""
    (client,) = guarded.clients(1)
    faults.add(ADD, code="InternalFailure", status=500)
    assert guarded.run(client).status == "SUCCEEDED"
    assert len(store.lists) == 1
    assert client.serial in guarded.held()


def test_list_that_becomes_visible_late(guarded: Workflow, store: TrustStore) -> None:
    """A new list that is not visible yet is waited for, not added again, and the old one stays until then."""
    (client,) = guarded.clients(1)
    guarded.aws.settings.trust_stores.visibility_delay_seconds = 0.2
    adding = calls_of(ADD)
    execution = guarded.run(client)
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("VerifyRevocation") == 1
    assert len(adding) == 1
    assert len(store.lists) == 1
    assert client.serial in next(iter(store.lists.values())).serials


def test_lost_response_and_a_list_that_becomes_visible_late(guarded: Workflow, store: TrustStore) -> None:
    """Even if it was added twice, one list is left, and it is the new one."""
    (client,) = guarded.clients(1)
    guarded.aws.settings.trust_stores.visibility_delay_seconds = 0.1
    faults.add(ADD, code="InternalFailure", status=500, after=True)
    assert guarded.run(client).status == "SUCCEEDED"
    (left,) = store.lists.values()
    assert client.serial in left.serials
