"""NotifyOutcome: notify people and programs of the execution's outcome."""

from datetime import datetime

from functions import workflow_bucket
from functions.handler import lambda_handler
from functions.models.states import Notified, NotifyOutcomeInput
from functions.report import notification


def notify_outcome(event: NotifyOutcomeInput, _now: datetime) -> Notified:
    """Send the outcome as the report states it; nothing for a reconcile that found nothing to correct."""
    report = workflow_bucket.get_report(event.report)
    return notification.send_outcome(report, event.report)


handler = lambda_handler(notify_outcome)
