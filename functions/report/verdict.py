"""The verdict on an execution: the name of its error, the cause with the numbers, and what to do."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions import errors
from functions.models.drift import DriftStatus
from functions.models.report import PROVEN, SerialReport, TrustStoreReport
from functions.models.states import (
    Drift,
    Failure,
    FoundCrl,
    GatheredState,
    Revocation,
    RevocationOutcome,
    TrustStore,
)
from functions.pki import serial_number
from functions.revocation.error_codes import explain, is_answer

_MAX_SHOWN = 10
_UNCLEAR = (errors.RevocationAddUnclear.__name__, errors.AwsUnavailable.__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the execution was to do and did not."""

    error: str
    sentence: str

    def what_to_do(self, *, begun: bool) -> str:
        """Return what to do about it; once revoking has begun, not the advice of a refusal: "Nothing was done"."""
        error = getattr(errors, self.error, None)
        if not isinstance(error, type) or not issubclass(error, errors.RevocationError):
            return errors.RevocationError.what_to_do
        if begun and issubclass(error, errors.RequestRefused):
            return errors.RevocationError.what_to_do
        return error.what_to_do


def error_message(failure: Failure) -> str:
    """Return the error's message, unwrapped from the JSON that Lambda puts into the cause."""
    try:
        cause = json.loads(failure.cause)
    except (ValueError, RecursionError):
        return failure.cause
    return str(cause.get("errorMessage", failure.cause)) if isinstance(cause, dict) else failure.cause


def find_problems(state: GatheredState) -> list[Problem]:
    """Return everything that was not done, the most exposed first; empty for an execution that did everything."""
    failed = [Problem(state.failure.error, error_message(state.failure))] if state.failure else []
    return [
        *failed,
        *_failed_trust_stores(state),
        *_missing_serials(state),
        *_serials_not_revoked(state),
        *_refused_crl(state),
    ]


def find_unverified_serials(serials: Iterable[SerialReport]) -> list[Problem]:
    """Return the serials not read back although nothing failed: only what was read back counts as success."""
    unverified = [s.serial for s in serials if not s.enforced and s.outcome is not RevocationOutcome.EXPIRED]
    if not unverified:
        return []
    sentence = f"serials not read back from every trust store: {len(unverified)}, {_shown(unverified)}"
    return [Problem(errors.RevocationNotVerified.__name__, f"{sentence}{_and_more(len(unverified))}")]


def find_unverified_trust_stores(state: GatheredState, stores: Iterable[TrustStoreReport]) -> list[Problem]:
    """Return the trust stores of a drift that was found and from which no list was read back."""
    if not isinstance(state.found, Drift) or state.found.status in (DriftStatus.NONE, DriftStatus.NO_CRL):
        return []
    unverified = [store.trust_store_arn for store in stores if store.proven != PROVEN]
    sentence = f"no list was read back from {', '.join(unverified)}"
    return [Problem(errors.RevocationNotVerified.__name__, sentence)] if unverified else []


def _failed_trust_stores(state: GatheredState) -> list[Problem]:
    failed = [store for store in state.trust_stores if store.failure]
    if not failed:
        return []
    names = {store.failure.error for store in failed if store.failure}
    error = names.pop() if len(names) == 1 else errors.TrustStoreNotEnforced.__name__
    sentences = "; ".join(map(_failed_trust_store, failed))
    return [Problem(error, f"trust stores that failed: {len(failed)} of {len(state.trust_stores)}: {sentences}")]


def _failed_trust_store(store: TrustStore) -> str:
    """Return what failed, and what is known of the new list in this trust store."""
    failure = store.failure or Failure(error="")
    return f"{store.trust_store_arn} ({_enforcement(store, failure.error)}): {failure.error}: {error_message(failure)}"


def _enforcement(store: TrustStore, error: str) -> str:
    attached, verified = store.attached.finished_at, store.verified.started_at
    if attached and verified and attached <= verified and not store.removed.verified_list_gone:
        return "the list is in force, older ones are left"
    if attached and not (verified and attached <= verified):
        return "the list was attached, and could not be read back"
    # A refusal by name happens before the list is added, or instead of it.
    is_refusal = hasattr(errors, error) and error not in _UNCLEAR
    return "not enforced" if is_refusal else "it is not known whether the list was attached"


def _missing_serials(state: GatheredState) -> list[Problem]:
    found = state.found
    is_interrupted = state.failure and state.failure.error == errors.ExecutionInterrupted.__name__
    is_explained_by_failure = state.failure and not is_interrupted
    if is_explained_by_failure or not isinstance(found, FoundCrl) or not found.number_missing:
        return []
    missing = (
        f"revoked serials that are in no usable CRL: {found.number_missing} of {found.number_wanted}, "
        f"polls: {found.polls}, deadline: {found.deadline:%Y-%m-%d %H:%M:%S} UTC: "
        f"{_shown(found.missing_serials)}{_and_more(found.number_missing)}"
    )
    if found.refusal:
        return [Problem(found.refusal.error, f"{missing}. The newest CRL was refused: {found.refusal.cause}")]
    if found.generation_failure:
        return [Problem(found.generation_failure.error, f"{found.generation_failure.cause}. {missing}")]
    if found.number_missing == found.number_wanted:
        return [Problem(errors.CrlNotPublished.__name__, f"no CRL that lists any of them was published; {missing}")]
    return [Problem(errors.SerialsNotInCrl.__name__, missing)]


def _serials_not_revoked(state: GatheredState) -> list[Problem]:
    failed = [r for r in state.revocations if r.outcome is RevocationOutcome.FAILED]
    kinds = (
        ("serials not revoked", [r for r in failed if is_answer(r.error)]),
        ("serials of which it is not known whether they are revoked", [r for r in failed if not is_answer(r.error)]),
    )
    number = len(state.revocations)
    return [
        Problem(errors.SerialsNotRevoked.__name__, f"{kind}: {len(those)} of {number}: {_with_errors(those)}")
        for kind, those in kinds
        if those
    ]


def _with_errors(failed: Sequence[Revocation]) -> str:
    shown = ", ".join(f"{serial_number.to_hex(r.serial)} ({r.error})" for r in failed[:_MAX_SHOWN])
    codes = sorted({r.error for r in failed if r.error})
    explanations = "; ".join(f"{code} means: {explain(code)}" for code in codes if explain(code))
    return f"{shown}{_and_more(len(failed))}" + (f". {explanations}" if explanations else "")


def _refused_crl(state: GatheredState) -> list[Problem]:
    if not isinstance(state.found, Drift) or state.found.refusal is None or state.failure:
        return []
    refusal = state.found.refusal
    return [Problem(refusal.error, f"the CRL in S3 was refused, the trust stores keep what they have: {refusal.cause}")]


def _shown(serials: Sequence[int]) -> str:
    return ", ".join(serial_number.to_hex(serial) for serial in serials[:_MAX_SHOWN])


def _and_more(number: int) -> str:
    return f" and {number - _MAX_SHOWN} more" if number > _MAX_SHOWN else ""
