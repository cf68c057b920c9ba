"""Builds the report from an execution's state, its manifest and its evidence, and writes it to S3."""

from collections import Counter
from datetime import datetime
from typing import Any

from functions import workflow_bucket
from functions.environment import environment
from functions.models.base import S3Object
from functions.models.drift import DriftStatus
from functions.models.report import CrlReport, Report, SerialReport, Summary, TrustStoreReport
from functions.models.states import (
    Drift,
    FoundCrl,
    GatheredState,
    ReportInput,
    Revocation,
    RevocationOutcome,
    TrustStore,
)
from functions.models.stored import Baseline, Manifest
from functions.report import markdown, trust_store, verdict
from functions.report.athena_query import refusals_query
from functions.report.evidence import EnforcedSerials, read_enforced_serials
from functions.report.step_times import step_times
from functions.revocation.batches import read_outcomes
from functions.revocation.error_codes import explain
from functions.version import VERSION


def build_report(event: ReportInput, now: datetime) -> Report:
    """Return the report of an execution that has succeeded or failed, however far it came."""
    state = event.state
    manifest = workflow_bucket.get_manifest(state.prepared.manifest) if state.prepared else None
    if manifest:
        revocations = read_outcomes(manifest, state.revocations, state.batches)
        state = state.model_copy(update={"revocations": revocations})
    fields = _manifest_fields(state, manifest, event.start_time, now) if manifest else {}
    problems = (
        verdict.find_problems(state)
        or verdict.find_unverified_serials(fields.get("serials", []))
        or verdict.find_unverified_trust_stores(state, fields.get("trust_stores", []))
    )
    execution = {
        "version": VERSION,
        "outcome": "FAILED" if problems else "SUCCEEDED",
        "error": problems[0].error if problems else None,
        "cause": _cause(state, problems, fields.get("summary")) if problems else None,
        "what_to_do": problems[0].what_to_do(begun=state.prepared is not None) if problems else None,
        "execution_arn": event.execution_arn,
        "execution_name": event.execution_name,
        "start_time": event.start_time,
        "reported_at": now,
        "steps": step_times(state),
    }
    return Report.model_validate({**execution, **fields})


def write_report(report: Report) -> tuple[S3Object, S3Object]:
    """Write the report as JSON and Markdown; return both locations in that order."""
    return workflow_bucket.put_report(report, markdown.render(report))


def _cause(state: GatheredState, problems: list[verdict.Problem], summary: Summary | None) -> str:
    """Return what was not done, followed by what was done nevertheless."""
    sentences = [problem.sentence for problem in problems]
    if summary and summary.revoked and not summary.enforced and state.failure:
        enforcement = "not read back from any trust store" if state.converted else "not enforced anywhere yet"
        sentences.append(
            f"Revoked at Private CA, and {enforcement}: {summary.revoked} of {summary.serials} certificates"
        )
    if summary and summary.enforced:
        sentences.append(f"Still enforced: {summary.enforced} of {summary.serials} certificates")
    return ". ".join(sentence.rstrip(".") for sentence in sentences) + "."


def _manifest_fields(state: GatheredState, manifest: Manifest, start_time: datetime, now: datetime) -> dict[str, Any]:
    """Return the fields of the report that exist only once the input was accepted and its manifest written."""
    request = manifest.request
    enforced = read_enforced_serials(manifest, state.trust_stores)
    in_crl = _serials_in_crl(state, manifest)
    revocations = {revocation.serial: revocation for revocation in state.revocations}
    serials = [_serial(s, revocations.get(s), in_crl, list(enforced.values())) for s in request.serials]
    times = [serial.enforced_at for serial in serials if serial.enforced_at]
    is_done = bool(times) and all(s.enforced or s.outcome is RevocationOutcome.EXPIRED for s in serials)
    return {
        "reconcile": request.reconcile or manifest.is_third_party,
        "certificate_authority": manifest.authority_id,
        "third_party_crl": request.crl,
        "drift": state.found if isinstance(state.found, Drift) else None,
        "requested_by": request.requested_by,
        "ticket": request.ticket,
        "certificate_authority_arn": request.certificate_authority_arn,
        "revocation_reason": request.revocation_reason,
        "summary": _summary(serials),
        "time_to_enforcement_seconds": round((max(times) - start_time).total_seconds(), 3) if is_done else None,
        "serials": serials,
        "crl": _crl(state, now),
        "last_refused_crl": state.found.refusal if isinstance(state.found, FoundCrl) else None,
        "trust_stores": [
            _trust_store(store, manifest.baseline(store.trust_store_arn), enforced[store.trust_store_arn], state)
            for store in state.trust_stores
        ],
        "connection_log_query": _query(serials, min(times) if times else start_time),
    }


def _trust_store(
    store: TrustStore, baseline: Baseline, enforced: EnforcedSerials, state: GatheredState
) -> TrustStoreReport:
    if isinstance(state.found, Drift) and state.found.status is DriftStatus.NONE:
        lists = {each.trust_store_arn: each for each in state.found.in_place}
        return trust_store.report_unchanged(baseline, lists.get(store.trust_store_arn))
    return trust_store.report(store, baseline, enforced.last_evidence)


def _query(serials: list[SerialReport], since: datetime) -> str | None:
    listed = [each.serial for each in serials if each.in_crl]
    return refusals_query(listed, since) if listed else None


def _serials_in_crl(state: GatheredState, manifest: Manifest) -> frozenset[int]:
    """Return the requested serials in the CRL that was converted last."""
    if state.converted is None or not manifest.wanted:
        return frozenset()
    return workflow_bucket.get_crl(state.converted.pem, manifest.wanted).held_serials


def _serial(
    serial: int, revocation: Revocation | None, in_crl: frozenset[int], stores: list[EnforcedSerials]
) -> SerialReport:
    is_enforced = bool(stores) and all(serial in store.serials for store in stores)
    first_verified = [store.first_verified[serial] for store in stores if serial in store.first_verified]
    return SerialReport(
        serial=serial,
        outcome=revocation.outcome if revocation else None,
        error=revocation.error if revocation else None,
        error_explanation=explain(revocation.error) if revocation else None,
        revoked_at=revocation.at if revocation and revocation.outcome is RevocationOutcome.REVOKED else None,
        in_crl=serial in in_crl or is_enforced,
        enforced=is_enforced,
        enforced_at=max(first_verified) if is_enforced and len(first_verified) == len(stores) else None,
    )


def _summary(serials: list[SerialReport]) -> Summary:
    outcomes = Counter(serial.outcome for serial in serials)
    return Summary(
        serials=len(serials),
        revoked=outcomes[RevocationOutcome.REVOKED],
        already_revoked=outcomes[RevocationOutcome.ALREADY_REVOKED],
        expired=outcomes[RevocationOutcome.EXPIRED],
        failed=outcomes[RevocationOutcome.FAILED],
        in_crl=sum(serial.in_crl for serial in serials),
        enforced=sum(serial.enforced for serial in serials),
    )


def _crl(state: GatheredState, now: datetime) -> CrlReport | None:
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
        expires_soon=environment().expires_soon(converted.next_update, now),
    )
