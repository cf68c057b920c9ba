"""RevokeCertificate: revoke one serial at Private CA; a failure never stops the others."""

from datetime import datetime

from functions.handler import lambda_handler
from functions.models.states import Revocation, RevokeCertificateInput
from functions.revocation.revoke import revoke


def revoke_certificate(event: RevokeCertificateInput, now: datetime) -> Revocation:
    """Revoke one certificate, for its own reason or else the request's.

    Raises:
        CertificateAuthorityBusy, AwsUnavailable: temporary; the state machine retries.

    """
    reason = event.wanted.revocation_reason or event.revocation_reason
    return revoke(event.certificate_authority_arn, event.wanted.serial, reason, now)


handler = lambda_handler(revoke_certificate)
