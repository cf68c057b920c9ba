"""Faults that cannot be made otherwise: refusals, lost answers and delays, met by whoever calls the server."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.core.requests import Call, ServiceError


@dataclass
class Fault:
    """One fault: which calls meet it, how often, and what happens to them."""

    action: str
    code: str | None
    message: str
    times: int
    after: bool
    delay: float
    status: int | None
    role_name: str | None

    def error(self) -> ServiceError | None:
        """Return what the caller is answered; None when the call is only delayed."""
        return ServiceError(self.code, self.message, self.status) if self.code else None


_lock = threading.Lock()
_faults: list[Fault] = []
_observers: list[Callable[[str, str], None]] = []


def add(  # noqa: PLR0913 - each is a property of the fault, named at the call
    action: str,
    *,
    code: str | None = None,
    message: str = "An injected fault",
    times: int = 1,
    after: bool = False,
    delay: float = 0.0,
    status: int | None = None,
    role_name: str | None = None,
) -> None:
    """Let the next calls of an action fail.

    Args:
        action: as IAM names it, e.g. `elasticloadbalancing:AddTrustStoreRevocations`.
        code: AWS's error code; without one, calls are only delayed.
        message: AWS's words.
        times: how many calls meet it.
        after: the call takes effect first, and only its answer is lost.
        delay: how many seconds a call is held before it is carried out.
        status: the HTTP status, where it is not the code's usual one; boto3 itself retries a 5xx.
        role_name: only calls of this role meet it.

    """
    with _lock:
        _faults.append(Fault(action, code, message, times, after, delay, status, role_name))


def observe(callback: Callable[[str, str], None]) -> None:
    """Have each (action, resource) told before it is carried out, in the request's own thread."""
    with _lock:
        _observers.append(callback)


def clear() -> None:
    """Forget all faults and observers."""
    with _lock:
        _faults.clear()
        _observers.clear()


def announce(call: Call) -> None:
    """Tell the observers of a call; they may hold it."""
    with _lock:
        observers = list(_observers)
    for observer in observers:
        observer(call.action, call.resource)


def take(call: Call, role_name: str | None) -> Fault | None:
    """Return the fault that a call meets, after its delay, or None."""
    with _lock:
        fault = next((each for each in _faults if _meets(each, call, role_name)), None)
        if fault is None:
            return None
        fault.times -= 1
        if not fault.times:
            _faults.remove(fault)
    time.sleep(fault.delay)
    return fault


def _meets(fault: Fault, call: Call, role_name: str | None) -> bool:
    return fault.action == call.action and fault.role_name in (None, role_name)
