"""RevokeCertificate: one serial at Private CA. A failure never stops the others."""

from datetime import datetime

from functions.handler import lambda_handler
from functions.models.states import Revocation, RevokeCertificateInput
from functions.revocation.revoke import revoke


def revoke_certificate(event: RevokeCertificateInput, now: datetime) -> Revocation:
    """Revoke one certificate, for the reason of its own or else that of the request.

    Raises:
        CertificateAuthorityBusy, AwsUnavailable: to be asked again, which the state machine does.

    """
    reason = event.wanted.revocation_reason or event.revocation_reason
    return revoke(event.certificate_authority_arn, event.wanted.serial, reason, now)


handler = lambda_handler(revoke_certificate)
