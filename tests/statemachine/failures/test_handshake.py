"""Safety as clients meet it: real handshakes at the listener, whatever AWS does with several or expired lists.

AWS documents neither which of several lists of one CA counts, nor what an expired one does. Whichever it is, the
good must be let in throughout, and who was refused once must stay so.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.core.settings import ExpiredCrl, NamesakeLists, SameIssuerLists
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.lab.handshake import connect
from infra.local.lab.pki import Client
from tests.support.waiting import eventually
from tests.support.workflow import Workflow

HIT = "Failed:ClientCertCrlHit"
HOUR = timedelta(hours=1)


@pytest.fixture
def on_listener_trust_store(guarded: Workflow) -> Workflow:
    """Return a workflow on the listener's trust store, which holds one good list of the CA."""
    store = embedded_elbv2.trust_store(guarded.lab.trust_store_arn)
    remove_all_lists_except(guarded, guarded.add(acm_pca.publish_now(guarded.authority.arn), store.arn))
    guarded.trust_store_arn = store.arn
    return guarded


@pytest.fixture(
    params=[
        (SameIssuerLists.UNION, ExpiredCrl.ENFORCED),
        (SameIssuerLists.NEWEST, ExpiredCrl.IGNORED),
        (SameIssuerLists.OLDEST, ExpiredCrl.REFUSED),
    ],
    ids="-".join,
)
def whatever_counts(on_listener_trust_store: Workflow, request: pytest.FixtureRequest) -> Workflow:
    """Return the same, for each way in which several or expired lists may count."""
    limits = on_listener_trust_store.aws.settings.trust_stores
    limits.same_issuer_lists, limits.expired_crl = request.param
    return on_listener_trust_store


def remove_all_lists_except(workflow: Workflow, revocation_id: int) -> None:
    """Remove all lists but one from the listener's trust store."""
    store = embedded_elbv2.trust_store(workflow.lab.trust_store_arn)
    store.remove([other for other in store.lists if other != revocation_id])


def log_of(workflow: Workflow, client: Client) -> list[str]:
    """Return what the load balancer's log says of a client."""
    serial = f"{client.serial:X}"
    return [line for line in workflow.lab.listener.log.lines if serial in line]


def handshake_status(workflow: Workflow, client: Client) -> str:
    """Connect once; return the status in the load balancer's log."""
    before = len(log_of(workflow, client))
    connect(workflow.lab.listener.port, client.certificate, client.key, workflow.lab.ca_file)
    # A client hears of its refusal before the log does.
    lines = eventually(lambda: log_of(workflow, client)[before:] or None, expected=f"{client.name} in the log")
    return lines[-1].split()[10]


@contextmanager
def repeated_handshakes(workflow: Workflow, *clients: Client) -> Iterator[dict[str, Counter[str]]]:
    """Make clients connect repeatedly while the block runs; count the results."""
    statuses: dict[str, Counter[str]] = {client.name: Counter() for client in clients}
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            for client in clients:
                statuses[client.name][handshake_status(workflow, client)] += 1
            stop.wait(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()


def test_replacing_a_list(whatever_counts: Workflow) -> None:
    """At no moment of a second revocation is the first certificate accepted or a good one refused."""
    first, second, good = whatever_counts.clients(3)
    assert handshake_status(whatever_counts, first) == "Success"
    assert whatever_counts.run(first).status == "SUCCEEDED"
    with repeated_handshakes(whatever_counts, first, good) as statuses:
        assert whatever_counts.run(second).status == "SUCCEEDED"
    assert (set(statuses[first.name]), set(statuses[good.name])) == ({HIT}, {"Success"})
    assert handshake_status(whatever_counts, second) == HIT


@pytest.mark.parametrize("counts", NamesakeLists)
def test_two_cas_of_one_name(on_listener_trust_store: Workflow, counts: NamesakeLists) -> None:
    """Clients of one may be shut out by the other's list, so a revocation is refused unless the input accepts that."""
    workflow = on_listener_trust_store
    workflow.aws.settings.trust_stores.namesake_lists = counts
    stolen, good = workflow.clients(2)
    twin = workflow.create_twin()
    twins = twin.issue_client(workflow.folder, f"twin-{counts}".replace(" ", "-"))
    store = embedded_elbv2.trust_store(workflow.lab.trust_store_arn)
    only_ours = store.bundle
    store.replace_bundle(only_ours.rstrip() + b"\n" + twin.pem.encode())
    try:
        assert workflow.run(stolen).error == "NamesakesInBundle"
        assert handshake_status(workflow, stolen) == "Success"
        execution = workflow.run(stolen, AcceptNamesakes=True)
        assert execution.status == "SUCCEEDED"
        assert "trusts CAs of one name" in execution.report["TrustStores"][0]["Namesakes"]
        assert handshake_status(workflow, stolen) == HIT
        assert handshake_status(workflow, good) == "Success"
        shut_out = "Failed:ClientCertCrlProcessingError"
        assert handshake_status(workflow, twins) == {NamesakeLists.ALL_MUST_VERIFY: shut_out}.get(counts, "Success")
    finally:
        store.replace_bundle(only_ours)


def test_partial_crl(on_listener_trust_store: Workflow) -> None:
    """The certificate in the CRL is refused during the wait for the other, and after that wait has failed."""
    workflow = on_listener_trust_store
    workflow.aws.settings.private_ca.publishes_crls = False
    named, missing, good = workflow.clients(3)
    held = workflow.held() | {named.serial}
    workflow.when_it_looks(2, lambda: acm_pca.publish_now(workflow.authority.arn, serials=held))
    with repeated_handshakes(workflow, good) as statuses:
        running = workflow.start(named, missing, seconds=3)
        workflow.wait_for_state(running, "TrustStoreEnforced")
        with repeated_handshakes(workflow, named) as while_waiting:
            assert workflow.wait(running).error == "SerialsNotInCrl"
    assert set(while_waiting[named.name]) == {HIT}
    assert set(statuses[good.name]) == {"Success"}
    assert handshake_status(workflow, named) == HIT


def test_bad_crl(on_listener_trust_store: Workflow) -> None:
    """A list signed by another key would lock out every client; it is never attached, and the previous one stays."""
    workflow = on_listener_trust_store
    first, second, good = workflow.clients(3)
    assert workflow.run(first).status == "SUCCEEDED"
    workflow.aws.settings.private_ca.publishes_crls = False
    another_key = ec.generate_private_key(ec.SECP256R1())
    workflow.when_it_looks(1, lambda: acm_pca.publish_now(workflow.authority.arn, signing_key=another_key))
    with repeated_handshakes(workflow, first, good) as statuses:
        assert workflow.run(second, seconds=1).error == "CrlSignatureInvalid"
    assert (set(statuses[first.name]), set(statuses[good.name])) == ({HIT}, {"Success"})


def test_superseded_lists_that_cannot_be_removed(whatever_counts: Workflow) -> None:
    """Old and new list are attached together, as after a failure half way: that blocks the same certificates."""
    first, second, good = whatever_counts.clients(3)
    assert whatever_counts.run(first).status == "SUCCEEDED"
    faults.add("elasticloadbalancing:RemoveTrustStoreRevocations", code="AccessDenied")
    with repeated_handshakes(whatever_counts, first, good) as statuses:
        assert whatever_counts.run(second).error == "AwsCallRefused"
    assert (set(statuses[first.name]), set(statuses[good.name])) == ({HIT}, {"Success"})
    assert len(whatever_counts.lists()) == 2
    assert whatever_counts.run(second).status == "SUCCEEDED"
    assert len(whatever_counts.lists()) == 1
    assert handshake_status(whatever_counts, second) == HIT


def test_expired_list_is_replaced(whatever_counts: Workflow) -> None:
    """A trust store with an expired list ends up with one good list."""
    client, good = whatever_counts.clients(2)
    past = datetime.now(UTC) - HOUR
    expired = acm_pca.publish_now(whatever_counts.authority.arn, this_update=past - HOUR, next_update=past)
    remove_all_lists_except(whatever_counts, whatever_counts.add(expired))
    assert whatever_counts.run(client).status == "SUCCEEDED"
    (left,) = whatever_counts.lists().values()
    assert left.next_update_utc is not None
    assert left.next_update_utc > datetime.now(UTC)
    assert (handshake_status(whatever_counts, client), handshake_status(whatever_counts, good)) == (
        HIT,
        "Success",
    )
