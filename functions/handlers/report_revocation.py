"""ReportRevocation: write the report, measure, and say what the execution came to."""

from datetime import datetime

from functions import metrics, workflow_bucket
from functions.handler import lambda_handler
from functions.models.report import PROVEN, Report, ReportLocation
from functions.models.states import Drift, DriftStatus, ReportInput
from functions.report import build as gathered_report
from functions.trust_store import claim as claims


def report_revocation(event: ReportInput, now: datetime) -> ReportLocation:
    """Write the report as JSON and Markdown; after a failure it says what to do."""
    report = gathered_report.build(event, now)
    json_at, markdown_at = gathered_report.keep(report)
    _end_claim(event, now)
    _measure(report, now)
    cause = report.cause and f"{report.cause} {report.what_to_do} Report: s3://{markdown_at.bucket}/{markdown_at.key}"
    return ReportLocation(
        outcome=report.outcome,
        error=report.error,
        cause=cause,
        summary=report.summary,
        reconciled=report.drift.status if report.drift else None,
        crl_number=report.crl.crl_number if report.crl else None,
        time_to_enforcement_seconds=report.time_to_enforcement_seconds,
        proven=PROVEN if _is_proven(report) else "nothing",
        report_json=json_at,
        report_markdown=markdown_at,
    )


def _is_proven(report: Report) -> bool:
    if report.reconcile:
        return bool(report.trust_stores) and all(store.proven == PROVEN for store in report.trust_stores)
    return report.time_to_enforcement_seconds is not None


def _end_claim(event: ReportInput, now: datetime) -> None:
    """Free the drift, corrected or not, for the next reconcile."""
    found, prepared = event.state.found, event.state.prepared
    if prepared and isinstance(found, Drift) and found.status is DriftStatus.CONFIRMED:
        claims.release(workflow_bucket.get_manifest(prepared.manifest), found, now)


def _measure(report: Report, now: datetime) -> None:
    """Tell what the execution came to in numbers."""
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
    if values:
        metrics.emit(values, {"CertificateAuthority": report.certificate_authority}, now)


handler = lambda_handler(report_revocation)
