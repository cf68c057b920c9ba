"""The verdict on an execution: the name of its error, the cause with the numbers, and what to do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions import errors
from functions.models.report import PROVEN, SerialReport
from functions.models.states import Drift, DriftStatus, Failure, Found, GatheredState, RevocationOutcome, TrustStore
from functions.pki import serial_number
from functions.revocation.error_codes import explain

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was not done."""

    error: str
    sentence: str

    def what_to_do(self, *, begun: bool) -> str:
        """Say what to do about it; once revoking has begun, a refusal no longer means that nothing was done."""
        named = getattr(errors, self.error, None)
        if not isinstance(named, type) or not issubclass(named, errors.RevocationError):
            return errors.RevocationError.what_to_do
        if begun and issubclass(named, errors.RequestRefused):
            return errors.RevocationError.what_to_do
        return named.what_to_do


def message(failure: Failure) -> str:
    """Give the words of an error out of the JSON that Lambda wraps it in."""
    try:
        wrapped = json.loads(failure.cause)
    except ValueError:
        return failure.cause
    return str(wrapped.get("errorMessage", failure.cause)) if isinstance(wrapped, dict) else failure.cause


def problems(state: GatheredState) -> list[Problem]:
    """Give all that was not done, the most exposed first; none for an execution that did everything."""
    found = [Problem(state.failure.error, message(state.failure))] if state.failure else []
    return [*found, *_trust_stores(state), *_missing(state), *_not_revoked(state), *_refused_drift(state)]


def not_read_back(state: GatheredState, known: Mapping[str, Any]) -> list[Problem]:
    """Give the trust stores in which a drift was to be corrected and no list was read back."""
    if not isinstance(state.found, Drift) or state.found.status is not DriftStatus.CONFIRMED:
        return []
    lacking = [store.trust_store_arn for store in known.get("trust_stores", []) if store.proven != PROVEN]
    told = f"no list was read back from {', '.join(lacking)}"
    return [Problem(errors.RevocationNotVerified.__name__, told)] if lacking else []


def _refused_drift(state: GatheredState) -> list[Problem]:
    if not isinstance(state.found, Drift) or state.found.refusal is None or state.failure:
        return []
    refusal = state.found.refusal
    return [Problem(refusal.error, f"the CRL in S3 was refused, the trust stores keep what they have: {refusal.cause}")]


def unproven(listed: Iterable[SerialReport]) -> list[Problem]:
    """Give what is not proven though nothing failed: success is claimed for what was read back, and for no more."""
    lacking = [each for each in listed if not each.enforced and each.outcome is not RevocationOutcome.EXPIRED]
    if not lacking:
        return []
    told = f"{len(lacking)} serials were not read back from every trust store: {_named([e.serial for e in lacking])}"
    return [Problem(errors.RevocationNotVerified.__name__, told)]


def _named(found: Sequence[int]) -> str:
    return ", ".join(serial_number.to_hex(serial) for serial in found[:_SHOWN]) + _and_more(len(found))


def _and_more(number: int) -> str:
    return f" and {number - _SHOWN} more" if number > _SHOWN else ""


def _trust_stores(state: GatheredState) -> list[Problem]:
    failed = [store for store in state.trust_stores if store.failure]
    if not failed:
        return []
    names = {store.failure.error for store in failed if store.failure}
    error = names.pop() if len(names) == 1 else errors.TrustStoreNotEnforced.__name__
    told = "; ".join(map(_trust_store, failed))
    return [Problem(error, f"{len(failed)} of {len(state.trust_stores)} trust stores failed: {told}")]


def _trust_store(store: TrustStore) -> str:
    """Tell a trust store without the list from one that holds it beside the older lists."""
    attached, verified = store.attached.finished_at, store.verified.started_at
    in_force = attached and verified and attached <= verified and not store.removed.verified_list_gone
    what = "the list is in force, older ones are left" if in_force else "not enforced"
    failure = store.failure or Failure(error="")
    return f"{store.trust_store_arn} ({what}): {failure.error}: {message(failure)}"


def _missing(state: GatheredState) -> list[Problem]:
    found = state.found
    interrupted = state.failure and state.failure.error == errors.ExecutionInterrupted.__name__
    told_already = state.failure and not interrupted
    if told_already or not isinstance(found, Found) or not found.number_missing:
        return []
    named = _named(found.missing_serials) + _and_more(found.number_missing)
    told = (
        f"{found.number_missing} of {found.number_wanted} revoked serials are in no CRL that could be enforced "
        f"after {found.polls} looks until {found.deadline:%Y-%m-%d %H:%M:%S} UTC: {named}"
    )
    if found.refusal:
        return [Problem(found.refusal.error, f"{told}. The CRL that came was refused: {found.refusal.cause}")]
    if found.generation_failure:
        return [Problem(found.generation_failure.error, f"{found.generation_failure.cause}. {told}")]
    if found.number_missing == found.number_wanted:
        return [Problem(errors.CrlNotPublished.__name__, f"no CRL that names any of them came: {told}")]
    return [Problem(errors.SerialsNotInCrl.__name__, told)]


def _not_revoked(state: GatheredState) -> list[Problem]:
    failed = [r for r in state.revocations if r.outcome is RevocationOutcome.FAILED]
    if not failed:
        return []
    named = ", ".join(f"{serial_number.to_hex(r.serial)} ({r.error})" for r in failed[:_SHOWN]) + _and_more(len(failed))
    codes = sorted({r.error for r in failed if r.error})
    why = "; ".join(f"{code} means: {explain(code)}" for code in codes if explain(code))
    told = f"{len(failed)} of {len(state.revocations)} serials were not revoked: {named}"
    return [Problem(errors.SerialsNotRevoked.__name__, f"{told}. {why}" if why else told)]
