"""NotifyWaiting: tell people that certificates are revoked and not yet blocked, and what to do meanwhile."""

from datetime import datetime

from functions import workflow_bucket
from functions.handler import task
from functions.models.states import Notified, NotifyWaitingInput
from functions.report import notification


def notify_waiting(question: NotifyWaitingInput, _now: datetime) -> Notified:
    """Tell what FindCrl found to be due."""
    manifest = workflow_bucket.get_manifest(question.manifest)
    return notification.send(notification.waiting(manifest, question.found))


handler = task(notify_waiting)
