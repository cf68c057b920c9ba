"""NotifyOutcome: tell people and programs what the execution came to."""

from datetime import datetime

from functions import workflow_bucket
from functions.handler import task
from functions.models.states import Notified, NotifyOutcomeInput
from functions.report import notification


def notify_outcome(question: NotifyOutcomeInput, _now: datetime) -> Notified:
    """Tell it as the report has it; a reconcile that found nothing to correct is not worth a message."""
    told = notification.outcome(workflow_bucket.get_report(question.report), question.report)
    return notification.send(told) if told else Notified()


handler = task(notify_outcome)
