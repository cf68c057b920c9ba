"""ReportCrlFailure: started by Private CA's event, keep its word for those who wait for the CRL, and tell people."""

from datetime import datetime

from functions import log, workflow_bucket
from functions.environment import environment
from functions.handler import lambda_handler
from functions.models.events import CrlGenerationEvent
from functions.models.states import Notified
from functions.models.stored import CrlFailure
from functions.report import notification


def report_crl_failure(event: CrlGenerationEvent, _now: datetime) -> Notified:
    """Keep it first: the waiting execution's report then names it, whoever could be told."""
    log.note(CertificateAuthorityArn=event.certificate_authority_arn)
    failure = CrlFailure(
        certificate_authority_arn=event.certificate_authority_arn, at=event.time, reason=event.detail.reason
    )
    workflow_bucket.put_crl_failure(failure)
    return notification.send(notification.crl_failure(failure, environment().crl_bucket))


handler = lambda_handler(report_crl_failure)
