"""RevokeCertificate says what became of one serial; nothing that stays so is an error."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from functions.aws import acm_pca as aws_acm_pca
from functions.errors import AwsCallRefused, AwsUnavailable, CertificateAuthorityBusy
from functions.handlers.revoke_certificate import revoke_certificate
from functions.models.request import RevocationReason, WantedSerial
from functions.models.states import Revocation, RevocationOutcome, RevokeCertificateInput
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.lab.pki import Client
from tests.support.pki import NOW
from tests.support.steps import Bench

REVOKE, GET = "acm-pca:RevokeCertificate", "acm-pca:GetCertificate"
NEVER_ISSUED = 0xABC123


@pytest.fixture
def client(bench: Bench) -> Client:
    """Give a client that is not revoked yet."""
    return bench.lab.authority.issue_client(bench.lab.folder, f"revoke-{bench.name}")


def revoke(bench: Bench, serial: int, now: datetime = NOW) -> Revocation:
    """Run the step."""
    question = RevokeCertificateInput(
        certificate_authority_arn=bench.lab.authority.arn,
        wanted=WantedSerial(serial=serial),
        revocation_reason=RevocationReason.KEY_COMPROMISE,
    )
    return revoke_certificate(question, now)


def test_certificate_under_either_form_of_its_arn(bench: Bench, client: Client) -> None:
    """Its ARN may end in 32 hexadecimal digits, or in decimal: what is not found by one is asked for by the other."""
    asked = Counter[str]()
    faults.observe(lambda action, _: asked.update([action]))
    assert aws_acm_pca.get_certificate(bench.lab.authority.arn, client.serial).startswith("-----BEGIN")
    assert asked == {GET: 1}
    faults.add(GET, code="ResourceNotFoundException")
    with pytest.raises(AwsCallRefused, match=f"certificate/{client.serial} "):
        aws_acm_pca.get_certificate(bench.lab.authority.arn, client.serial)
    assert asked == {GET: 3}


def test_valid_certificate(bench: Bench, client: Client) -> None:
    """It is revoked at Private CA, for the reason given."""
    done = revoke(bench, client.serial)
    assert done == Revocation(serial=client.serial, outcome=RevocationOutcome.REVOKED, at=NOW)
    entry = acm_pca.certificate_authority(bench.lab.authority.arn).revocations[client.serial].entry
    assert "key_compromise" in str(entry.extensions)


def test_already_revoked(bench: Bench, client: Client) -> None:
    """Already revoked is success, and waited for in the CRL."""
    revoke(bench, client.serial)
    again = revoke(bench, client.serial)
    assert (again.outcome, again.error, again.wanted_in_crl) == (RevocationOutcome.ALREADY_REVOKED, None, True)


def test_already_revoked_and_expired(bench: Bench, client: Client) -> None:
    """CRLs no longer hold it, so it is not waited for."""
    revoke(bench, client.serial)
    again = revoke(bench, client.serial, NOW + timedelta(days=31))
    assert (again.outcome, again.wanted_in_crl) == (RevocationOutcome.EXPIRED, False)


def test_expired_and_never_revoked(bench: Bench) -> None:
    """It can no longer be revoked, which is a failure with a name of its own."""
    validity: dict[str, object] = {"Type": "ABSOLUTE", "Value": int(NOW.timestamp()) + 3_600}
    client = bench.lab.authority.issue_client(bench.lab.folder, f"short-{bench.name}", validity)
    faults.add(REVOKE, code="InvalidRequestException")
    done = revoke(bench, client.serial, NOW + timedelta(hours=2))
    assert (done.outcome, done.error) == (RevocationOutcome.FAILED, "CertificateExpired")


def test_refused_as_such_and_not_expired(bench: Bench, client: Client) -> None:
    """AWS's own code is kept when the certificate has not expired."""
    faults.add(REVOKE, code="InvalidRequestException")
    done = revoke(bench, client.serial)
    assert (done.outcome, done.error) == (RevocationOutcome.FAILED, "InvalidRequestException")


def test_already_revoked_and_not_given(bench: Bench, client: Client) -> None:
    """When Private CA does not give the certificate, it counts as valid and is waited for."""
    revoke(bench, client.serial)
    faults.add(GET, code="AccessDeniedException")
    again = revoke(bench, client.serial, NOW + timedelta(days=31))
    assert again.outcome is RevocationOutcome.ALREADY_REVOKED


def test_never_issued(bench: Bench) -> None:
    """A serial that the CA does not know is recorded, compactly."""
    done = revoke(bench, NEVER_ISSUED)
    assert (done.outcome, done.error) == (RevocationOutcome.FAILED, "ResourceNotFoundException")
    assert not done.wanted_in_crl


def test_ca_not_usable(bench: Bench, client: Client) -> None:
    """A state of the CA that does not allow it stays so, and is recorded."""
    faults.add(REVOKE, code="InvalidStateException")
    assert revoke(bench, client.serial).error == "InvalidStateException"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "RequestInProgressException", "ConcurrentModificationException", "RequestFailedException"],
)
def test_ca_busy(bench: Bench, client: Client, code: str) -> None:
    """What passes is raised, for the state machine to ask again."""
    faults.add(REVOKE, code=code, times=5)
    with pytest.raises(CertificateAuthorityBusy, match=code):
        revoke(bench, client.serial)
    faults.clear()
    assert revoke(bench, client.serial).outcome is RevocationOutcome.REVOKED


@pytest.mark.usefixtures("impatient")
def test_no_answer(bench: Bench, client: Client) -> None:
    """A fault of the service is raised; asked again, the revocation that took effect is success."""
    faults.add(REVOKE, code="InternalFailure", after=True, times=1)
    faults.add(REVOKE, code="InternalFailure", times=4)
    with pytest.raises(AwsUnavailable, match="InternalFailure"):
        revoke(bench, client.serial)
    faults.clear()
    assert revoke(bench, client.serial).outcome is RevocationOutcome.ALREADY_REVOKED


def test_time_in_milliseconds(bench: Bench, client: Client) -> None:
    """The time is kept to the millisecond: 500 answers stand side by side in the state."""
    now = NOW.replace(microsecond=123_456)
    assert revoke(bench, client.serial, now).at == NOW.replace(microsecond=123_000)
