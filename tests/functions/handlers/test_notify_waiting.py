"""NotifyWaiting notifies people of revoked certificates that are still accepted, and how to refuse them meanwhile."""

from functions.handlers.notify_waiting import notify_waiting
from functions.models.states import CrlStatus, Notice, NotifyWaitingInput
from tests.support.pki import NOW
from tests.support.reporting import ReceiveMessages, found
from tests.support.steps import A, B, Steps


def test_waiting(steps: Steps, receive_messages: ReceiveMessages) -> None:
    """The message lists the serials as the load balancer's header contains them."""
    waiting = found(CrlStatus.NOT_YET, A, B, notices=[Notice.WAIT_BEGINS], notice_due=True)
    result = notify_waiting(NotifyWaitingInput(manifest=steps.manifest(A, B, ticket="SEC-1"), found=waiting), NOW)
    assert result.message_id
    assert result.event_id
    (message,) = receive_messages()
    assert message["Subject"].startswith("Waiting: 2 of 2 revoked certificates are STILL ACCEPTED")
    assert f"\n  {A:X}\n" in message["Message"]
    assert "X-Amzn-Mtls-Clientcert-Serial-Number" in message["Message"]
    assert "Ticket: SEC-1" in message["Message"]
