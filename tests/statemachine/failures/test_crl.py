"""The CRL is late, partial, bad or missing: a good one is enforced at once, a bad one never."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.acm_pca.crl import CrlOverrides
from infra.local.lab.pki import Client
from tests.support.workflow import Workflow

HOUR = timedelta(hours=1)


def written(*clients: Client) -> set[str]:
    """Return serials as reports and causes write them."""
    return {serial_number.to_hex(client.serial) for client in clients}


@pytest.fixture
def silent(guarded: Workflow) -> Workflow:
    """Return a workflow whose CA publishes nothing until the test does."""
    guarded.aws.settings.private_ca.publishes_crls = False
    return guarded


def publish(workflow: Workflow, *only: Client) -> None:
    """Publish a CRL now; of the serials that the trust store does not hold, it names only these."""
    named = workflow.held() | {client.serial for client in only}
    acm_pca.publish_now(workflow.authority.arn, serials=named)


def test_crl_that_is_never_published(silent: Workflow) -> None:
    """At the deadline the execution fails; the cause names the serials, the number of polls and the deadline."""
    clients = silent.clients(2)
    lists = silent.lists().keys()
    before = datetime.now(UTC).replace(microsecond=0)
    execution = silent.run(*clients, seconds=2)
    assert (execution.status, execution.error) == ("FAILED", "CrlNotPublished")
    assert "in no usable CRL: 2 of 2" in execution.cause
    match = re.search(rf"polls: {len(execution.find_crl_statuses)}, deadline: (\S+ \S+) UTC", execution.cause)
    assert match
    assert before + timedelta(seconds=2) <= datetime.fromisoformat(f"{match[1]}+00:00") < datetime.now(UTC)
    assert len(execution.find_crl_statuses) > 1
    assert [serial for serial in written(*clients) if serial not in execution.cause] == []
    assert execution.report["Summary"]["Revoked"] == 2
    assert execution.enforced == set()
    assert silent.lists().keys() == lists


def test_first_crl_of_the_ca(silent: Workflow) -> None:
    """A CRL that does not exist yet is waited for, and is not an error."""
    clients = silent.clients(1)
    silent.delete_crl()
    running = silent.start(*clients, seconds=120)
    silent.wait_for_crl_status(running, "NOT_YET")
    publish(silent, *clients)
    assert silent.wait(running).status == "SUCCEEDED"


def test_partial_crl_is_enforced_at_once(silent: Workflow) -> None:
    """Three of five serials are enforced during the wait for the others, and stay so when that wait fails."""
    clients = silent.clients(5)
    silent.when_it_looks(5, lambda: publish(silent, *clients[:3]))
    execution = silent.run(*clients, seconds=2)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotInCrl")
    assert "in no usable CRL: 2 of 5" in execution.cause
    assert {serial for serial in written(*clients) if serial in execution.cause} == written(*clients[3:])
    assert execution.enforced == written(*clients[:3])
    assert execution.report["Summary"]["InCrl"] == 3
    assert {client.serial for client in clients[:3]} <= silent.held()
    assert "FindCrl" in execution.states[execution.states.index("TrustStoreEnforced") :]


def test_second_crl_with_the_other_serials(silent: Workflow) -> None:
    """Both rounds are enforced, and each serial is reported with the time of its own round."""
    clients = silent.clients(5)
    silent.when_it_looks(5, lambda: publish(silent, *clients[:3]))
    running = silent.start(*clients, seconds=120)
    silent.wait_for_state(running, "AreSerialsMissing")
    publish(silent, *clients)
    execution = silent.wait(running)
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("VerifyRevocation") == 2
    since = {each["Serial"]: datetime.fromisoformat(each["EnforcedAt"]) for each in execution.report["Serials"]}
    first, second = ({since[serial] for serial in written(*some)} for some in (clients[:3], clients[3:]))
    assert len(first) == len(second) == 1
    assert max(first) < min(second)
    store = execution.report["TrustStores"][0]
    assert store["EntriesNew"] == 5
    assert list(silent.lists()) == store["AddedRevocationIds"][-1:]
    assert {client.serial for client in clients} <= silent.held()


def test_expired_crl_is_skipped(silent: Workflow) -> None:
    """Last month's CRL is in S3: it is ignored, and the new one is waited for."""
    (client,) = silent.clients(1)
    acm_pca.publish_now(silent.authority.arn, **expired())
    running = silent.start(client, seconds=120)
    silent.wait_for_crl_status(running, "NOT_YET")
    publish(silent, client)
    execution = silent.wait(running)
    assert execution.status == "SUCCEEDED"
    assert "INVALID" not in execution.find_crl_statuses
    assert client.serial in silent.held()


def test_expired_crl_and_no_new_one(silent: Workflow) -> None:
    """If none is published, the error is CrlNotPublished, not that the old one has expired."""
    (client,) = silent.clients(1)
    acm_pca.publish_now(silent.authority.arn, **expired())
    assert silent.run(client, seconds=1).error == "CrlNotPublished"


def expired() -> CrlOverrides:
    """Return the overrides of a CRL that has expired."""
    past = datetime.now(UTC) - HOUR
    return {"this_update": past - HOUR, "next_update": past}


def forged() -> CrlOverrides:
    """Return the overrides of a CRL that is signed by another key."""
    return {"signing_key": ec.generate_private_key(ec.SECP256R1())}


@pytest.mark.parametrize(("error", "wrong"), [("CrlSignatureInvalid", forged()), ("CrlNumberLower", {"number": 1})])
def test_bad_crl_is_never_attached(silent: Workflow, error: str, wrong: CrlOverrides) -> None:
    """The execution fails with its error at the deadline, and the trust store keeps the list that it had."""
    (client,) = silent.clients(1)
    lists = silent.lists().keys()
    silent.when_it_looks(1, lambda: acm_pca.publish_now(silent.authority.arn, **wrong))
    execution = silent.run(client, seconds=1)
    assert (execution.status, execution.error) == ("FAILED", error)
    assert serial_number.to_hex(client.serial) in execution.cause
    assert "The trust stores keep the lists they had" in execution.cause
    assert execution.report["LastRefusedCrl"]["Error"] == error
    assert "AttachCrl" not in execution.states
    assert silent.lists().keys() == lists


def test_good_crl_after_a_bad_one(silent: Workflow) -> None:
    """A bad CRL is read again until the deadline; when a good one replaces it, the execution succeeds."""
    (client,) = silent.clients(1)
    silent.when_it_looks(1, lambda: acm_pca.publish_now(silent.authority.arn, transform=lambda der: der[:99]))
    running = silent.start(client, seconds=120)
    silent.wait_for_crl_status(running, "INVALID")
    publish(silent, client)
    execution = silent.wait(running)
    assert execution.status == "SUCCEEDED"
    assert client.serial in silent.held()


def test_crl_of_another_ca_of_the_same_name(silent: Workflow) -> None:
    """It is refused in the place of our CRL, even if its authority key identifier is that of our CA."""
    (client,) = silent.clients(1)
    ours, twin = silent.with_key(silent.authority), silent.with_key(silent.create_twin())
    crl = twin.crl([client.serial], number=10**15, key_identifier=ours.key_identifier)
    s3, bucket_and_key = silent.aws.client("s3"), silent.lab.crl_object
    silent.when_it_looks(1, lambda: s3.put_object(**bucket_and_key, Body=crl))
    execution = silent.run(client, seconds=1)
    assert (execution.status, execution.error) == ("FAILED", "CrlSignatureInvalid")
    assert client.serial not in silent.held()
