"""Notifications: a message for people through Amazon SNS, and an event for programs through Amazon EventBridge."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions import text, workflow_bucket
from functions.aws import events, sns
from functions.environment import environment
from functions.errors import RevocationError
from functions.models.base import S3Object
from functions.models.drift import DriftStatus
from functions.models.report import Report
from functions.models.states import FoundCrl, Notice, Notified
from functions.models.stored import CrlFailure, Manifest
from functions.pki import serial_number
from functions.report.crl_failure import error_class
from functions.report.markdown import next_update_warning

SOURCE = "mtls-revocation"
_SUBJECT_PREFIX = "mTLS revocation"
_DETAIL_TYPE_PREFIX = "Client Certificate Revocation"
# Amazon SNS accepts 256 KiB and subjects of 100 characters, EventBridge 256 KiB an event.
_MAX_SUBJECT = 100
_MAX_SERIALS_IN_MESSAGE = 100
_MAX_SERIALS_IN_EVENT = 500
_MAX_CAUSE = 10_000
_SERIAL_NUMBER_HEADER = "X-Amzn-Mtls-Clientcert-Serial-Number"


@dataclass(frozen=True, slots=True)
class Notification:
    """A subject and lines for people; a detail type and its detail for programs."""

    subject: str
    lines: list[str]
    detail_type: str
    detail: dict[str, Any]


def send(notification: Notification) -> Notified:
    """Send a notification to people and programs; the message is sent even if the event could not be.

    Raises:
        AwsCallRefused, AwsUnavailable: one of the two was not sent. On a retry the other is sent a second time.

    """
    event_error: RevocationError | None = None
    event_id: str | None = None
    try:
        event_id = events.put_event(environment().event_bus_name, SOURCE, notification.detail_type, notification.detail)
    except RevocationError as error:
        event_error = error
    message_id = sns.publish(environment().topic_arn, *text_of(notification))
    if event_error:
        raise event_error
    return Notified(message_id=message_id, event_id=event_id)


def text_of(notification: Notification) -> tuple[str, str]:
    """Return the subject and the body of the message for people; no value in them can pass for a line of ours."""
    return text.one_line(notification.subject)[:_MAX_SUBJECT], "\n".join(map(text.indented, notification.lines))


def send_outcome(report: Report, report_json: S3Object) -> Notified:
    """Send the outcome that a report states, unless nobody needs to know, and record in S3 that this was done.

    Raises:
        AwsCallRefused, AwsUnavailable: it was not sent, or not recorded. On a retry it is sent a second time.

    """
    message = for_outcome(report, report_json)
    notified = send(message) if message else Notified()
    workflow_bucket.put_notified_outcome(report)
    return notified


def for_waiting(manifest: Manifest, found: FoundCrl) -> Notification:
    """Return the notification that certificates are revoked, but accepted until the CRL is attached."""
    is_first = found.notices[-1:] == [Notice.WAIT_BEGINS]
    number = found.number_missing
    exposed = f"STILL ACCEPTED until the CRL is attached: {number} of {found.number_wanted} certificates"
    usual = "Private CA usually takes about 30 minutes"
    since = f"This execution has waited since {found.first_poll_at:%H:%M:%S} UTC. {usual}"
    missing = sorted(manifest.wanted) if number == len(manifest.wanted) else found.missing_serials
    lines = [
        f"{exposed}.",
        f"{usual if is_first else since}. If it has published none by {found.deadline:%Y-%m-%d %H:%M:%S} UTC, the",
        "execution fails: the certificates stay revoked, but are not blocked until you start it again.",
        *([found.generation_failure.cause] if found.generation_failure else []),
        "",
        "Until then, and as long as connections opened before may last, have the load balancer's targets reject them:",
        f"they receive the serial number in the header {_SERIAL_NUMBER_HEADER}. Compare without leading zeros:",
        *(f"  {serial:X}" for serial in missing[:_MAX_SERIALS_IN_MESSAGE]),
        *_and_more(len(missing), number),
        "",
        f"Watch it: revocation watch {manifest.execution_name}",
        *_execution_and_ticket(manifest.execution_arn, manifest.request.ticket, manifest.request.requested_by),
    ]
    detail = {
        "ExecutionArn": manifest.execution_arn,
        "CertificateAuthorityArn": manifest.request.certificate_authority_arn,
        "Notice": found.notices[-1],
        "NumberMissing": number,
        "NumberWanted": found.number_wanted,
        "MissingSerials": [serial_number.to_hex(serial) for serial in missing[:_MAX_SERIALS_IN_MESSAGE]],
        "Deadline": found.deadline.isoformat(),
    }
    status = "Waiting" if is_first else "Delayed"
    return Notification(
        f"{_SUBJECT_PREFIX} {status.lower()}: {exposed}", lines, f"{_DETAIL_TYPE_PREFIX} {status}", detail
    )


def for_outcome(report: Report, report_json: S3Object) -> Notification | None:
    """Return the notification of an execution's outcome; None for a reconcile that found nothing to correct."""
    if report.reconcile and report.outcome == "SUCCEEDED" and not _is_drift_corrected(report):
        return None
    lines = [
        *_verdict(report),
        *_next_update(report),
        "",
        *(
            f"  {serial_number.to_hex(each.serial)}  {each.outcome or 'not attempted'}, "
            f"{'enforced' if each.enforced else 'NOT enforced'}"
            for each in report.serials[:_MAX_SERIALS_IN_MESSAGE]
        ),
        *_and_more(min(len(report.serials), _MAX_SERIALS_IN_MESSAGE), len(report.serials)),
        "",
        *_execution_and_ticket(report.execution_arn, report.ticket, report.requested_by),
        f"Report: s3://{report_json.bucket}/{report_json.key.removesuffix('json')}md",
    ]
    status = "Completed" if report.outcome == "SUCCEEDED" else "Failed"
    detail = _outcome_detail(report, report_json)
    subject = f"{_SUBJECT_PREFIX} {status.lower()}: {_subject(report)}"
    return Notification(subject, lines, f"{_DETAIL_TYPE_PREFIX} {status}", detail)


def _outcome_detail(report: Report, report_json: S3Object) -> dict[str, Any]:
    detail = {
        "ExecutionArn": report.execution_arn,
        "CertificateAuthorityArn": report.certificate_authority_arn,
        "Reconcile": report.reconcile,
        "Outcome": report.outcome,
        "Error": report.error,
        "Cause": (report.cause or "")[:_MAX_CAUSE] or None,
        "CrlNumber": report.crl.crl_number if report.crl else None,
        "TimeToEnforcementSeconds": report.time_to_enforcement_seconds,
        "Serials": [
            {"Serial": serial_number.to_hex(each.serial), "Outcome": each.outcome, "Enforced": each.enforced}
            for each in report.serials[:_MAX_SERIALS_IN_EVENT]
        ],
        "SerialsNotShown": max(0, len(report.serials) - _MAX_SERIALS_IN_EVENT),
        "ReportJson": report_json.model_dump(),
    }
    return {name: value for name, value in detail.items() if value is not None}


def for_crl_failure(failure: CrlFailure, bucket: str) -> Notification:
    """Return the notification that Private CA failed to publish a CRL; executions wait in vain until this is fixed."""
    error = error_class(failure)
    lines = [
        f"{error.__name__}: Private CA reported at {failure.at:%Y-%m-%d %H:%M:%S} UTC: {failure.reason}",
        f"CRL bucket: {bucket}",
        f"Certificate authority: {failure.certificate_authority_arn}",
        "",
        error.what_to_do,
    ]
    detail = {
        "CertificateAuthorityArn": failure.certificate_authority_arn,
        "Error": error.__name__,
        "Reason": failure.reason,
        "CrlBucket": bucket,
    }
    detail_type = f"{_DETAIL_TYPE_PREFIX} CRL Generation Failed"
    return Notification(f"{_SUBJECT_PREFIX}: {error.__name__}: Private CA has no CRL", lines, detail_type, detail)


def _is_drift_corrected(report: Report) -> bool:
    return report.drift is not None and report.drift.status is DriftStatus.CONFIRMED


def _subject(report: Report) -> str:
    blocked = f"blocked {report.summary.enforced if report.summary else 0} of {len(report.serials)} certificates"
    if report.error:
        return f"{report.error}, {blocked}" if report.serials else report.error
    if report.reconcile:
        return "drift corrected, the trust stores hold the newest CRL"
    return blocked


def _verdict(report: Report) -> Iterator[str]:
    if report.error:
        yield f"{report.error}: {(report.cause or '')[:_MAX_CAUSE]}"
        yield ""
        yield f"What to do: {report.what_to_do}"
    elif report.reconcile and report.drift:
        for drift in report.drift.trust_stores:
            yield f"{drift.trust_store_arn}: {drift.kind} corrected; it holds CRL number {report.drift.crl_number}."
    else:
        yield f"{_subject(report).capitalize()}: the list is attached to every trust store and was read back."


def _next_update(report: Report) -> Iterator[str]:
    if report.crl and report.outcome == "SUCCEEDED":
        yield f"The CA's next CRL is due by {report.crl.next_update:%Y-%m-%d %H:%M:%S} UTC."
    if report.crl and report.crl.expires_soon:
        yield f"Warning: {next_update_warning(report.crl)}"


def _execution_and_ticket(execution_arn: str, ticket: str | None, requested_by: str | None) -> Iterator[str]:
    yield f"Execution: {execution_arn}"
    if ticket:
        yield f"Ticket: {ticket}"
    if requested_by:
        yield f"Requested by: {requested_by}"


def _and_more(shown: int, number: int) -> list[str]:
    left = number - min(shown, _MAX_SERIALS_IN_MESSAGE)
    return [f"  and {left} more: see the execution"] if left > 0 else []
