"""ReportInterruption: write the report that an interrupted execution could not write itself, and send its outcome."""

from datetime import datetime

from functions import log, workflow_bucket
from functions.aws import stepfunctions
from functions.errors import ExecutionInterrupted
from functions.handler import lambda_handler
from functions.models.events import ExecutionStatusChange, ExecutionStatusEvent
from functions.models.states import Failure, GatheredState, Notified, ReportInput
from functions.report import notification
from functions.report.build import build_report, write_report
from functions.report.execution_history import rebuild_state

_CLOCK_TOLERANCE_SECONDS = 1.0


def report_interruption(event: ExecutionStatusEvent, now: datetime) -> Notified:
    """Write the report and send its notification, unless the execution wrote its own or was a dry run."""
    execution = event.detail
    log.note(ExecutionArn=execution.execution_arn, Status=execution.status)
    if _has_report(execution):
        return Notified()
    state = rebuild_state(stepfunctions.get_execution_history(execution.execution_arn))
    if _is_dry_run(state):
        return Notified()
    report = build_report(
        ReportInput(
            execution_arn=execution.execution_arn,
            execution_name=execution.name,
            start_time=execution.start_date,
            state=state.model_copy(update={"failure": _interruption(execution, state.failure)}),
        ),
        now,
    )
    report_json, _ = write_report(report)
    message = notification.for_outcome(report, report_json)
    return notification.send(message) if message else Notified()


def _has_report(execution: ExecutionStatusChange) -> bool:
    """Return whether the execution wrote its report; its name may be used again after 90 days."""
    report = workflow_bucket.last_report(execution.name)
    if report is None or report.execution_arn != execution.execution_arn:
        return False
    return abs((report.start_time - execution.start_date).total_seconds()) < _CLOCK_TOLERANCE_SECONDS


def _is_dry_run(state: GatheredState) -> bool:
    return isinstance(state.request, dict) and state.request.get("DryRun") is True


def _interruption(execution: ExecutionStatusChange, earlier: Failure | None) -> Failure:
    error = f" ({execution.error}: {execution.cause})" if execution.error else ""
    before = f"; before that, {earlier.error}: {earlier.cause}" if earlier else ""
    cause = f"the execution ended {execution.status} without a report of its own{error}{before}"
    return Failure(error=ExecutionInterrupted.__name__, cause=cause)


handler = lambda_handler(report_interruption)
