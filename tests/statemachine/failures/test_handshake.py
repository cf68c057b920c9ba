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
def listening(guarded: Workflow, request: pytest.FixtureRequest) -> Workflow:
    """Return a workflow on the listener's trust store, which holds one good list of the CA."""
    limits = guarded.aws.settings.trust_stores
    limits.same_issuer_lists, limits.expired_crl = request.param
    store = embedded_elbv2.trust_store(guarded.lab.trust_store_arn)
    leave_alone(guarded, guarded.add(acm_pca.publish_now(guarded.authority.arn), store.arn))
    guarded.trust_store_arn = store.arn
    return guarded


def leave_alone(workflow: Workflow, revocation_id: int) -> None:
    """Remove all lists but one from the listener's trust store."""
    store = embedded_elbv2.trust_store(workflow.lab.trust_store_arn)
    store.remove([other for other in store.lists if other != revocation_id])


def log_of(workflow: Workflow, client: Client) -> list[str]:
    """Return what the load balancer's log says of a client."""
    serial = f"{client.serial:X}"
    return [line for line in workflow.lab.listener.log.lines if serial in line]


def knock(workflow: Workflow, client: Client) -> str:
    """Shake hands once; return what the load balancer's log says of it."""
    before = len(log_of(workflow, client))
    connect(workflow.lab.listener.port, client.certificate, client.key, workflow.lab.ca_file)
    for _ in range(500):  # a client hears of its refusal before the log does
        lines = log_of(workflow, client)
        if len(lines) > before:
            return lines[-1].split()[10]
        time.sleep(0.01)
    raise TimeoutError(f"the handshake of {client.name} is not in the log")


@contextmanager
def knocking(workflow: Workflow, *clients: Client) -> Iterator[dict[str, Counter[str]]]:
    """Make clients connect repeatedly while the block runs; count the results."""
    met: dict[str, Counter[str]] = {client.name: Counter() for client in clients}
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            for client in clients:
                met[client.name][knock(workflow, client)] += 1
            time.sleep(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield met
    finally:
        stop.set()
        thread.join()


def test_replacing_a_list(listening: Workflow) -> None:
    """At no moment of a second revocation is the first certificate accepted or a good one refused."""
    first, second, good = listening.clients(3)
    assert knock(listening, first) == "Success"
    assert listening.run(first).status == "SUCCEEDED"
    with knocking(listening, first, good) as met:
        assert listening.run(second).status == "SUCCEEDED"
    assert met[first.name].total() > 5
    assert (set(met[first.name]), set(met[good.name])) == ({HIT}, {"Success"})
    assert knock(listening, second) == HIT


def test_partial_crl(listening: Workflow) -> None:
    """The certificate in the CRL is refused during the wait for the other, and after that wait has failed."""
    listening.aws.settings.private_ca.publishes_crls = False
    named, missing, good = listening.clients(3)
    with knocking(listening, good) as met:
        running = listening.start(named, missing, seconds=6)
        listening.wait_for_state(running, "WaitForCrl")
        acm_pca.publish_now(listening.authority.arn, serials=listening.held() | {named.serial})
        listening.wait_for_state(running, "AreSerialsMissing")
        with knocking(listening, named) as while_waiting:
            assert listening.wait(running).error == "SerialsNotInCrl"
    assert set(while_waiting[named.name]) == {HIT}
    assert set(met[good.name]) == {"Success"}
    assert knock(listening, named) == HIT


def test_bad_crl(listening: Workflow) -> None:
    """A list signed by another key would lock out every client; it is never attached, and the previous one stays."""
    first, second, good = listening.clients(3)
    assert listening.run(first).status == "SUCCEEDED"
    ca = acm_pca.certificate_authority(listening.authority.arn)
    ca.crls.overrides = {"signing_key": ec.generate_private_key(ec.SECP256R1())}
    with knocking(listening, first, good) as met:
        assert listening.run(second, seconds=4).error == "CrlSignatureInvalid"
    assert (set(met[first.name]), set(met[good.name])) == ({HIT}, {"Success"})


def test_superseded_lists_that_cannot_be_removed(listening: Workflow) -> None:
    """Old and new list are attached together, as after a failure half way: that blocks the same certificates."""
    first, second, good = listening.clients(3)
    assert listening.run(first).status == "SUCCEEDED"
    faults.add("elasticloadbalancing:RemoveTrustStoreRevocations", code="AccessDenied")
    with knocking(listening, first, good) as met:
        assert listening.run(second).error == "AwsCallRefused"
    assert (set(met[first.name]), set(met[good.name])) == ({HIT}, {"Success"})
    assert len(listening.lists()) == 2
    assert listening.run(second).status == "SUCCEEDED"
    assert len(listening.lists()) == 1
    assert knock(listening, second) == HIT


def test_expired_list_is_replaced(listening: Workflow) -> None:
    """A trust store with an expired list ends up with one good list."""
    client, good = listening.clients(2)
    past = datetime.now(UTC) - HOUR
    expired = acm_pca.publish_now(listening.authority.arn, this_update=past - HOUR, next_update=past)
    leave_alone(listening, listening.add(expired))
    assert listening.run(client).status == "SUCCEEDED"
    (left,) = listening.lists().values()
    assert left.next_update_utc is not None
    assert left.next_update_utc > datetime.now(UTC)
    assert (knock(listening, client), knock(listening, good)) == (HIT, "Success")
