"""Private CA refuses, throttles or knows better: what can be revoked is, and what was not is named."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from cryptography import x509

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.acm_pca.certificate_authority import CertificateAuthority
from infra.local.core import faults
from infra.local.lab.pki import Client
from tests.support.workflow import Workflow

REVOKE = "acm-pca:RevokeCertificate"
UNKNOWN = "de:ad:be:ef:00:01"


@pytest.fixture
def ca(guarded: Workflow) -> CertificateAuthority:
    """Return the CA as it is behind Private CA's API."""
    return acm_pca.certificate_authority(guarded.authority.arn)


def calls_of(action: str) -> list[str]:
    """Return a list that each call of an action is noted in from now on."""
    noted: list[str] = []
    faults.observe(lambda called, resource: noted.append(resource) if called == action else None)
    return noted


def expiring_client(workflow: Workflow, seconds: int) -> Client:
    """Issue a certificate that is good for some seconds."""
    (client,) = workflow.clients(1, {"Type": "ABSOLUTE", "Value": int(time.time()) + seconds})
    return client


def sleep_until_expired(client: Client) -> None:
    """Wait for the end of a certificate's validity."""
    ends = x509.load_pem_x509_certificate(client.certificate_pem).not_valid_after_utc
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 0.1)


def test_one_unknown_serial_does_not_stop_the_others(guarded: Workflow) -> None:
    """Private CA does not know one of three: the other two are enforced, and the execution fails naming the third."""
    good, other = guarded.clients(2)
    execution = guarded.run(good, UNKNOWN, other)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert f"1 of 3 serials were not revoked: {UNKNOWN} (ResourceNotFoundException)" in execution.cause
    assert {good.serial, other.serial} <= guarded.held()
    assert execution.outcomes == {
        serial_number.to_hex(good.serial): "REVOKED",
        UNKNOWN: "FAILED",
        serial_number.to_hex(other.serial): "REVOKED",
    }
    assert execution.enforced == {serial_number.to_hex(good.serial), serial_number.to_hex(other.serial)}
    assert execution.report["Summary"] == {
        "Serials": 3,
        "Revoked": 2,
        "AlreadyRevoked": 0,
        "Expired": 0,
        "Failed": 1,
        "InCrl": 2,
        "Enforced": 2,
    }


def test_there_is_no_wait_when_nothing_could_be_revoked(guarded: Workflow) -> None:
    """Without a revocation there is no CRL to wait for, so the execution fails at once."""
    execution = guarded.run(UNKNOWN, seconds=300)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert "WaitForCrl" not in execution.states
    assert execution.find_crl_statuses == ["NOTHING_WANTED"]


def test_an_expired_certificate_is_named_as_such(guarded: Workflow) -> None:
    """Private CA cannot revoke what has expired, and the report says that this is why."""
    client = expiring_client(guarded, 2)
    sleep_until_expired(client)
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert f"{serial_number.to_hex(client.serial)} (CertificateExpired)" in execution.cause


def test_a_serial_that_expired_after_its_revocation_is_not_waited_for(
    guarded: Workflow, ca: CertificateAuthority
) -> None:
    """CRLs no longer name what has expired, so the fresh serial beside it is enforced and the execution succeeds."""
    gone, (fresh,) = expiring_client(guarded, 3), guarded.clients(1)
    ca.revoke(serial_number.to_hex(gone.serial), "KEY_COMPROMISE")
    sleep_until_expired(gone)
    for _ in range(2):  # once after its expiry a CRL still names it
        acm_pca.publish_now(ca.arn)
    execution = guarded.run(gone, fresh)
    assert execution.status == "SUCCEEDED"
    assert execution.outcomes == {
        serial_number.to_hex(gone.serial): "EXPIRED",
        serial_number.to_hex(fresh.serial): "REVOKED",
    }
    assert execution.enforced == {serial_number.to_hex(fresh.serial)}
    assert fresh.serial in guarded.held()
    assert gone.serial not in guarded.held()


@contextmanager
def disabled(workflow: Workflow) -> Iterator[None]:
    """Disable the CA while the block runs."""
    pca, arn = workflow.aws.client("acm-pca"), workflow.authority.arn
    pca.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    try:
        yield
    finally:
        pca.update_certificate_authority(CertificateAuthorityArn=arn, Status="ACTIVE")


def test_a_disabled_ca_still_revokes(guarded: Workflow) -> None:
    """Disabling a CA is what one does first at 3 a.m.; it revokes and publishes all the same."""
    (client,) = guarded.clients(1)
    with disabled(guarded):
        assert guarded.run(client).status == "SUCCEEDED"
    assert client.serial in guarded.held()


def test_one_serial_in_every_notation_is_revoked_once(guarded: Workflow) -> None:
    """Colons, plain hexadecimal, 0x and any case are one number, so Private CA is asked once and not refused twice."""
    (client,) = guarded.clients(1)
    digits = f"{client.serial:x}"
    revoked = calls_of(REVOKE)
    written = serial_number.to_hex(client.serial)
    execution = guarded.run(written, written.upper(), digits, digits.upper(), f"0x{digits}", client)
    assert execution.status == "SUCCEEDED"
    assert len(revoked) == 1
    assert execution.outcomes == {written: "REVOKED"}
    assert client.serial in guarded.held()


def test_throttled_revocations_are_asked_again(guarded: Workflow, ca: CertificateAuthority) -> None:
    """Private CA's quota is used up by others: none of the serials is lost, each is revoked."""
    clients = guarded.clients(6)
    guarded.aws.settings.private_ca.revocation_burst = 1
    guarded.aws.settings.private_ca.revocations_per_second = 2
    asked = calls_of(REVOKE)
    execution = guarded.run(*clients)
    assert execution.status == "SUCCEEDED"
    assert len(asked) > len(clients)  # some were refused at first
    assert {client.serial for client in clients} <= set(ca.revocations) & guarded.held()


def test_a_revocation_whose_answer_is_lost_is_a_success(guarded: Workflow) -> None:
    """The certificate is revoked and the answer was an error: asked again, Private CA says that it was done."""
    (client,) = guarded.clients(1)
    faults.add(REVOKE, code="InternalFailure", status=500, after=True)
    execution = guarded.run(client)
    assert execution.status == "SUCCEEDED"
    assert execution.outcomes == {serial_number.to_hex(client.serial): "ALREADY_REVOKED"}
    assert client.serial in guarded.held()


def test_a_refusal_of_one_serial_is_recorded_by_its_code(guarded: Workflow) -> None:
    """A role that may not revoke fails loudly by AWS's own code, and the report is complete."""
    (client,) = guarded.clients(1)
    faults.add(REVOKE, code="AccessDenied", times=100)
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert execution.outcomes == {serial_number.to_hex(client.serial): "FAILED"}
    assert execution.report["Serials"][0]["Error"] == "AccessDeniedException"


def test_errors_of_s3_are_got_over(guarded: Workflow) -> None:
    """S3 answers a few reads with an error of its own: they are repeated, and nothing is to be seen of it."""
    (client,) = guarded.clients(1)
    faults.add("s3:GetObject", code="InternalError", times=2)
    faults.add("s3:GetObjectVersion", code="InternalError", times=2)
    assert guarded.run(client).status == "SUCCEEDED"
    assert client.serial in guarded.held()
