"""The CRL is late, partial, bad or missing: a good one is enforced at once, a bad one never."""

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
    """Return whether an execution is running."""
    described = workflow.aws.client("stepfunctions").describe_execution(executionArn=execution_arn)
    return bool(described["status"] == "RUNNING")


def test_crl_that_is_never_published(silent: Workflow) -> None:
    """At the deadline the execution fails; the cause names the serials, the number of polls and the deadline."""
    clients = silent.clients(2)
    lists = silent.lists().keys()
    execution = silent.run(*clients, seconds=8)
    assert (execution.status, execution.error) == ("FAILED", "CrlNotPublished")
    assert "2 of 2 revoked serials" in execution.cause
    match = re.search(rf"after {len(execution.find_crl_statuses)} polls until (\S+ \S+) UTC", execution.cause)
    assert match
    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(f"{match[1]}+00:00") < timedelta(minutes=1)
    assert len(execution.find_crl_statuses) > 2
    assert [serial for serial in written(*clients) if serial not in execution.cause] == []
    assert execution.report["Summary"]["Revoked"] == 2
    assert execution.enforced == set()
    assert silent.lists().keys() == lists


def test_first_crl_of_the_ca(silent: Workflow) -> None:
    """A CRL that does not exist yet is waited for, and is not an error."""
    clients = silent.clients(1)
    silent.delete_crl()
    running = silent.start(*clients, seconds=30)
    silent.wait_for_crl_status(running, "NOT_YET")
    publish(silent, *clients)
    assert silent.wait(running).status == "SUCCEEDED"


def test_partial_crl_is_enforced_at_once(silent: Workflow) -> None:
    """Three of five serials are enforced during the wait for the others, and stay so when that wait fails."""
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


def test_second_crl_with_the_other_serials(silent: Workflow) -> None:
    """Both rounds are enforced, and each serial is reported with the time of its own round."""
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


def test_expired_crl_is_skipped(silent: Workflow) -> None:
    """Last month's CRL is in S3: it is ignored, and the new one is waited for."""
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


def test_expired_crl_and_no_new_one(silent: Workflow) -> None:
    """If none is published, the error is CrlNotPublished, not that the old one has expired."""
    (client,) = silent.clients(1)
    past = datetime.now(UTC) - HOUR
    acm_pca.publish_now(silent.authority.arn, this_update=past - HOUR, next_update=past)
    assert silent.run(client, seconds=3).error == "CrlNotPublished"


class BadCrl(NamedTuple):
    """A CRL that must be refused."""

    error: str
    wrong: Callable[[], CrlOverrides]


def expired() -> CrlOverrides:
    """Return the overrides of a CRL that has expired."""
    past = datetime.now(UTC) - HOUR
    return {"this_update": past - HOUR, "next_update": past}


BAD_CRLS = {
    "signed-by-another-key": BadCrl(
        "CrlSignatureInvalid", lambda: {"signing_key": ec.generate_private_key(ec.SECP256R1())}
    ),
    "expired": BadCrl("CrlExpired", expired),
    "not-yet-valid": BadCrl("CrlNotYetValid", lambda: {"this_update": datetime.now(UTC) + HOUR}),
    "truncated": BadCrl("CrlMalformed", lambda: {"transform": lambda der: der[: len(der) // 2]}),
    "trailing-bytes": BadCrl("CrlMalformed", lambda: {"transform": lambda der: der + b"\0"}),
    "lower-number": BadCrl("CrlNumberLower", lambda: {"number": 1}),
}


@pytest.mark.parametrize("bad", BAD_CRLS.values(), ids=BAD_CRLS)
def test_bad_crl_is_never_attached(silent: Workflow, bad: BadCrl) -> None:
    """The execution fails with its error at the deadline, and the trust store keeps the list that it had."""
    (client,) = silent.clients(1)
    lists = silent.lists().keys()
    running = silent.start(client, seconds=6)
    silent.wait_for_state(running, "WaitForCrl")
    acm_pca.publish_now(silent.authority.arn, **bad.wrong())
    execution = silent.wait(running)
    assert (execution.status, execution.error) == ("FAILED", bad.error)
    assert serial_number.to_hex(client.serial) in execution.cause
    assert "The trust stores keep the lists they had" in execution.cause
    assert execution.report["LastRefusedCrl"]["Error"] == bad.error
    assert "AttachCrl" not in execution.states
    assert silent.lists().keys() == lists


@pytest.mark.parametrize("kind", ["signed-by-another-key", "truncated", "lower-number"])
def test_good_crl_after_a_bad_one(silent: Workflow, kind: str) -> None:
    """A bad CRL is read again until the deadline; when a good one replaces it, the execution succeeds."""
    (client,) = silent.clients(1)
    running = silent.start(client, seconds=30)
    silent.wait_for_state(running, "WaitForCrl")
    acm_pca.publish_now(silent.authority.arn, **BAD_CRLS[kind].wrong())
    silent.wait_for_crl_status(running, "INVALID")
    publish(silent, client)
    execution = silent.wait(running)
    assert execution.status == "SUCCEEDED"
    assert client.serial in silent.held()


@pytest.mark.parametrize(
    ("forged", "error"), [(False, "CrlAuthorityKeyMismatch"), (True, "CrlSignatureInvalid")], ids=["honest", "forged"]
)
def test_crl_of_another_ca_of_the_same_name(silent: Workflow, forged: bool, error: str) -> None:  # noqa: FBT001
    """It is refused in the place of our CRL, even if its authority key identifier is that of our CA."""
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
