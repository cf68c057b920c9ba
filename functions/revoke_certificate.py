"""RevokeCertificate: one serial at Private CA. Already revoked is success; a failure never stops the others."""

from datetime import datetime

from cryptography import x509

from functions import aws, serials
from functions.contracts import Revocation, RevocationOutcome, RevokeCertificateInput
from functions.errors import AwsCallRefused
from functions.task import task

_ALREADY_REVOKED = "RequestAlreadyProcessedException"
_REFUSED_AS_SUCH = "InvalidRequestException"


def revoke_certificate(question: RevokeCertificateInput, now: datetime) -> Revocation:
    """Revoke one certificate and say, compactly, what became of it.

    Raises:
        CertificateAuthorityBusy, AwsUnavailable: to be asked again, which the state machine does.

    """
    arn, serial = question.certificate_authority_arn, question.serial
    refusal = aws.revoke_certificate(arn, serials.write(serial), question.revocation_reason)
    outcome, error = RevocationOutcome.REVOKED, None
    if refusal == _ALREADY_REVOKED:
        outcome = RevocationOutcome.ALREADY_REVOKED
        if _has_expired(arn, serial, now):
            outcome = RevocationOutcome.EXPIRED
    elif refusal:
        outcome, error = RevocationOutcome.FAILED, refusal
        if refusal == _REFUSED_AS_SUCH and _has_expired(arn, serial, now):
            error = "CertificateExpired"
    return Revocation(
        serial=serial, outcome=outcome, at=now.replace(microsecond=now.microsecond // 1000 * 1000), error=error
    )


def _has_expired(certificate_authority_arn: str, serial: int, now: datetime) -> bool:
    """Ask Private CA for the certificate: an expired one leaves the CRL and can no longer be revoked.

    When the CA does not give it, it counts as valid, and is waited for.

    """
    try:
        pem = aws.get_certificate(certificate_authority_arn, f"{serial:032x}")
    except AwsCallRefused:
        return False
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc < now


handler = task(revoke_certificate)
