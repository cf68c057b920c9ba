"""ReportInterruption: report and send the outcome of an execution that failed and did not do so itself."""

from datetime import datetime

from functions import log, workflow_bucket
from functions.aws import stepfunctions
from functions.errors import ExecutionInterrupted
from functions.handler import lambda_handler
from functions.models.events import ExecutionStatusChange, ExecutionStatusEvent
from functions.models.report import Report
from functions.models.states import Failure, GatheredState, Notified, ReportInput
from functions.models.stored import NotifiedOutcome
from functions.report import notification
from functions.report.build import build_report, write_report
from functions.report.execution_history import rebuild_state
from functions.trust_store import claim

_CLOCK_TOLERANCE_SECONDS = 1.0
_FAILED = "FAILED"


def report_interruption(event: ExecutionStatusEvent, now: datetime) -> Notified:
    """Send the outcome, after writing the report if there is none of it; an interrupted dry run has changed nothing."""
    execution = event.detail
    log.note(ExecutionArn=execution.execution_arn, Status=execution.status)
    notified = workflow_bucket.get_notified_outcome(execution.name)
    if notified and notified.outcome == _FAILED and _is_of(execution, notified):
        return Notified()
    state = rebuild_state(stepfunctions.get_execution_history(execution.execution_arn))
    if _is_dry_run(state):
        return Notified()
    claim.release(state.prepared)
    last = workflow_bucket.last_report(execution.name)
    if last and not _is_of(execution, last[0]):
        last = None
    if last and last[0].outcome == _FAILED:
        return notification.send_outcome(*last)
    failure = _interruption(execution, state.failure, last[0] if last else None)
    report = build_report(
        ReportInput(
            execution_arn=execution.execution_arn,
            execution_name=execution.name,
            start_time=execution.start_date,
            state=state.model_copy(update={"failure": failure}),
        ),
        now,
    )
    report_json, _ = write_report(report)
    return notification.send_outcome(report, report_json)


def _is_of(execution: ExecutionStatusChange, written: Report | NotifiedOutcome) -> bool:
    """Return whether this execution wrote it; its name may be used again after 90 days."""
    difference = abs((written.start_time - execution.start_date).total_seconds())
    return written.execution_arn == execution.execution_arn and difference < _CLOCK_TOLERANCE_SECONDS


def _is_dry_run(state: GatheredState) -> bool:
    return isinstance(state.request, dict) and state.request.get("DryRun") is True


def _interruption(execution: ExecutionStatusChange, earlier: Failure | None, reported: Report | None) -> Failure:
    error = f" ({execution.error}: {execution.cause})" if execution.error else ""
    before = f"; before that, {earlier.error}: {earlier.cause}" if earlier else ""
    report = f"after it had reported {reported.outcome}" if reported else "without a report of its own"
    cause = f"the execution ended {execution.status} {report}{error}{before}"
    return Failure(error=ExecutionInterrupted.__name__, cause=cause)


handler = lambda_handler(report_interruption)
