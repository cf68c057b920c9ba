"""NotifyWaiting notifies people of revoked certificates that are still accepted, and how to refuse them meanwhile."""

import pytest

from functions.errors import AwsCallRefused
from functions.handlers.notify_waiting import notify_waiting
from functions.models.states import CrlStatus, Notice, NotifyWaitingInput
from infra.local.core import faults
from tests.support.pki import NOW, A, B
from tests.support.reporting import ReceiveMessages, found
from tests.support.steps import Steps


def test_waiting(steps: Steps, receive_messages: ReceiveMessages) -> None:
    """The message lists the serials as the load balancer's header contains them."""
    waiting = found(CrlStatus.NOT_YET, A, B, notices=[Notice.WAIT_BEGINS], notice_due=True)
    result = notify_waiting(
        NotifyWaitingInput(manifest=steps.manifest(A, B, ticket="SEC-1", requested_by="alice"), found=waiting), NOW
    )
    assert result.message_id
    assert result.event_id
    (message,) = receive_messages()
    assert message["Subject"].startswith("mTLS revocation waiting: STILL ACCEPTED until the CRL is attached: 2 of 2")
    assert f"\n  {A:X}\n" in message["Message"]
    assert "X-Amzn-Mtls-Clientcert-Serial-Number" in message["Message"]
    assert "Ticket: SEC-1" in message["Message"]


def test_event_that_cannot_be_sent(steps: Steps, receive_messages: ReceiveMessages) -> None:
    """The message is sent although the event is refused, and the error is raised."""
    waiting = found(CrlStatus.NOT_YET, A, wanted=1, notices=[Notice.WAIT_BEGINS], notice_due=True)
    faults.add("events:PutEvents", code="AccessDenied", times=10)
    with pytest.raises(AwsCallRefused, match="PutEvents"):
        notify_waiting(NotifyWaitingInput(manifest=steps.manifest(A), found=waiting), NOW)
    assert len(receive_messages()) == 1
