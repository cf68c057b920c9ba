"""The report, gathered from an execution's state, its manifest and what it read back, and kept in S3."""

from collections import Counter
from datetime import datetime
from typing import Any

from functions import workflow_bucket
from functions.models.base import S3Object
from functions.models.report import CrlReport, Report, SerialReport, Summary, TrustStoreReport
from functions.models.states import (
    Drift,
    DriftStatus,
    Found,
    GatheredState,
    ReportInput,
    Revocation,
    RevocationOutcome,
    TrustStore,
)
from functions.models.stored import Baseline, Manifest
from functions.report import markdown as report_markdown
from functions.report.athena_query import refusals_query
from functions.report.evidence import InForce, in_force
from functions.report.step_times import step_times
from functions.report.trust_store import in_place, report_trust_store
from functions.report.verdict import not_read_back, problems, unproven
from functions.revocation import batches as outcomes
from functions.revocation.error_codes import explain


def build(event: ReportInput, now: datetime) -> Report:
    """Gather the report, after success and after failure."""
    state = event.state
    manifest = workflow_bucket.get_manifest(state.prepared.manifest) if state.prepared else None
    if manifest:
        gathered = outcomes.gather(manifest, state.revocations, state.batches)
        state = state.model_copy(update={"revocations": gathered})
    known = _of_manifest(state, manifest, event.start_time) if manifest else {}
    undone = problems(state) or unproven(known.get("serials", [])) or not_read_back(state, known)
    execution = {
        "outcome": "FAILED" if undone else "SUCCEEDED",
        "error": undone[0].error if undone else None,
        "cause": _cause(state, [problem.sentence for problem in undone], known.get("summary")) if undone else None,
        "what_to_do": undone[0].what_to_do(begun=state.prepared is not None) if undone else None,
        "execution_arn": event.execution_arn,
        "execution_name": event.execution_name,
        "start_time": event.start_time,
        "reported_at": now,
        "steps": step_times(state),
    }
    return Report.model_validate({**execution, **known})


def _cause(state: GatheredState, sentences: list[str], summary: Summary | None) -> str:
    """Say what was not done and, where that is not all, what was."""
    if summary and summary.revoked and not summary.enforced and state.failure:
        told = (
            f"{summary.revoked} of {summary.serials} certificates are revoked at Private CA, and enforced nowhere yet"
        )
        sentences = [*sentences, told]
    if summary and summary.enforced:
        sentences = [*sentences, f"{summary.enforced} of {summary.serials} certificates are enforced all the same"]
    return ". ".join(sentence.rstrip(".") for sentence in sentences) + "."


def keep(report: Report) -> tuple[S3Object, S3Object]:
    """Write the report for machines and for people."""
    return workflow_bucket.put_report(report, report_markdown.render(report))


def _of_manifest(state: GatheredState, manifest: Manifest, start_time: datetime) -> dict[str, Any]:
    """Give the fields of the report that are known once the input was accepted."""
    request = manifest.request
    stores = in_force(manifest, state.trust_stores)
    in_crl = _in_crl(state, manifest)
    revocations = {revocation.serial: revocation for revocation in state.revocations}
    listed = [_serial(s, revocations.get(s), in_crl, list(stores.values())) for s in request.serials]
    times = [each.enforced_at for each in listed if each.enforced_at]
    done = bool(times) and all(each.enforced or each.outcome is RevocationOutcome.EXPIRED for each in listed)
    return {
        "reconcile": request.reconcile or manifest.is_third_party,
        "certificate_authority": manifest.authority_id,
        "handed_over_crl": request.crl,
        "drift": state.found if isinstance(state.found, Drift) else None,
        "requested_by": request.requested_by,
        "ticket": request.ticket,
        "certificate_authority_arn": request.certificate_authority_arn,
        "revocation_reason": request.revocation_reason,
        "summary": _summary(listed),
        "time_to_enforcement_seconds": round((max(times) - start_time).total_seconds(), 3) if done else None,
        "serials": listed,
        "crl": _crl(state),
        "last_refused_crl": state.found.refusal if isinstance(state.found, Found) else None,
        "trust_stores": [
            _trust_store(store, manifest.baseline(store.trust_store_arn), stores[store.trust_store_arn], state)
            for store in state.trust_stores
        ],
        "connection_log_query": _query(request.serials, min(times) if times else start_time),
    }


def _trust_store(store: TrustStore, baseline: Baseline, held: InForce, state: GatheredState) -> TrustStoreReport:
    if isinstance(state.found, Drift) and state.found.status is DriftStatus.NONE:
        lists = {each.trust_store_arn: each for each in state.found.in_place}
        return in_place(baseline, lists.get(store.trust_store_arn))
    return report_trust_store(store, baseline, held.last)


def _query(serials: list[int], since: datetime) -> str | None:
    return refusals_query(serials, since) if serials else None


def _in_crl(state: GatheredState, manifest: Manifest) -> frozenset[int]:
    """Give the wanted serials in the CRL that was converted last."""
    if state.converted is None or not manifest.wanted:
        return frozenset()
    return workflow_bucket.held_in(state.converted.pem, manifest.wanted)


def _serial(serial: int, revocation: Revocation | None, in_crl: frozenset[int], stores: list[InForce]) -> SerialReport:
    enforced = bool(stores) and all(store.holds(serial) for store in stores)
    since = [store.since[serial] for store in stores if serial in store.since]
    return SerialReport(
        serial=serial,
        outcome=revocation.outcome if revocation else None,
        error=revocation.error if revocation else None,
        error_explained=explain(revocation.error) if revocation else None,
        revoked_at=revocation.at if revocation and revocation.outcome is RevocationOutcome.REVOKED else None,
        in_crl=serial in in_crl or enforced,
        enforced=enforced,
        enforced_at=max(since) if enforced and len(since) == len(stores) else None,
    )


def _summary(listed: list[SerialReport]) -> Summary:
    outcomes = Counter(each.outcome for each in listed)
    return Summary(
        serials=len(listed),
        revoked=outcomes[RevocationOutcome.REVOKED],
        already_revoked=outcomes[RevocationOutcome.ALREADY_REVOKED],
        expired=outcomes[RevocationOutcome.EXPIRED],
        failed=outcomes[RevocationOutcome.FAILED],
        in_crl=sum(each.in_crl for each in listed),
        enforced=sum(each.enforced for each in listed),
    )


def _crl(state: GatheredState) -> CrlReport | None:
    converted = state.converted
    if converted is None:
        return None
    return CrlReport(
        crl_number=converted.crl_number,
        this_update=converted.this_update,
        next_update=converted.next_update,
        number_of_revoked_entries=converted.number_of_revoked_entries,
        sha256=converted.sha256,
        pem=converted.pem,
    )
