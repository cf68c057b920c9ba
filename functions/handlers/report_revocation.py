"""ReportRevocation: write the report, emit the metrics, and return the outcome of the execution."""

from collections.abc import Iterator
from datetime import datetime

from functions import metrics
from functions.handler import lambda_handler
from functions.models.drift import DriftStatus
from functions.models.report import PROVEN, Report, ReportLocation
from functions.models.states import ReportInput
from functions.report.build import build_report, write_report
from functions.trust_store import claim


def report_revocation(event: ReportInput, now: datetime) -> ReportLocation:
    """Write the report as JSON and Markdown; the cause of a failure ends with what to do and where the report is."""
    report = build_report(event, now)
    report_json, report_markdown = write_report(report)
    claim.release(event.state.prepared)
    _emit_metrics(report, now)
    report_url = f"s3://{report_markdown.bucket}/{report_markdown.key}"
    return ReportLocation(
        outcome=report.outcome,
        error=report.error,
        cause=report.cause and f"{report.cause} {report.what_to_do} Report: {report_url}",
        summary=report.summary,
        reconciled=report.drift.status if report.drift else None,
        crl_number=report.crl.crl_number if report.crl else None,
        time_to_enforcement_seconds=report.time_to_enforcement_seconds,
        proven=PROVEN if _is_proven(report) else "nothing",
        report_json=report_json,
        report_markdown=report_markdown,
    )


def _is_proven(report: Report) -> bool:
    if report.reconcile:
        return bool(report.trust_stores) and all(store.proven == PROVEN for store in report.trust_stores)
    return report.time_to_enforcement_seconds is not None


def _emit_metrics(report: Report, now: datetime) -> None:
    """Write the execution's counts and its time to enforcement as metrics."""
    if report.certificate_authority is None or report.summary is None:
        return
    values: dict[str, float] = {}
    if report.serials:
        values["SerialsRevoked"] = report.summary.revoked
        values["SerialsFailed"] = report.summary.failed
        values["SerialsEnforced"] = report.summary.enforced
    if report.time_to_enforcement_seconds is not None:
        values["TimeToEnforcement"] = report.time_to_enforcement_seconds
    if report.drift and report.drift.status is DriftStatus.CONFIRMED and report.outcome == "SUCCEEDED":
        values["DriftsCorrected"] = len(report.drift.trust_stores)
    if shares := list(_shares_dropped(report)):
        values["DroppedEntries"] = max(shares)
    if values:
        metrics.emit(values, {"CertificateAuthority": report.certificate_authority}, now)


def _shares_dropped(report: Report) -> Iterator[float]:
    """Yield how much of each trust store's entries of this CA is not in the new list, in percent."""
    for store in report.trust_stores:
        if store.entries_dropped is not None and store.entries_before:
            yield 100 * store.entries_dropped / store.entries_before


handler = lambda_handler(report_revocation)
