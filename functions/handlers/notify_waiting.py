"""NotifyWaiting: notify people that certificates are revoked but not yet blocked, and what to do meanwhile."""

from datetime import datetime

from functions import workflow_bucket
from functions.handler import lambda_handler
from functions.models.states import Notified, NotifyWaitingInput
from functions.report import notification


def notify_waiting(event: NotifyWaitingInput, _now: datetime) -> Notified:
    """Send the notice that FindCrl found to be due."""
    manifest = workflow_bucket.get_manifest(event.manifest)
    return notification.send(notification.for_waiting(manifest, event.found))


handler = lambda_handler(notify_waiting)
