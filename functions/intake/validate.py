"""What an input comes to: everything that it names read and checked, every fault of it named, nothing changed."""

import json
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from functions import log
from functions.aws import s3 as aws_s3
from functions.environment import environment
from functions.errors import InvalidInput, RequestRefused
from functions.intake import certificate_authority as authority
from functions.intake import third_party_crl as third_party
from functions.intake import trust_stores
from functions.intake.certificate_authority import Authority
from functions.intake.collect import GetObject, SerialCollector
from functions.intake.faults import collect_refusals
from functions.intake.trust_stores import TrustStoreSeen
from functions.models.request import (
    AcceptedRequest,
    ExecutionInput,
    Options,
    RevocationReason,
    RevocationRequest,
    Targets,
)
from functions.models.stored import Baseline, Manifest
from functions.pki import private_keys, serial_number
from functions.trust_store import revocation_lists

_FAULTS_SHOWN = 50
_TARGETS = ("CertificateAuthorityArn", "TrustStoreArns")

AnyTargets = TypeVar("AnyTargets", bound=Targets)


def validate(execution: ExecutionInput, now: datetime, get_object: GetObject = aws_s3.get_object) -> Manifest:
    """Validate the input and all that it names.

    Raises:
        RequestRefused: a subclass of it for a single fault, itself naming all of them otherwise.

    """
    log.note(ExecutionArn=execution.execution_arn)
    faults: list[RequestRefused] = []
    completed = _with_defaults(execution.request)
    _refuse_private_keys(completed)
    request = targets = found = None
    with collect_refusals(faults):
        request = _validated(RevocationRequest, completed)
    with collect_refusals([] if request is None else faults):  # malformed targets were named just now
        targets = request or _validated(Targets, {k: v for k, v in completed.items() if k in _TARGETS})
    if targets is None:
        raise _one_of(faults)
    log.note(CertificateAuthorityArn=targets.certificate_authority_arn)
    stores = trust_stores.named(targets.trust_store_arns, faults)
    with collect_refusals(faults):
        found = _authority(targets, request, stores, faults, get_object)
    intake = SerialCollector(found.certificate if found else None, found.chain if found else [], now, get_object)
    if request:
        intake.take(request)
        faults += intake.faults
    baselines: list[Baseline] = []
    if found:
        chosen = request is not None and request.crl is not None and not _names_trust_stores(execution.request)
        trusting = trust_stores.trusting(stores, found, faults, all_must=bool(targets.trust_store_arns) and not chosen)
        baselines = [_baseline(store, found, frozenset(intake.reasons)) for store in trusting]
    if faults or request is None or found is None:
        raise _one_of(faults)
    return Manifest(
        execution_arn=execution.execution_arn,
        execution_name=execution.execution_name,
        start_time=execution.start_time,
        request=_accepted(request, [each.trust_store_arn for each in baselines], intake.reasons),
        issuer_pem=found.certificate_pem,
        crl=found.crl,
        baselines=baselines,
    )


def _refuse_private_keys(completed: dict[str, Any]) -> None:
    """Look where no other check does, so that no name or value is repeated in an error or kept in a report."""
    told_by_place = ("Serials", "Certificates")
    rest = [value for name, value in completed.items() if name not in told_by_place or isinstance(value, dict)]
    rest += [
        each
        for name in told_by_place
        if isinstance(completed.get(name), list)
        for each in completed[name]
        if not isinstance(each, str)
    ]
    private_keys.refuse(json.dumps([list(completed), rest]).encode(), "the input")


def _authority(
    targets: Targets,
    request: RevocationRequest | None,
    stores: list[TrustStoreSeen],
    faults: list[RequestRefused],
    get_object: GetObject,
) -> Authority | None:
    """Read the CA from Private CA, or find the one that signed the CRL that was handed over."""
    if request is not None and request.crl is not None:
        return third_party.authority_of(third_party.read(request.crl, get_object), [store.bundle for store in stores])
    if targets.certificate_authority_arn is None:
        return None
    return authority.read(targets.certificate_authority_arn, faults)


def _names_trust_stores(raw: object) -> bool:
    return isinstance(raw, dict) and "TrustStoreArns" in raw


def _accepted(
    request: RevocationRequest, trust_store_arns: list[str], reasons: dict[int, RevocationReason | None]
) -> AcceptedRequest:
    """Keep what was asked for, without the certificates and lists that named the serials."""
    usual = {name: getattr(request, name) for name in Options.model_fields}
    own = {serial_number.to_hex(serial): reason for serial, reason in reasons.items() if reason}
    return AcceptedRequest(**{**usual, "trust_store_arns": trust_store_arns}, serials=list(reasons), reasons=own)


def _one_of(faults: list[RequestRefused]) -> RequestRefused:
    if len(faults) == 1:
        return faults[0]
    lines = [f"{type(fault).__name__}: {fault}" for fault in faults[:_FAULTS_SHOWN]]
    more = [f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else []
    return RequestRefused(f"{len(faults)} faults, nothing was done:\n" + "\n".join(lines + more))


def _with_defaults(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidInput(f'the input is a JSON {type(raw).__name__}, not an object like {{"Serials": ["0x0a1b"]}}')
    here = environment()
    polling = {"IntervalSeconds": here.poll_interval_seconds, "DeadlineSeconds": here.deadline_seconds}
    defaults = {
        "CertificateAuthorityArn": None if "Crl" in raw else here.certificate_authority_arn,
        "TrustStoreArns": here.trust_store_arns,
    }
    asked = raw.get("Polling", {})
    merged = {**polling, **asked} if isinstance(asked, dict) else asked
    return {**{name: value for name, value in defaults.items() if value}, **raw, "Polling": merged}


def _validated(model: type[AnyTargets], completed: dict[str, Any]) -> AnyTargets:
    try:
        # By AWS's names alone: a "dry_run" that is nothing to the state machine must be nothing here.
        # A certificate's ARN among the serials names a CA, which must be this one.
        return model.model_validate(completed, by_alias=True, by_name=False, context=completed)
    except ValidationError as refusal:
        faults = [
            f"{_path(fault['loc'])}: {fault['msg']}".removeprefix(": ") for fault in refusal.errors(include_url=False)
        ]
        more = [f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else []
        raise InvalidInput("; ".join(faults[:_FAULTS_SHOWN] + more)) from None


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")[:200]


def _baseline(store: TrustStoreSeen, found: Authority, wanted: frozenset[int]) -> Baseline:
    lists = revocation_lists.read_snapshot(store.arn, found.certificate, wanted, known={})
    return Baseline(
        trust_store_arn=store.arn,
        total_revoked_entries=store.total_revoked_entries,
        entries=revocation_lists.count_distinct_entries(store.arn, lists),
        lists=lists,
    )
