"""Renders the report as Markdown, the verdict first."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from functions import text
from functions.models.drift import DriftStatus
from functions.models.report import CrlReport, Report, SerialReport, TrustStoreReport
from functions.models.states import Drift
from functions.pki import serial_number

# So that a person can read it; report.json has every serial.
_MAX_ROWS = 1_000


def render(report: Report) -> str:
    """Return the report as Markdown; its first lines say whether the certificates are blocked."""
    return "\n".join(_lines(report)) + "\n"


def next_update_warning(crl: CrlReport) -> str:
    """Return the warning about a list that expires soon."""
    return (
        f"CRL number {crl.crl_number} expires at {_time(crl.next_update)}. AWS does not document what load balancers "
        "do with an expired list: see that the CA publishes its next CRL before then."
    )


def _lines(report: Report) -> Iterator[str]:
    kind = "Reconcile" if report.reconcile else "Revocation"
    yield f"# {kind} {text.markdown_cell(report.execution_name)}: {report.outcome}"
    yield ""
    yield from _verdict(report)
    yield from _warnings(report)
    yield from _facts(report)
    if report.serials:
        yield from _table(
            "Certificates",
            ("Serial", "Status at Private CA", "In the CRL", "Enforced", "Enforced since"),
            map(_serial, report.serials[:_MAX_ROWS]),
        )
        if len(report.serials) > _MAX_ROWS:
            yield f"… and {len(report.serials) - _MAX_ROWS:,} more certificates: see report.json."
            yield ""
    for store in report.trust_stores:
        yield from _trust_store(store)
    steps = [(s.step, _time(s.started_at), _time(s.finished_at), f"{s.seconds:.1f}") for s in report.steps]
    if steps:
        yield from _table("Steps", ("Step", "From", "To", "Seconds"), steps)
    if report.connection_log_query:
        yield "## Refusals in the connection logs"
        yield ""
        yield "This Athena query, with your table of the load balancer's connection logs, finds the refused handshakes:"
        yield ""
        yield "```sql"
        yield report.connection_log_query
        yield "```"


def _verdict(report: Report) -> Iterator[str]:
    summary = report.summary
    if report.outcome == "SUCCEEDED" and report.drift:
        yield from _reconciled(report.drift)
    elif report.outcome == "SUCCEEDED" and summary:
        seconds = report.time_to_enforcement_seconds
        if summary.enforced and seconds is not None:
            yield (
                f"**Enforced: {summary.enforced} of {summary.serials} certificates**: the list was attached to every "
                f"trust store and read back, {seconds:.1f} seconds after the start."
            )
        if summary.expired:
            yield (
                f"**Revoked earlier and expired since: {summary.expired} of {summary.serials} certificates.** CRLs no "
                "longer list them; load balancers refuse them unless the listener ignores expiry."
            )
    else:
        yield f"**{report.error}**: {text.markdown(report.cause or '')}"
        yield ""
        yield f"**What to do:** {report.what_to_do}"
    yield ""


def _warnings(report: Report) -> Iterator[str]:
    """Return what the reader of a success might overlook."""
    warnings = [warning for store in report.trust_stores for warning in _trust_store_warnings(store)]
    if report.crl and report.crl.expires_soon:
        warnings.append(f"**Warning:** {next_update_warning(report.crl)}")
    if warnings:
        yield from (*warnings, "")


def _trust_store_warnings(store: TrustStoreReport) -> Iterator[str]:
    if store.open_connections and store.open_connections.not_associated:
        yield (
            f"**Warning:** no load balancer uses {store.trust_store_arn}, so nothing refuses these certificates there."
        )
    if store.namesakes:
        yield f"**Warning:** {text.markdown(store.namesakes)}."
    if store.entries_dropped:
        yield (
            f"**Warning:** serials that {store.trust_store_arn} refused before and that are no longer in the list: "
            f"{store.entries_dropped} (a CRL drops certificates that have expired)."
        )


def _reconciled(drift: Drift) -> Iterator[str]:
    match drift.status:
        case DriftStatus.NO_CRL:
            yield "**Nothing to do**: the CA has published no CRL yet, and no list of it is attached."
        case DriftStatus.CONFIRMED:
            yield f"**Drift corrected**: the trust stores hold CRL number {drift.crl_number}, attached and read back."
        case _:
            yield (
                f"**Nothing to do**: the trust stores hold the CA's newest CRL, number {drift.crl_number}, "
                "and no other list of this CA, read back."
            )
    for store in drift.trust_stores:
        number = "no CRL number" if store.attached_crl_number is None else f"CRL number {store.attached_crl_number}"
        attached = f"list {_ids(store.revocation_ids)}, {number}"
        yield f"* {store.trust_store_arn}: {store.kind} ({attached if store.revocation_ids else 'no list of this CA'})"


def _facts(report: Report) -> Iterator[str]:
    rows = [
        ("Execution", report.execution_arn),
        ("Started", _time(report.start_time)),
        ("Reported", f"{_time(report.reported_at)}, by mtls-revocation {report.version}"),
        ("Requested by", report.requested_by),
        ("Ticket", report.ticket),
        ("Reason", None if report.reconcile else _reason(report)),
        ("Certificate authority", report.certificate_authority_arn or report.certificate_authority),
        ("Third-party CRL", str(report.third_party_crl) if report.third_party_crl else None),
    ]
    if report.crl:
        crl = report.crl
        rows += [
            ("CRL number", str(crl.crl_number)),
            ("CRL thisUpdate, nextUpdate", f"{_time(crl.this_update)}, {_time(crl.next_update)}"),
            ("CRL entries", str(crl.number_of_revoked_entries)),
            ("CRL SHA-256 (DER)", crl.sha256),
        ]
    if report.last_refused_crl:
        rows.append(("CRL refused last", f"{report.last_refused_crl.error}: {report.last_refused_crl.cause}"))
    yield from _list(rows)
    yield ""


def _reason(report: Report) -> str:
    number = report.summary.already_revoked + report.summary.expired if report.summary else 0
    exception = f" (revoked earlier, with the reason given then: {number})" if number else ""
    return f"{report.revocation_reason}{exception}"


def _serial(serial: SerialReport) -> tuple[str, ...]:
    outcome = serial.outcome.value if serial.outcome else "not attempted"
    error = ": ".join(filter(None, (serial.error, serial.error_explanation)))
    return (
        serial_number.to_hex(serial.serial),
        f"{outcome} ({error})" if error else outcome,
        _yes_no(serial.in_crl),
        _yes_no(serial.enforced),
        _time(serial.enforced_at),
    )


def _trust_store(store: TrustStoreReport) -> Iterator[str]:
    totals = (
        store.total_revoked_entries_before,
        store.total_revoked_entries_between,
        store.total_revoked_entries_after,
    )
    rows = [
        ("Proof", f"{store.failure.error}; {store.proven}" if store.failure else store.proven),
        (
            "CRL in force",
            f"number {store.crl_number} (RevocationId {store.revocation_id})" if store.revocation_id else None,
        ),
        ("Verified", _time(store.verified_at)),
        ("RevocationIds added, removed", f"{_ids(store.added_revocation_ids)}, {_ids(store.removed_revocation_ids)}"),
        ("Entries of this CA before, after", _numbers(store.entries_before, store.entries_after)),
        (
            "Serials new, no longer listed, net",
            _numbers(store.entries_new, store.entries_dropped, store.entries_net),
        ),
        ("TotalRevokedEntries at first, with old and new lists, at last", _numbers(*totals)),
        (
            "The count rose",
            f"{_yes_no(store.count_rose)}. {store.count_explanation}" if store.count_explanation else None,
        ),
        ("Connections opened earlier may last until", _open_connections(store)),
        ("Dropped serials", ", ".join(map(serial_number.to_hex, store.dropped_serials))),
    ]
    yield f"## Trust store {store.trust_store_arn}"
    yield ""
    yield from _list(rows)
    yield ""


def _list(rows: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    yield from (f"* {name}: {text.markdown(value)}" for name, value in rows if value)


def _open_connections(store: TrustStoreReport) -> str | None:
    connections = store.open_connections
    if connections is None:
        return None
    if connections.until is None:
        return f"unknown ({connections.unknown_reason})"
    return f"{_time(connections.until)} (client keep-alive {connections.client_keep_alive_seconds} seconds)"


def _table(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    yield from (f"| {' | '.join(map(text.markdown_cell, row))} |" for row in rows)
    yield ""


def _ids(ids: list[int]) -> str:
    return " ".join(map(str, ids)) or "none"


def _numbers(*numbers: int | None) -> str:
    return ", ".join("unknown" if number is None else str(number) for number in numbers)


def _yes_no(value: bool) -> str:  # noqa: FBT001 - it is formatted, and selects nothing
    return "yes" if value else "no"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
