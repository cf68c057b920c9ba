"""NotifyOutcome: tell people and programs what the execution came to."""

from datetime import datetime

from functions import workflow_bucket
from functions.handler import lambda_handler
from functions.models.states import Notified, NotifyOutcomeInput
from functions.report import notification


def notify_outcome(event: NotifyOutcomeInput, _now: datetime) -> Notified:
    """Tell it as the report has it; a reconcile that found nothing to correct is not worth a message."""
    told = notification.outcome(workflow_bucket.get_report(event.report), event.report)
    return notification.send(told) if told else Notified()


handler = lambda_handler(notify_outcome)
