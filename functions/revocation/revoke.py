"""Revoking one certificate at Private CA, and what became of it. Already revoked is success."""

from datetime import datetime

from cryptography import x509

from functions.aws import acm_pca as aws_acm_pca
from functions.errors import AwsCallRefused
from functions.models.request import RevocationReason
from functions.models.states import Revocation, RevocationOutcome
from functions.pki import serial_number

_ALREADY_REVOKED = "RequestAlreadyProcessedException"
_REFUSED_AS_SUCH = "InvalidRequestException"


def revoke(certificate_authority_arn: str, serial: int, reason: RevocationReason, now: datetime) -> Revocation:
    """Revoke one certificate and say, compactly, what became of it.

    Raises:
        CertificateAuthorityBusy, AwsUnavailable: to be asked again, which is safe.

    """
    refusal = aws_acm_pca.revoke_certificate(certificate_authority_arn, serial_number.to_hex(serial), reason)
    outcome, error = RevocationOutcome.REVOKED, None
    if refusal == _ALREADY_REVOKED:
        outcome = RevocationOutcome.ALREADY_REVOKED
        if _has_expired(certificate_authority_arn, serial, now):
            outcome = RevocationOutcome.EXPIRED
    elif refusal:
        outcome, error = RevocationOutcome.FAILED, refusal
        if refusal == _REFUSED_AS_SUCH and _has_expired(certificate_authority_arn, serial, now):
            error = "CertificateExpired"
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return Revocation(serial=serial, outcome=outcome, at=at, error=error)


def _has_expired(certificate_authority_arn: str, serial: int, now: datetime) -> bool:
    """Ask Private CA for the certificate: an expired one leaves the CRL and can no longer be revoked.

    When the CA does not give it, it counts as valid, and is waited for.

    """
    try:
        pem = aws_acm_pca.get_certificate(certificate_authority_arn, serial)
    except AwsCallRefused:
        return False
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc < now
