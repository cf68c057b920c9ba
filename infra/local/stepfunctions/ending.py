"""End executions: each once, at once when it is stopped, and with all that AWS returns of it.

Stock moto ends a stopped execution when its running task returns; it loses error and cause, and inside a Map the
execution may end FAILED with an AttributeError. An execution that times out has no ExecutionTimedOut event until its
running state returns, if ever.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramStopped,
    ProgramTimedOut,
)
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

# What is replaced below.
STOCK_TERMINATED = BaseExecutionWorkerCommunication.terminated
STOCK_ADD_EVENT = EventManager.add_event
STOCK_SET_ERROR = Environment.set_error

START_SECONDS = 5

# Called with each execution that has ended.
listeners: list[Callable[[Any], None]] = []
_LAST_EVENTS = {
    HistoryEventType.ExecutionSucceeded,
    HistoryEventType.ExecutionFailed,
    HistoryEventType.ExecutionTimedOut,
    HistoryEventType.ExecutionAborted,
}
_lock, _ending = threading.Lock(), threading.Lock()


def stop(execution: Any, error: str | None, cause: str | None) -> None:  # noqa: ANN401 - moto has two classes
    """End an execution ABORTED; one that has ended already stays as it is."""
    if not _has_started(execution):
        return
    environment = execution.exec_worker.env
    environment.set_stop(stop_date=datetime.now(UTC), error=error, cause=cause)
    if isinstance(environment.program_state(), ProgramStopped):
        details = {"executionAbortedEventDetails": {"error": error, "cause": cause}}
        _end(execution, ExecutionStatus.ABORTED, HistoryEventType.ExecutionAborted, details)


def _has_started(execution: Any) -> bool:  # noqa: ANN401 - moto has two classes of that name
    """Wait until an execution's thread has created what `stop` needs."""
    worker: Any = execution.exec_worker
    end = time.monotonic() + START_SECONDS
    while (worker.env is None or worker.env.program_state() is None) and time.monotonic() < end:
        time.sleep(0.001)
    return worker.env is not None


def terminated(communication: BaseExecutionWorkerCommunication) -> None:
    """Set status and result when the interpreter has returned, unless the execution was stopped before.

    Replaces `BaseExecutionWorkerCommunication.terminated`, which sets the status first and the output later.
    """
    execution: Any = communication.execution
    state = execution.exec_worker.env.program_state()
    if isinstance(state, ProgramEnded):
        _end(execution, ExecutionStatus.SUCCEEDED, HistoryEventType.ExecutionSucceeded, {})
    elif isinstance(state, ProgramError):
        _end(execution, ExecutionStatus.FAILED, HistoryEventType.ExecutionFailed, {})
    elif isinstance(state, ProgramTimedOut):
        details: dict[str, Any] = {"executionTimedOutEventDetails": {}}
        _end(execution, ExecutionStatus.TIMED_OUT, HistoryEventType.ExecutionTimedOut, details)


def add_event(manager: Any, context: Any, event_type: HistoryEventType, *arguments: Any, **more: Any) -> int:  # noqa: ANN401
    """Add an event, unless the execution has ended: `EventManager.add_event`."""
    with _lock:
        if getattr(manager, "has_ended", False):
            last: int = context.last_published_event_id
            return last
        manager.has_ended = event_type in _LAST_EVENTS
        return STOCK_ADD_EVENT(manager, context, event_type, *arguments, **more)


def set_error(environment: Environment, error: Any) -> None:  # noqa: ANN401 - moto's own
    """Note an error, unless the execution was stopped or has timed out: `Environment.set_error`."""
    if not isinstance(environment.program_state(), ProgramStopped | ProgramTimedOut):
        STOCK_SET_ERROR(environment, error)


def _end(
    execution: Any,  # noqa: ANN401 - moto has two classes of that name
    status: ExecutionStatus,
    event: HistoryEventType,
    details: dict[str, Any],
) -> None:
    """Set the final status once, after the last event, which the interpreter may have added itself."""
    with _ending:
        if execution.exec_status != ExecutionStatus.RUNNING:
            return
        environment = execution.exec_worker.env
        context = type(environment.event_history_context).of_program_start()
        add_event(environment.event_manager, context, event, event_details=details)
        state = environment.program_state()
        if status == ExecutionStatus.SUCCEEDED:
            execution.output = environment.states.get_input()
        elif status == ExecutionStatus.FAILED:
            execution.error, execution.cause = (state.error or {}).get("error"), (state.error or {}).get("cause")
        elif status == ExecutionStatus.ABORTED:
            execution.error, execution.cause = state.error, state.cause
        execution.stop_date = datetime.now(UTC)
        execution.exec_status = status
    for listener in listeners:
        listener(execution)


def install() -> None:
    """Install the corrections."""
    BaseExecutionWorkerCommunication.terminated = terminated  # type: ignore[assignment,method-assign]
    EventManager.add_event = add_event  # type: ignore[assignment,method-assign]
    Environment.set_error = set_error  # type: ignore[assignment,method-assign]
