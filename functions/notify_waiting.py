"""NotifyWaiting: tell people that certificates are revoked and not yet blocked, and what to do meanwhile."""

from datetime import datetime

from functions import notification, workflow_bucket
from functions.contracts import Notified, NotifyWaitingInput
from functions.task import task


def notify_waiting(question: NotifyWaitingInput, _now: datetime) -> Notified:
    """Tell what FindCrl found to be due."""
    manifest = workflow_bucket.get_manifest(question.manifest)
    return notification.send(notification.waiting(manifest, question.found))


handler = task(notify_waiting)
