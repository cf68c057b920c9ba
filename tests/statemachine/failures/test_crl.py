"""The CRL comes late, in part, spoilt or not at all: what is good is enforced at once, what is not never is."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

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


def is_running(workflow: Workflow, execution_arn: str) -> bool:
    """Tell whether an execution goes on."""
    described = workflow.aws.client("stepfunctions").describe_execution(executionArn=execution_arn)
    return bool(described["status"] == "RUNNING")


def test_a_crl_that_never_comes(silent: Workflow) -> None:
    """At the deadline the execution fails, naming the serials, how often it looked and until when."""
    clients = silent.clients(2)
    lists = silent.lists().keys()
    execution = silent.run(*clients, seconds=8)
    assert (execution.status, execution.error) == ("FAILED", "CrlNotPublished")
    assert "2 of 2 revoked serials" in execution.cause
    told = re.search(rf"after {len(execution.find_crl_statuses)} looks until (\S+ \S+) UTC", execution.cause)
    assert told
    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(f"{told[1]}+00:00") < timedelta(minutes=1)
    assert len(execution.find_crl_statuses) > 2
    assert [serial for serial in written(*clients) if serial not in execution.cause] == []
    assert execution.report["Summary"]["Revoked"] == 2
    assert execution.enforced == set()
    assert silent.lists().keys() == lists


def test_no_crl_has_ever_been_published(silent: Workflow) -> None:
    """An absent CRL is one that may still come, not an error."""
    clients = silent.clients(1)
    silent.delete_crl()
    running = silent.start(*clients, seconds=30)
    silent.wait_for_crl_status(running, "NOT_YET")
    publish(silent, *clients)
    assert silent.wait(running).status == "SUCCEEDED"


def test_a_partial_crl_is_enforced_at_once_and_the_rest_named_at_the_deadline(silent: Workflow) -> None:
    """Three of five are enforced while the execution waits for the other two, and stay so when it fails for these."""
    clients = silent.clients(5)
    running = silent.start(*clients, seconds=6)
    silent.wait_for_state(running, "WaitForCrl")
    publish(silent, *clients[:3])
    silent.wait_for_state(running, "AreSerialsMissing")
    assert is_running(silent, running)
    assert {client.serial for client in clients[:3]} <= silent.held()
    execution = silent.wait(running)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotInCrl")
    assert "2 of 5 revoked serials" in execution.cause
    assert {serial for serial in written(*clients) if serial in execution.cause} == written(*clients[3:])
    assert execution.enforced == written(*clients[:3])
    assert execution.report["Summary"]["InCrl"] == 3
    assert {client.serial for client in clients[:3]} <= silent.held()


def test_a_second_crl_brings_the_rest(silent: Workflow) -> None:
    """Both rounds are enforced, each serial reported with the time of its own round."""
    clients = silent.clients(5)
    running = silent.start(*clients, seconds=30)
    silent.wait_for_state(running, "WaitForCrl")
    publish(silent, *clients[:3])
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


def test_an_old_expired_crl_is_not_a_failure(silent: Workflow) -> None:
    """Last month's CRL lies there, expired: it is passed over without a word, and the new one is awaited."""
    (client,) = silent.clients(1)
    past = datetime.now(UTC) - HOUR
    acm_pca.publish_now(silent.authority.arn, this_update=past - HOUR, next_update=past)
    running = silent.start(client, seconds=30)
    silent.wait_for_crl_status(running, "NOT_YET")
    publish(silent, client)
    execution = silent.wait(running)
    assert execution.status == "SUCCEEDED"
    assert "INVALID" not in execution.find_crl_statuses
    assert client.serial in silent.held()


def test_an_old_expired_crl_and_no_new_one(silent: Workflow) -> None:
    """When nothing newer comes, the error is that no CRL was published, not that an old one has expired."""
    (client,) = silent.clients(1)
    past = datetime.now(UTC) - HOUR
    acm_pca.publish_now(silent.authority.arn, this_update=past - HOUR, next_update=past)
    assert silent.run(client, seconds=3).error == "CrlNotPublished"


class Spoilt(NamedTuple):
    """A CRL that must be refused."""

    error: str
    wrong: Callable[[], CrlOverrides]


def expired() -> CrlOverrides:
    """Return the overrides of a CRL that has expired."""
    past = datetime.now(UTC) - HOUR
    return {"this_update": past - HOUR, "next_update": past}


SPOILT = {
    "signed-by-another-key": Spoilt(
        "CrlSignatureInvalid", lambda: {"signing_key": ec.generate_private_key(ec.SECP256R1())}
    ),
    "expired": Spoilt("CrlExpired", expired),
    "not-yet-valid": Spoilt("CrlNotYetValid", lambda: {"this_update": datetime.now(UTC) + HOUR}),
    "truncated": Spoilt("CrlMalformed", lambda: {"transform": lambda der: der[: len(der) // 2]}),
    "trailing-bytes": Spoilt("CrlMalformed", lambda: {"transform": lambda der: der + b"\0"}),
    "lower-number": Spoilt("CrlNumberLower", lambda: {"number": 1}),
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_crl_is_never_attached(silent: Workflow, spoilt: Spoilt) -> None:
    """It fails by its own name at the deadline, and the trust store keeps the very list it had."""
    (client,) = silent.clients(1)
    lists = silent.lists().keys()
    running = silent.start(client, seconds=6)
    silent.wait_for_state(running, "WaitForCrl")
    acm_pca.publish_now(silent.authority.arn, **spoilt.wrong())
    execution = silent.wait(running)
    assert (execution.status, execution.error) == ("FAILED", spoilt.error)
    assert serial_number.to_hex(client.serial) in execution.cause
    assert "The trust stores keep the lists they had" in execution.cause
    assert execution.report["LastRefusedCrl"]["Error"] == spoilt.error
    assert "AttachCrl" not in execution.states
    assert silent.lists().keys() == lists


@pytest.mark.parametrize("kind", ["signed-by-another-key", "truncated", "lower-number"])
def test_a_good_crl_after_a_spoilt_one(silent: Workflow, kind: str) -> None:
    """A spoilt CRL is looked at again until the deadline: when a good one takes its place, all is well."""
    (client,) = silent.clients(1)
    running = silent.start(client, seconds=30)
    silent.wait_for_state(running, "WaitForCrl")
    acm_pca.publish_now(silent.authority.arn, **SPOILT[kind].wrong())
    silent.wait_for_crl_status(running, "INVALID")
    publish(silent, client)
    execution = silent.wait(running)
    assert execution.status == "SUCCEEDED"
    assert client.serial in silent.held()


@pytest.mark.parametrize(
    ("forged", "error"), [(False, "CrlAuthorityKeyMismatch"), (True, "CrlSignatureInvalid")], ids=["honest", "forged"]
)
def test_the_crl_of_another_ca_of_the_same_name(silent: Workflow, forged: bool, error: str) -> None:  # noqa: FBT001
    """A name is not a key: its CRL at our CA's place is refused, also when it claims to be of our CA's key."""
    (client,) = silent.clients(1)
    ours, twin = silent.with_key(silent.authority), silent.with_key(silent.create_twin())
    crl = twin.crl([client.serial], number=10**15, key_identifier=ours.key_identifier if forged else b"")
    running = silent.start(client, seconds=6)
    silent.wait_for_state(running, "WaitForCrl")
    bucket, key = acm_pca.certificate_authority(silent.authority.arn).crls.target
    silent.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=crl)
    execution = silent.wait(running)
    assert (execution.status, execution.error) == ("FAILED", error)
    assert client.serial not in silent.held()
