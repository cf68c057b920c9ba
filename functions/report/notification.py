"""What people (Amazon SNS) and programs (Amazon EventBridge) are told: the words and the sending."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from functions.aws import events, sns
from functions.environment import environment
from functions.errors import RevocationError
from functions.models.base import S3Object
from functions.models.report import Report
from functions.models.states import DriftStatus, Found, Notice, Notified
from functions.models.stored import CrlFailure, Manifest
from functions.pki import serial_number
from functions.report.crl_failure import error_of

SOURCE = "mtls-revocation"
_PREFIX = "Client Certificate Revocation"
# Amazon SNS takes 256 KiB and subjects of 100 characters, EventBridge 256 KiB an event.
_SERIALS_SHOWN = 100
_SERIALS_IN_EVENT = 500
_LONGEST_TEXT = 10_000
_HEADER = "X-Amzn-Mtls-Clientcert-Serial-Number"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell, in both forms."""

    subject: str
    lines: list[str]
    detail_type: str
    detail: dict[str, Any]


def send(told: Notification) -> Notified:
    """Tell people and programs; that one cannot be told does not keep it from the other.

    Raises:
        AwsCallRefused, AwsUnavailable: one of them could not be told. Sent again, the other hears it twice.

    """
    here = environment()
    failed: RevocationError | None = None
    event_id = message_id = None
    try:
        event_id = events.put_event(here.event_bus_name, SOURCE, told.detail_type, told.detail)
    except RevocationError as error:
        failed = error
    message_id = sns.publish(here.topic_arn, told.subject[:100], "\n".join(told.lines))
    if failed:
        raise failed
    return Notified(message_id=message_id, event_id=event_id)


def waiting(manifest: Manifest, found: Found) -> Notification:
    """Tell that certificates are revoked, and accepted all the same until their CRL comes."""
    begins = found.notices[-1:] == [Notice.WAIT_BEGINS]
    number = found.number_missing
    exposed = f"{number} of {found.number_wanted} revoked certificates are STILL ACCEPTED until the CRL comes"
    usual = "Private CA usually takes about 30 minutes"
    since = f"This execution has waited since {found.first_poll_at:%H:%M:%S} UTC. {usual}"
    missing = sorted(manifest.wanted) if number == len(manifest.wanted) else found.missing_serials
    lines = [
        f"{exposed}.",
        f"{usual if begins else since}; the execution gives up at {found.deadline:%Y-%m-%d %H:%M:%S} UTC.",
        *([found.generation_failure.cause] if found.generation_failure else []),
        "",
        "Until then, refuse them where the requests arrive: the load balancer passes the serial number to its",
        f"targets in the header {_HEADER}. Compare without leading zeros:",
        *(f"  {serial:X}" for serial in missing[:_SERIALS_SHOWN]),
        *_more(len(missing), number),
        "",
        *_facts(manifest.execution_arn, manifest.request.ticket),
    ]
    detail = {
        "ExecutionArn": manifest.execution_arn,
        "CertificateAuthorityArn": manifest.request.certificate_authority_arn,
        "Notice": found.notices[-1],
        "NumberMissing": number,
        "NumberWanted": found.number_wanted,
        "MissingSerials": [serial_number.to_hex(serial) for serial in missing[:_SERIALS_SHOWN]],
        "Deadline": found.deadline.isoformat(),
    }
    word = "Waiting" if begins else "Delayed"
    return Notification(f"{word}: {exposed}", lines, f"{_PREFIX} {word}", detail)


def outcome(report: Report, report_json: S3Object) -> Notification | None:
    """Tell what an execution came to; a reconcile that found nothing to correct is nothing to tell."""
    if report.reconcile and report.outcome == "SUCCEEDED" and not _corrected(report):
        return None
    word = "Completed" if report.outcome == "SUCCEEDED" else "Failed"
    lines = [
        *_verdict(report),
        "",
        *(
            f"  {serial_number.to_hex(each.serial)}  {each.outcome or 'not asked'}, "
            f"{'enforced' if each.enforced else 'NOT enforced'}"
            for each in report.serials[:_SERIALS_SHOWN]
        ),
        *_more(min(len(report.serials), _SERIALS_SHOWN), len(report.serials)),
        "",
        *_facts(report.execution_arn, report.ticket),
        f"Report: s3://{report_json.bucket}/{report_json.key.removesuffix('json')}md",
    ]
    detail = {
        "ExecutionArn": report.execution_arn,
        "CertificateAuthorityArn": report.certificate_authority_arn,
        "Reconcile": report.reconcile,
        "Outcome": report.outcome,
        "Error": report.error,
        "Cause": (report.cause or "")[:_LONGEST_TEXT] or None,
        "CrlNumber": report.crl.crl_number if report.crl else None,
        "TimeToEnforcementSeconds": report.time_to_enforcement_seconds,
        "Serials": [
            {"Serial": serial_number.to_hex(each.serial), "Outcome": each.outcome, "Enforced": each.enforced}
            for each in report.serials[:_SERIALS_IN_EVENT]
        ],
        "SerialsNotShown": max(0, len(report.serials) - _SERIALS_IN_EVENT),
        "ReportJson": report_json.model_dump(),
    }
    told = {name: value for name, value in detail.items() if value is not None}
    return Notification(f"{word}: {_subject(report)}", lines, f"{_PREFIX} {word}", told)


def crl_failure(failure: CrlFailure, bucket: str) -> Notification:
    """Tell that Private CA has no CRL, at once: executions that wait for it wait in vain until this is mended."""
    error = error_of(failure)
    lines = [
        f"{error.__name__}: Private CA said at {failure.at:%Y-%m-%d %H:%M:%S} UTC: {failure.reason}",
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
    return Notification(f"{error.__name__}: Private CA has no CRL", lines, f"{_PREFIX} CRL Generation Failed", detail)


def _corrected(report: Report) -> bool:
    return report.drift is not None and report.drift.status is DriftStatus.CONFIRMED


def _subject(report: Report) -> str:
    if report.error:
        return report.error
    if report.reconcile:
        return "drift corrected, the trust stores hold the newest CRL"
    return f"{report.summary.enforced if report.summary else 0} of {len(report.serials)} certificates are blocked"


def _verdict(report: Report) -> Iterator[str]:
    if report.error:
        yield f"{report.error}: {(report.cause or '')[:_LONGEST_TEXT]}"
        yield ""
        yield f"What to do: {report.what_to_do}"
    elif report.reconcile and report.drift:
        for drift in report.drift.trust_stores:
            yield f"{drift.trust_store_arn}: {drift.kind} corrected; it holds CRL number {report.drift.crl_number}."
    else:
        yield f"{_subject(report)}: attached to every trust store and read back."


def _facts(execution_arn: str, ticket: str | None) -> Iterator[str]:
    yield f"Execution: {execution_arn}"
    if ticket:
        yield f"Ticket: {ticket}"


def _more(shown: int, number: int) -> Sequence[str]:
    left = number - min(shown, _SERIALS_SHOWN)
    return [f"  and {left} more: see the execution"] if left > 0 else []
