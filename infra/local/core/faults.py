"""Inject faults into requests: errors, lost responses and delays that a test cannot cause in another way."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.core.requests import ServiceError, SignedRequest


@dataclass
class Fault:
    """One fault: which requests it affects, how often, and what happens to them."""

    action: str
    code: str | None
    message: str
    times: int
    after: bool
    delay: float
    status: int | None
    role_name: str | None

    def error(self) -> ServiceError | None:
        """Return the error response; None if the request is only delayed."""
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
    """Make the next requests for an action fail.

    Args:
        action: as IAM names it, e.g. `elasticloadbalancing:AddTrustStoreRevocations`.
        code: AWS's error code; without one, requests are only delayed.
        message: AWS's message.
        times: how many requests it affects.
        after: the request takes effect first, and only its response is lost.
        delay: seconds that a request is held before it is handled.
        status: the HTTP status, where it is not the code's usual one; boto3 itself retries a 5xx.
        role_name: the only role whose requests it affects; by default all callers.

    """
    with _lock:
        _faults.append(Fault(action, code, message, times, after, delay, status, role_name))


def observe(callback: Callable[[str, str], None]) -> None:
    """Call `callback` with action and resource before each request is handled, in the request's own thread."""
    with _lock:
        _observers.append(callback)


def clear() -> None:
    """Forget all faults and observers."""
    with _lock:
        _faults.clear()
        _observers.clear()


def notify_observers(request: SignedRequest) -> None:
    """Call the observers, which may hold the request."""
    with _lock:
        observers = list(_observers)
    for observer in observers:
        observer(request.action, request.resource)


def take_next(request: SignedRequest, role_name: str | None) -> Fault | None:
    """Return the fault that affects a request, after its delay, or None; it counts as one of its times."""
    with _lock:
        fault = next((each for each in _faults if _affects(each, request, role_name)), None)
        if fault is None:
            return None
        fault.times -= 1
        if not fault.times:
            _faults.remove(fault)
    time.sleep(fault.delay)
    return fault


def _affects(fault: Fault, request: SignedRequest, role_name: str | None) -> bool:
    return fault.action == request.action and fault.role_name in (None, role_name)
