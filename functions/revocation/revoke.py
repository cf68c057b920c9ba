"""Revokes one certificate at Private CA; one that is already revoked is a success."""

import contextlib
from datetime import datetime

from functions.aws import acm_pca
from functions.errors import AwsCallRefused, InvalidCertificate
from functions.models.request import RevocationReason
from functions.models.states import Revocation, RevocationOutcome
from functions.pki import serial_number
from functions.pki.chain import load

_ALREADY_REVOKED = "RequestAlreadyProcessedException"
_INVALID_REQUEST = "InvalidRequestException"


def revoke(certificate_authority_arn: str, serial: int, reason: RevocationReason, now: datetime) -> Revocation:
    """Revoke one certificate and return the outcome.

    Raises:
        CertificateAuthorityBusy, AwsUnavailable: temporary; retry, which is safe.

    """
    code = acm_pca.revoke_certificate(certificate_authority_arn, serial_number.to_hex(serial), reason)
    outcome, error = RevocationOutcome.REVOKED, None
    if code == _ALREADY_REVOKED:
        outcome = RevocationOutcome.ALREADY_REVOKED
        if _has_expired(certificate_authority_arn, serial, now):
            outcome = RevocationOutcome.EXPIRED
    elif code:
        outcome, error = RevocationOutcome.FAILED, code
        if code == _INVALID_REQUEST and _has_expired(certificate_authority_arn, serial, now):
            error = "CertificateExpired"
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return Revocation(serial=serial, outcome=outcome, at=at, error=error)


def _has_expired(certificate_authority_arn: str, serial: int, now: datetime) -> bool:
    """Return whether a certificate has expired: it then leaves the CRL and can no longer be revoked.

    A certificate that Private CA refuses to return, or that cannot be read, counts as valid: the workflow waits for it.

    """
    try:
        pem = acm_pca.get_certificate(certificate_authority_arn, serial)
    except AwsCallRefused:
        return False
    with contextlib.suppress(InvalidCertificate):
        return load(pem.encode(), "the certificate cannot be read", InvalidCertificate).not_valid_after_utc < now
    return False
