"""RevokeCertificate returns one serial's outcome; only temporary conditions are raised as errors."""

from datetime import datetime, timedelta

import pytest

from functions.errors import AwsUnavailable, CertificateAuthorityBusy
from functions.handlers.revoke_certificate import revoke_certificate
from functions.models.request import RevocationReason, WantedSerial
from functions.models.states import Revocation, RevocationOutcome, RevokeCertificateInput
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.lab.pki import Client
from tests.support.pki import NOW
from tests.support.steps import Steps

REVOKE = "acm-pca:RevokeCertificate"
NEVER_ISSUED = 0xABC123


@pytest.fixture
def client(steps: Steps) -> Client:
    """Return a client that is not revoked yet."""
    return steps.lab.authority.issue_client(steps.lab.folder, f"revoke-{steps.name}")


def revoke(steps: Steps, serial: int, now: datetime = NOW) -> Revocation:
    """Run the step."""
    event = RevokeCertificateInput(
        certificate_authority_arn=steps.lab.authority.arn,
        wanted=WantedSerial(serial=serial),
        revocation_reason=RevocationReason.KEY_COMPROMISE,
    )
    return revoke_certificate(event, now)


def test_valid_certificate(steps: Steps, client: Client) -> None:
    """A valid certificate is revoked at Private CA, for the requested reason."""
    result = revoke(steps, client.serial)
    assert result == Revocation(serial=client.serial, outcome=RevocationOutcome.REVOKED, at=NOW)
    entry = acm_pca.certificate_authority(steps.lab.authority.arn).revocations[client.serial].entry
    assert "key_compromise" in str(entry.extensions)


def test_already_revoked(steps: Steps, client: Client) -> None:
    """A certificate that is already revoked is a success, and the workflow waits for it in the CRL."""
    revoke(steps, client.serial)
    again = revoke(steps, client.serial)
    assert (again.outcome, again.error, again.wanted_in_crl) == (RevocationOutcome.ALREADY_REVOKED, None, True)


def test_already_revoked_and_expired(steps: Steps, client: Client) -> None:
    """CRLs no longer hold an expired certificate, so the workflow does not wait for it."""
    revoke(steps, client.serial)
    again = revoke(steps, client.serial, NOW + timedelta(days=31))
    assert (again.outcome, again.wanted_in_crl) == (RevocationOutcome.EXPIRED, False)


def test_expired_and_never_revoked(steps: Steps) -> None:
    """An expired certificate can no longer be revoked; the failure has an error of its own."""
    validity: dict[str, object] = {"Type": "ABSOLUTE", "Value": int(NOW.timestamp()) + 3_600}
    client = steps.lab.authority.issue_client(steps.lab.folder, f"short-{steps.name}", validity)
    faults.add(REVOKE, code="InvalidRequestException")
    result = revoke(steps, client.serial, NOW + timedelta(hours=2))
    assert (result.outcome, result.error) == (RevocationOutcome.FAILED, "CertificateExpired")


def test_invalid_request_and_not_expired(steps: Steps, client: Client) -> None:
    """AWS's own error code is kept if the certificate has not expired."""
    faults.add(REVOKE, code="InvalidRequestException")
    result = revoke(steps, client.serial)
    assert (result.outcome, result.error) == (RevocationOutcome.FAILED, "InvalidRequestException")


def test_already_revoked_and_not_readable(steps: Steps, client: Client) -> None:
    """If Private CA refuses to return the certificate, it counts as valid and the workflow waits for it."""
    revoke(steps, client.serial)
    faults.add("acm-pca:GetCertificate", code="AccessDeniedException")
    again = revoke(steps, client.serial, NOW + timedelta(days=31))
    assert again.outcome is RevocationOutcome.ALREADY_REVOKED


def test_never_issued(steps: Steps) -> None:
    """A serial that the CA did not issue is recorded as failed, with AWS's error code."""
    result = revoke(steps, NEVER_ISSUED)
    assert (result.outcome, result.error) == (RevocationOutcome.FAILED, "ResourceNotFoundException")
    assert not result.wanted_in_crl


def test_ca_not_usable(steps: Steps, client: Client) -> None:
    """A CA state that does not allow revocation is permanent, so it is recorded."""
    faults.add(REVOKE, code="InvalidStateException")
    assert revoke(steps, client.serial).error == "InvalidStateException"


@pytest.mark.usefixtures("no_retry_delay")
@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "RequestInProgressException", "ConcurrentModificationException", "RequestFailedException"],
)
def test_ca_busy(steps: Steps, client: Client, code: str) -> None:
    """A temporary error is raised, so that the state machine retries."""
    faults.add(REVOKE, code=code, times=5)
    with pytest.raises(CertificateAuthorityBusy, match=code):
        revoke(steps, client.serial)
    faults.clear()
    assert revoke(steps, client.serial).outcome is RevocationOutcome.REVOKED


@pytest.mark.usefixtures("no_retry_delay")
def test_no_answer(steps: Steps, client: Client) -> None:
    """A server fault is raised; on a retry, a revocation that took effect is a success."""
    faults.add(REVOKE, code="InternalFailure", after=True, times=1)
    faults.add(REVOKE, code="InternalFailure", times=4)
    with pytest.raises(AwsUnavailable, match="InternalFailure"):
        revoke(steps, client.serial)
    faults.clear()
    assert revoke(steps, client.serial).outcome is RevocationOutcome.ALREADY_REVOKED


def test_time_in_milliseconds(steps: Steps, client: Client) -> None:
    """The time is rounded down to the millisecond: the state holds 500 of these results."""
    now = NOW.replace(microsecond=123_456)
    assert revoke(steps, client.serial, now).at == NOW.replace(microsecond=123_000)


def test_invalid_request_and_unreadable(steps: Steps, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that cannot be read counts as valid."""
    monkeypatch.setattr("functions.aws.acm_pca.get_certificate", lambda *_: "hello")
    faults.add(REVOKE, code="InvalidRequestException")
    assert revoke(steps, client.serial).error == "InvalidRequestException"
