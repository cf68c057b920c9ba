"""Private CA refuses, throttles or knows better: what can be revoked is, and what was not is named."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.acm_pca.certificate_authority import CertificateAuthority
from infra.local.core import faults
from tests.support.workflow import REVOKE, Workflow, calls_of

UNKNOWN = "de:ad:be:ef:00:01"


@pytest.fixture
def ca(guarded: Workflow) -> CertificateAuthority:
    """Return the CA as it is behind Private CA's API."""
    return acm_pca.certificate_authority(guarded.authority.arn)


def test_unknown_serial_does_not_stop_the_others(guarded: Workflow) -> None:
    """Private CA does not know one of three serials: the other two are enforced, and the failure names the third."""
    good, other = guarded.clients(2)
    execution = guarded.run(good, UNKNOWN, other)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert f"serials not revoked: 1 of 3: {UNKNOWN} (ResourceNotFoundException)" in execution.cause
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


def test_no_wait_if_nothing_was_revoked(guarded: Workflow) -> None:
    """Without a revocation there is no CRL to wait for, so the execution fails at once."""
    execution = guarded.run(UNKNOWN, seconds=300)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert "WaitForCrl" not in execution.states
    assert execution.find_crl_statuses == ["NOTHING_WANTED"]


def test_expired_certificate(guarded: Workflow) -> None:
    """Private CA cannot revoke an expired certificate, and the report gives that reason."""
    (client,) = guarded.clients(1)
    guarded.expire(client)
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert f"{serial_number.to_hex(client.serial)} (CertificateExpired)" in execution.cause


def test_certificate_that_expired_after_its_revocation_is_not_waited_for(
    guarded: Workflow, ca: CertificateAuthority
) -> None:
    """CRLs no longer list it, so the other serial is enforced and the execution succeeds."""
    gone, fresh = guarded.clients(2)
    ca.revoke(serial_number.to_hex(gone.serial), "KEY_COMPROMISE")
    guarded.expire(gone)
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


def test_disabled_ca_still_revokes(guarded: Workflow) -> None:
    """Disabling the CA is often the first reaction to an incident; it still revokes and publishes."""
    (client,) = guarded.clients(1)
    with disabled(guarded):
        assert guarded.run(client).status == "SUCCEEDED"
    assert client.serial in guarded.held()


def test_serial_in_every_notation_is_revoked_once(guarded: Workflow) -> None:
    """Colons, plain hexadecimal, 0x and any case are one number, so there is one call and no second refusal."""
    (client,) = guarded.clients(1)
    digits = f"{client.serial:x}"
    revoked = calls_of(REVOKE)
    written = serial_number.to_hex(client.serial)
    execution = guarded.run(written, written.upper(), digits, digits.upper(), f"0x{digits}", client)
    assert execution.status == "SUCCEEDED"
    assert len(revoked) == 1
    assert execution.outcomes == {written: "REVOKED"}
    assert client.serial in guarded.held()


def test_throttled_revocations_are_retried(guarded: Workflow, ca: CertificateAuthority) -> None:
    """Others use up the quota of Private CA: every serial is revoked all the same."""
    clients = guarded.clients(6)
    guarded.aws.settings.private_ca.revocation_burst = 1
    guarded.aws.settings.private_ca.revocations_per_second = 20
    calls = calls_of(REVOKE)
    execution = guarded.run(*clients)
    assert execution.status == "SUCCEEDED"
    assert len(calls) > len(clients)  # some were refused at first
    assert {client.serial for client in clients} <= set(ca.revocations) & guarded.held()


def test_revocation_whose_response_is_lost(guarded: Workflow) -> None:
    """The certificate was revoked although the response was an error: the retry finds it already revoked."""
    (client,) = guarded.clients(1)
    faults.add(REVOKE, code="InternalFailure", status=500, after=True)
    execution = guarded.run(client)
    assert execution.status == "SUCCEEDED"
    assert execution.outcomes == {serial_number.to_hex(client.serial): "ALREADY_REVOKED"}
    assert client.serial in guarded.held()


def test_denied_revocation_is_reported_with_its_code(guarded: Workflow) -> None:
    """A role that may not revoke fails with AWS's own error code, and the report is complete."""
    (client,) = guarded.clients(1)
    faults.add(REVOKE, code="AccessDenied", times=100)
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "SerialsNotRevoked")
    assert execution.outcomes == {serial_number.to_hex(client.serial): "FAILED"}
    assert execution.report["Serials"][0]["Error"] == "AccessDeniedException"


def test_errors_of_s3_are_retried(guarded: Workflow) -> None:
    """S3 answers some reads with InternalError: they are retried, and the execution succeeds."""
    (client,) = guarded.clients(1)
    faults.add("s3:GetObject", code="InternalError", times=2)
    faults.add("s3:GetObjectVersion", code="InternalError", times=2)
    assert guarded.run(client).status == "SUCCEEDED"
    assert client.serial in guarded.held()
