"""Safety as clients meet it: real handshakes at the listener, whatever AWS does with several or expired lists.

AWS documents neither which of several lists of one CA counts, nor what an expired one does. Whichever it is, the
good must be let in throughout, and who was refused once must stay so.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.core.settings import ExpiredCrl, SameIssuerLists
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.lab.handshake import connect
from infra.local.lab.pki import Client
from tests.support.workflow import Workflow

HIT = "Failed:ClientCertCrlHit"
HOUR = timedelta(hours=1)


@pytest.fixture(
    params=[
        (SameIssuerLists.UNION, ExpiredCrl.ENFORCED),
        (SameIssuerLists.NEWEST, ExpiredCrl.IGNORED),
        (SameIssuerLists.OLDEST, ExpiredCrl.REFUSED),
    ],
    ids="-".join,
)
def on_listener_trust_store(guarded: Workflow, request: pytest.FixtureRequest) -> Workflow:
    """Return a workflow on the listener's trust store, which holds one good list of the CA."""
    limits = guarded.aws.settings.trust_stores
    limits.same_issuer_lists, limits.expired_crl = request.param
    store = embedded_elbv2.trust_store(guarded.lab.trust_store_arn)
    remove_all_lists_except(guarded, guarded.add(acm_pca.publish_now(guarded.authority.arn), store.arn))
    guarded.trust_store_arn = store.arn
    return guarded


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
    for _ in range(500):  # a client hears of its refusal before the log does
        lines = log_of(workflow, client)
        if len(lines) > before:
            return lines[-1].split()[10]
        time.sleep(0.01)
    raise TimeoutError(f"the handshake of {client.name} is not in the log")


@contextmanager
def repeated_handshakes(workflow: Workflow, *clients: Client) -> Iterator[dict[str, Counter[str]]]:
    """Make clients connect repeatedly while the block runs; count the results."""
    statuses: dict[str, Counter[str]] = {client.name: Counter() for client in clients}
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            for client in clients:
                statuses[client.name][handshake_status(workflow, client)] += 1
            time.sleep(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()


def test_replacing_a_list(on_listener_trust_store: Workflow) -> None:
    """At no moment of a second revocation is the first certificate accepted or a good one refused."""
    first, second, good = on_listener_trust_store.clients(3)
    assert handshake_status(on_listener_trust_store, first) == "Success"
    assert on_listener_trust_store.run(first).status == "SUCCEEDED"
    with repeated_handshakes(on_listener_trust_store, first, good) as statuses:
        assert on_listener_trust_store.run(second).status == "SUCCEEDED"
    assert statuses[first.name].total() > 5
    assert (set(statuses[first.name]), set(statuses[good.name])) == ({HIT}, {"Success"})
    assert handshake_status(on_listener_trust_store, second) == HIT


def test_partial_crl(on_listener_trust_store: Workflow) -> None:
    """The certificate in the CRL is refused during the wait for the other, and after that wait has failed."""
    on_listener_trust_store.aws.settings.private_ca.publishes_crls = False
    named, missing, good = on_listener_trust_store.clients(3)
    with repeated_handshakes(on_listener_trust_store, good) as statuses:
        running = on_listener_trust_store.start(named, missing, seconds=6)
        on_listener_trust_store.wait_for_state(running, "WaitForCrl")
        acm_pca.publish_now(
            on_listener_trust_store.authority.arn, serials=on_listener_trust_store.held() | {named.serial}
        )
        on_listener_trust_store.wait_for_state(running, "AreSerialsMissing")
        with repeated_handshakes(on_listener_trust_store, named) as while_waiting:
            assert on_listener_trust_store.wait(running).error == "SerialsNotInCrl"
    assert set(while_waiting[named.name]) == {HIT}
    assert set(statuses[good.name]) == {"Success"}
    assert handshake_status(on_listener_trust_store, named) == HIT


def test_bad_crl(on_listener_trust_store: Workflow) -> None:
    """A list signed by another key would lock out every client; it is never attached, and the previous one stays."""
    first, second, good = on_listener_trust_store.clients(3)
    assert on_listener_trust_store.run(first).status == "SUCCEEDED"
    ca = acm_pca.certificate_authority(on_listener_trust_store.authority.arn)
    ca.crls.overrides = {"signing_key": ec.generate_private_key(ec.SECP256R1())}
    with repeated_handshakes(on_listener_trust_store, first, good) as statuses:
        assert on_listener_trust_store.run(second, seconds=4).error == "CrlSignatureInvalid"
    assert (set(statuses[first.name]), set(statuses[good.name])) == ({HIT}, {"Success"})


def test_superseded_lists_that_cannot_be_removed(on_listener_trust_store: Workflow) -> None:
    """Old and new list are attached together, as after a failure half way: that blocks the same certificates."""
    first, second, good = on_listener_trust_store.clients(3)
    assert on_listener_trust_store.run(first).status == "SUCCEEDED"
    faults.add("elasticloadbalancing:RemoveTrustStoreRevocations", code="AccessDenied")
    with repeated_handshakes(on_listener_trust_store, first, good) as statuses:
        assert on_listener_trust_store.run(second).error == "AwsCallRefused"
    assert (set(statuses[first.name]), set(statuses[good.name])) == ({HIT}, {"Success"})
    assert len(on_listener_trust_store.lists()) == 2
    assert on_listener_trust_store.run(second).status == "SUCCEEDED"
    assert len(on_listener_trust_store.lists()) == 1
    assert handshake_status(on_listener_trust_store, second) == HIT


def test_expired_list_is_replaced(on_listener_trust_store: Workflow) -> None:
    """A trust store with an expired list ends up with one good list."""
    client, good = on_listener_trust_store.clients(2)
    past = datetime.now(UTC) - HOUR
    expired = acm_pca.publish_now(on_listener_trust_store.authority.arn, this_update=past - HOUR, next_update=past)
    remove_all_lists_except(on_listener_trust_store, on_listener_trust_store.add(expired))
    assert on_listener_trust_store.run(client).status == "SUCCEEDED"
    (left,) = on_listener_trust_store.lists().values()
    assert left.next_update_utc is not None
    assert left.next_update_utc > datetime.now(UTC)
    assert (handshake_status(on_listener_trust_store, client), handshake_status(on_listener_trust_store, good)) == (
        HIT,
        "Success",
    )
