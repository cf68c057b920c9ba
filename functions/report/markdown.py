"""The report for people: Markdown, the verdict first."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from functions.models.report import Report, SerialReport, TrustStoreReport
from functions.models.states import Drift, DriftStatus
from functions.pki import serial_number

# What a person can still read; report.json has every serial.
_ROWS = 1_000


def render(report: Report) -> str:
    """Write the report so that the first lines tell whether the certificates are blocked."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {'Reconcile' if report.reconcile else 'Revocation'} {report.execution_name}: {report.outcome}"
    yield ""
    yield from _verdict(report)
    yield from _minds(report)
    yield from _facts(report)
    if report.serials:
        yield from _table(
            "Certificates",
            ("Serial", "At Private CA", "In the CRL", "Enforced", "Since"),
            map(_serial, report.serials[:_ROWS]),
        )
        if len(report.serials) > _ROWS:
            yield f"… and {len(report.serials) - _ROWS:,} more certificates: see report.json."
            yield ""
    for store in report.trust_stores:
        yield from _trust_store(store)
    steps = [(s.step, _time(s.started_at), _time(s.finished_at), f"{s.seconds:.1f}") for s in report.steps]
    if steps:
        yield from _table("Steps", ("Step", "From", "To", "Seconds"), steps)
    if report.connection_log_query:
        yield "## Refusals in the connection logs"
        yield ""
        yield "Nobody here holds the stolen key, so the load balancer's own logs show who was refused (Athena):"
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
            told = f"attached and read back, {seconds:.1f} seconds after the start"
            yield f"**{summary.enforced} of {summary.serials} certificates are enforced**: {told}."
        if summary.expired:
            yield (
                f"**{summary.expired} of {summary.serials} were revoked before and have expired since**: no CRL holds "
                "them any longer, and load balancers refuse them unless the listener ignores expiry."
            )
    else:
        yield f"**{report.error}**: {report.cause}"
        yield ""
        yield f"**What to do:** {report.what_to_do}"
    yield ""


def _minds(report: Report) -> Iterator[str]:
    """Say what a success may hide."""
    told = [
        f"**Mind:** {sentence}."
        for store in report.trust_stores
        for sentence in (
            f"no load balancer uses {store.trust_store_arn}, so nothing refuses these certificates there"
            if store.open_connections and store.open_connections.not_associated
            else "",
            f"{store.entries_dropped} serials that {store.trust_store_arn} refused before are in the list no more "
            "(a CRL drops certificates that have expired)"
            if store.entries_dropped
            else "",
        )
        if sentence
    ]
    if told:
        yield from (*told, "")


def _reconciled(drift: Drift) -> Iterator[str]:
    match drift.status:
        case DriftStatus.NO_CRL:
            yield "**Nothing to do**: the CA has published no CRL yet, and no list of it is attached."
        case DriftStatus.CLAIMED:
            yield f"**Nothing done**: another reconcile is at work on the same drift, {drift.claimed_by}."
        case DriftStatus.CONFIRMED:
            yield f"**Drift corrected**: the trust stores hold CRL number {drift.crl_number}, attached and read back."
        case _:
            told = f"the trust stores hold the CA's newest CRL, number {drift.crl_number}, and no other list of this CA"
            yield f"**Nothing to do**: {told}, read back."
    for each in drift.trust_stores:
        had = f"list {_ids(each.revocation_ids)}, CRL number {each.attached_crl_number}"
        yield f"* {each.trust_store_arn}: {each.kind} ({had if each.revocation_ids else 'no list of this CA'})"


def _facts(report: Report) -> Iterator[str]:
    rows = [
        ("Execution", report.execution_arn),
        ("Started", _time(report.start_time)),
        ("Reported", _time(report.reported_at)),
        ("Requested by", _plain(report.requested_by)),
        ("Ticket", _plain(report.ticket)),
        ("Reason", None if report.reconcile else _reason(report)),
        ("Certificate authority", report.certificate_authority_arn or report.certificate_authority),
        ("CRL handed over", _plain(str(report.handed_over_crl)) if report.handed_over_crl else None),
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
    yield from (f"* {name}: {value}" for name, value in rows if value)
    yield ""


def _reason(report: Report) -> str:
    before = report.summary.already_revoked + report.summary.expired if report.summary else 0
    kept = f" ({before} were revoked before, and keep the reason that was given then)" if before else ""
    return f"{report.revocation_reason}{kept}"


def _serial(each: SerialReport) -> tuple[str, ...]:
    outcome = each.outcome.value if each.outcome else "not asked"
    why = ": ".join(filter(None, (each.error, each.error_explained)))
    told = f"{outcome} ({why})" if why else outcome
    return serial_number.to_hex(each.serial), told, _yes(each.in_crl), _yes(each.enforced), _time(each.enforced_at)


def _trust_store(store: TrustStoreReport) -> Iterator[str]:
    proven = f"{store.failure.error}; {store.proven}" if store.failure else store.proven
    between = store.total_revoked_entries_between
    rows = [
        ("Proven", proven),
        (
            "List in force",
            f"{store.revocation_id} (CRL number {store.crl_number})" if store.revocation_id else None,
        ),
        ("Verified", _time(store.verified_at)),
        ("Lists added, removed", f"{_ids(store.added_revocation_ids)}, {_ids(store.removed_revocation_ids)}"),
        ("Entries of this CA before, after", f"{store.entries_before}, {_known(store.entries_after)}"),
        (
            "Entries new, dropped, net",
            ", ".join(map(_known, (store.entries_new, store.entries_dropped, store.entries_net))),
        ),
        (
            "TotalRevokedEntries before, between, after",
            f"{store.total_revoked_entries_before}, {_known(between)}, {_known(store.total_revoked_entries_after)}",
        ),
        ("The count rose", f"{_yes(store.count_rose)}. {store.count_explained}" if store.count_explained else None),
        ("Connections opened earlier may live until", _until(store)),
        ("Dropped serials", ", ".join(map(serial_number.to_hex, store.dropped_serials))),
    ]
    yield f"## Trust store {store.trust_store_arn}"
    yield ""
    yield from (f"* {name}: {value}" for name, value in rows if value)
    yield ""


def _until(store: TrustStoreReport) -> str | None:
    connections = store.open_connections
    if connections is None:
        return None
    if connections.until is None:
        return f"unknown ({connections.unknown_because})"
    return f"{_time(connections.until)} (client keep-alive {connections.client_keep_alive_seconds} seconds)"


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _plain(text: str | None) -> str | None:
    """Keep free words on one line and out of the Markdown."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`" if text else None


def _ids(ids: list[int]) -> str:
    return " ".join(map(str, ids)) or "none"


def _known(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if value else "no"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
