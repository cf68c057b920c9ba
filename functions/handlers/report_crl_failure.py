"""ReportCrlFailure: record Private CA's event that it could not publish a CRL, and notify people and programs of it."""

from datetime import datetime

from functions import log, workflow_bucket
from functions.environment import environment
from functions.handler import lambda_handler
from functions.models.events import CrlGenerationEvent
from functions.models.states import Notified
from functions.models.stored import CrlFailure
from functions.report import notification


def report_crl_failure(event: CrlGenerationEvent, _now: datetime) -> Notified:
    """Record the failure first: the report of a waiting execution names it even if no notification can be sent."""
    log.note(CertificateAuthorityArn=event.certificate_authority_arn)
    failure = CrlFailure(
        certificate_authority_arn=event.certificate_authority_arn, at=event.time, reason=event.detail.reason
    )
    workflow_bucket.put_crl_failure(failure)
    return notification.send(notification.for_crl_failure(failure, environment().crl_bucket))


handler = lambda_handler(report_crl_failure)
