"""ReportCrlFailure: started by Private CA's event, keep its word for those who wait for the CRL, and tell people."""

from datetime import datetime

from functions import log, notification, workflow_bucket
from functions.aws_events import CrlGenerationEvent
from functions.contracts import Notified
from functions.deployment import deployment
from functions.records import CrlFailure
from functions.task import task


def report_crl_failure(event: CrlGenerationEvent, _now: datetime) -> Notified:
    """Keep it first: the waiting execution's report then names it, whoever could be told."""
    log.note(CertificateAuthorityArn=event.certificate_authority_arn)
    failure = CrlFailure(
        certificate_authority_arn=event.certificate_authority_arn, at=event.time, reason=event.detail.reason
    )
    workflow_bucket.put_crl_failure(failure)
    return notification.send(notification.crl_failure(failure, deployment().crl_bucket))


handler = task(report_crl_failure)
