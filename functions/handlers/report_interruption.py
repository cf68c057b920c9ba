"""ReportInterruption: started by the event of an execution's end, write the report that it could not write itself."""

from datetime import datetime

from functions import log, workflow_bucket
from functions.aws import stepfunctions
from functions.errors import ExecutionInterrupted
from functions.handler import lambda_handler
from functions.models.events import ExecutionStatusChange, ExecutionStatusEvent
from functions.models.states import Failure, Notified, ReportInput
from functions.report import build as gathered_report
from functions.report import execution_history, notification

_A_SECOND = 1.0


def report_interruption(event: ExecutionStatusEvent, now: datetime) -> Notified:
    """Report and tell; an execution that has written its report has told of it too."""
    ended = event.detail
    log.note(ExecutionArn=ended.execution_arn, Status=ended.status)
    if _has_report(ended):
        return Notified()
    state = execution_history.gathered(stepfunctions.get_execution_history(ended.execution_arn))
    if isinstance(state.request, dict) and state.request.get("DryRun") is True:
        return Notified()  # it has changed nothing, and writes nothing
    before = f"; before that, {state.failure.error}: {state.failure.cause}" if state.failure else ""
    why = f" ({ended.error}: {ended.cause})" if ended.error else ""
    told = f"the execution ended {ended.status} without a report of its own{why}{before}"
    failure = Failure(error=ExecutionInterrupted.__name__, cause=told)
    report = gathered_report.build(
        ReportInput(
            execution_arn=ended.execution_arn,
            execution_name=ended.name,
            start_time=ended.start_date,
            state=state.model_copy(update={"failure": failure}),
        ),
        now,
    )
    report_json, _ = gathered_report.keep(report)
    message = notification.outcome(report, report_json)
    return notification.send(message) if message else Notified()


def _has_report(ended: ExecutionStatusChange) -> bool:
    """Tell whether its report is there; a name may be used again after 90 days."""
    report = workflow_bucket.last_report(ended.name)
    if report is None or report.execution_arn != ended.execution_arn:
        return False
    return abs((report.start_time - ended.start_date).total_seconds()) < _A_SECOND


handler = lambda_handler(report_interruption)
