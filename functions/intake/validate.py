"""Validates an input and all that it names: reads and checks everything, reports every fault, changes nothing."""

import difflib
import json
from datetime import datetime
from typing import Any, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from functions import log
from functions.aws import s3
from functions.environment import environment
from functions.errors import InvalidInput, NamesakesInBundle, RequestRefused
from functions.intake import certificate_authority, third_party_crl, trust_stores
from functions.intake.certificate_authority import CertificateAuthority
from functions.intake.collect import SerialCollector
from functions.intake.faults import collect_refusals
from functions.intake.trust_stores import TrustStoreSnapshot
from functions.models.request import (
    AcceptedRequest,
    ExecutionInput,
    RequestOptions,
    RequestTargets,
    RevocationReason,
    RevocationRequest,
)
from functions.models.stored import Baseline, Manifest
from functions.pki import bundle_checks, private_keys, serial_number
from functions.pki.chain import certificates_of, readable_certificates
from functions.text import field_name
from functions.trust_store import revocation_lists

_MAX_FAULTS_SHOWN = 50
_MIN_SIMILAR = 4  # letters of an unknown field that are compared with the known ones
_TARGETS = ("CertificateAuthorityArn", "TrustStoreArns")

AnyTargets = TypeVar("AnyTargets", bound=RequestTargets)


def validate(execution: ExecutionInput, now: datetime, get_object: s3.GetObject = s3.get_object) -> Manifest:
    """Validate the input and all that it names.

    Raises:
        RequestRefused: a subclass of it for a single fault, otherwise itself, naming all faults.

    """
    log.note(ExecutionArn=execution.execution_arn)
    faults: list[RequestRefused] = []
    completed = _with_defaults(execution.request)
    _refuse_private_keys(completed)
    request, targets = _parse(completed, faults)
    log.note(CertificateAuthorityArn=targets.certificate_authority_arn)
    stores = trust_stores.read_trust_stores(targets.trust_store_arns, faults)
    ca = None
    with collect_refusals(faults):
        ca = _read_certificate_authority(targets, request, stores, faults, get_object)
    collector = SerialCollector(ca, now, get_object)
    if request:
        collector.collect(request)
        faults += collector.faults
    baselines: list[Baseline] = []
    if ca:
        must_trust = _must_all_trust(targets, request, execution.request)
        trusting = trust_stores.select_trusting(stores, ca, faults, all_must_trust=must_trust)
        wanted, accepts = frozenset(collector.reasons), completed.get("AcceptNamesakes") is True
        baselines = [_baseline(store, ca, wanted, faults, accept_namesakes=accepts) for store in trusting]
    if faults or request is None or ca is None:
        raise _combine(faults)
    return Manifest(
        execution_arn=execution.execution_arn,
        execution_name=execution.execution_name,
        start_time=execution.start_time,
        request=_accept(request, [baseline.trust_store_arn for baseline in baselines], collector.reasons),
        issuer_pem=ca.certificate_pem,
        crl=ca.crl,
        baselines=baselines,
    )


def _with_defaults(raw: object) -> dict[str, Any]:
    """Return the raw input with the deployment's defaults."""
    if not isinstance(raw, dict):
        raise InvalidInput(f'the input is a JSON {type(raw).__name__}, not an object like {{"Serials": ["0x0a1b"]}}')
    settings = environment()
    polling = {"IntervalSeconds": settings.poll_interval_seconds, "DeadlineSeconds": settings.deadline_seconds}
    defaults = {
        "CertificateAuthorityArn": None if "Crl" in raw else settings.certificate_authority_arn,
        "TrustStoreArns": settings.trust_store_arns,
        "AcceptNamesakes": settings.accept_namesakes,
    }
    raw_polling = raw.get("Polling", {})
    merged = {**polling, **raw_polling} if isinstance(raw_polling, dict) else raw_polling
    return {**{name: value for name, value in defaults.items() if value}, **raw, "Polling": merged}


def _refuse_private_keys(completed: dict[str, Any]) -> None:
    """Refuse a private key where no other check looks, so that no error or report repeats a name or value with one."""
    checked_elsewhere = ("Serials", "Certificates")
    rest = [value for name, value in completed.items() if name not in checked_elsewhere or isinstance(value, dict)]
    rest += [
        entry
        for name in checked_elsewhere
        if isinstance(completed.get(name), list)
        for entry in completed[name]
        if not isinstance(entry, str)
    ]
    private_keys.refuse(json.dumps([list(completed), rest]).encode(), "the input")


def _parse(completed: dict[str, Any], faults: list[RequestRefused]) -> tuple[RevocationRequest | None, RequestTargets]:
    """Return the request and its targets; if the rest is malformed, the targets alone, so that they are checked.

    Raises:
        RequestRefused: the targets are malformed too.

    """
    with collect_refusals(faults):
        request = _validate_model(RevocationRequest, completed)
        return request, request
    with collect_refusals([]):  # faults of the targets are among the request's already
        return None, _validate_model(RequestTargets, {name: completed[name] for name in _TARGETS if name in completed})
    raise _combine(faults)


def _validate_model(model: type[AnyTargets], completed: dict[str, Any]) -> AnyTargets:
    try:
        # By alias only: "dry_run" means nothing to the state machine, so it must mean nothing here.
        # A certificate's ARN among the serials names a CA, which must be the one in the context.
        return model.model_validate(completed, by_alias=True, by_name=False, context=completed)
    except ValidationError as error:
        faults = [f"{_path(fault['loc'])}: {_message(fault)}".removeprefix(": ") for fault in error.errors()]
        raise InvalidInput("\n".join(_first(faults))) from None


def _message(fault: ErrorDetails) -> str:
    """Return pydantic's message; for an unknown field, with the field of the input that may be meant."""
    if fault["type"] != "extra_forbidden":
        return fault["msg"]
    names = [field.alias or "" for field in RevocationRequest.model_fields.values()]
    unknown = str(fault["loc"][-1])
    similar = [name for name in names if len(unknown) >= _MIN_SIMILAR and unknown.lower() in name.lower()]
    similar += difflib.get_close_matches(unknown, names, n=1)
    return f"there is no such field{f' (did you mean {similar[0]}?)' if similar else ''}"


def _path(loc: tuple[int | str, ...]) -> str:
    """Return the path of a field; the name of an unknown one is the requester's, and may be a secret."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{field_name(part)}" for part in loc)
    return "".join(parts).removeprefix(".")


def _first(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - _MAX_FAULTS_SHOWN} more"] if len(lines) > _MAX_FAULTS_SHOWN else []
    return lines[:_MAX_FAULTS_SHOWN] + more


def _combine(faults: list[RequestRefused]) -> RequestRefused:
    if len(faults) == 1:
        return faults[0]
    lines = [f"{type(fault).__name__}: {fault}" for fault in faults]
    return RequestRefused(f"{len(faults)} faults; nothing was done:\n" + "\n".join(_first(lines)))


def _read_certificate_authority(
    targets: RequestTargets,
    request: RevocationRequest | None,
    stores: list[TrustStoreSnapshot],
    faults: list[RequestRefused],
    get_object: s3.GetObject,
) -> CertificateAuthority | None:
    """Read the CA from Private CA, or find the one in the trust stores that signed the CRL in the input."""
    if request is not None and request.crl is not None:
        crl = third_party_crl.read(request.crl, get_object)
        return third_party_crl.find_certificate_authority(crl, [store.bundle for store in stores])
    if targets.certificate_authority_arn is None:
        return None
    return certificate_authority.read(targets.certificate_authority_arn, faults)


def _must_all_trust(targets: RequestTargets, request: RevocationRequest | None, raw: object) -> bool:
    """Return whether each trust store must trust the CA: not if none is named, nor if a `Crl` has the default ones."""
    names_trust_stores = isinstance(raw, dict) and "TrustStoreArns" in raw
    is_third_party = request is not None and request.crl is not None
    return bool(targets.trust_store_arns) and (names_trust_stores or not is_third_party)


def _baseline(
    store: TrustStoreSnapshot,
    ca: CertificateAuthority,
    wanted: frozenset[int],
    faults: list[RequestRefused],
    *,
    accept_namesakes: bool,
) -> Baseline:
    lists = revocation_lists.read_snapshot(store.arn, ca.certificate, wanted, known={})
    issuers = certificates_of(ca.certificate, store.bundle)
    for issuer in issuers:
        with collect_refusals(faults):
            bundle_checks.check_key_usage(issuer, f"the CA's certificate in the bundle of {store.arn}")
    namesakes = bundle_checks.describe_namesakes(ca.certificate, readable_certificates(store.bundle), store.arn)
    if namesakes and not accept_namesakes:
        faults.append(NamesakesInBundle(f"{namesakes}, or start again with AcceptNamesakes"))
    return Baseline(
        trust_store_arn=store.arn,
        total_revoked_entries=store.total_revoked_entries,
        entries=revocation_lists.count_distinct_entries(store.arn, lists),
        lists=lists,
        namesakes=namesakes,
        ca_expiry=min((each.not_valid_after_utc for each in readable_certificates(store.bundle)), default=None),
        issuer_pems=[issuer.public_bytes(Encoding.PEM).decode() for issuer in issuers],
    )


def _accept(
    request: RevocationRequest, trust_store_arns: list[str], reasons: dict[int, RevocationReason | None]
) -> AcceptedRequest:
    """Return the request with its serials, without the certificates and lists that named them."""
    options = {name: getattr(request, name) for name in RequestOptions.model_fields}
    own_reasons = {serial_number.to_hex(serial): reason for serial, reason in reasons.items() if reason}
    return AcceptedRequest(
        **{**options, "trust_store_arns": trust_store_arns}, serials=list(reasons), reasons=own_reasons
    )
