"""RevokeCertificate: one serial at Private CA. A failure never stops the others."""

from datetime import datetime

from functions.handler import task
from functions.models.states import Revocation, RevokeCertificateInput
from functions.revocation.revoke import revoke


def revoke_certificate(question: RevokeCertificateInput, now: datetime) -> Revocation:
    """Revoke one certificate, for the reason of its own or else that of the request.

    Raises:
        CertificateAuthorityBusy, AwsUnavailable: to be asked again, which the state machine does.

    """
    reason = question.wanted.revocation_reason or question.revocation_reason
    return revoke(question.certificate_authority_arn, question.wanted.serial, reason, now)


handler = task(revoke_certificate)
