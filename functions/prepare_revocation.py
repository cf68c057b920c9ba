"""PrepareRevocation: refuse what cannot be carried out, before any effect, and keep what all later steps need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from cryptography import x509
from pydantic import ValidationError

from functions import attached_lists, aws, log, workflow_bucket
from functions.contracts import Prepared, TrustStore
from functions.deployment import deployment
from functions.errors import (
    AwsCallRefused,
    CertificateAuthorityNotTrusted,
    CertificateAuthorityUnusable,
    CrlNotEnabled,
    CrlPartitioned,
    InvalidInput,
    RequestRefused,
)
from functions.records import Baseline, CrlLocation, Manifest
from functions.request import ExecutionInput, RevocationRequest, Targets
from functions.task import task
from functions.trust import is_trusted

# A DISABLED CA issues nothing, but revokes and publishes CRLs (aws: PcaUpdateStatus).
_CAN_REVOKE = ("ACTIVE", "DISABLED")
_FAULTS_SHOWN = 50
_TARGETS = ("CertificateAuthorityArn", "TrustStoreArns")

AnyTargets = TypeVar("AnyTargets", bound=Targets)


@dataclass(frozen=True, slots=True)
class _Authority:
    arn: str
    certificate_pem: str
    chain_pem: str
    crl: CrlLocation

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_pem.encode())


def prepare_revocation(question: ExecutionInput, _now: datetime) -> Prepared:
    """Validate the input and all that it names, and write the manifest.

    Raises:
        RequestRefused: a subclass of it for a single fault, itself naming all of them otherwise.

    """
    log.note(ExecutionArn=question.execution_arn)
    faults: list[RequestRefused] = []
    completed = _with_defaults(question.request)
    request = targets = authority = None
    with _collecting(faults):
        request = _validated(RevocationRequest, completed)
    with _collecting([] if request is None else faults):  # malformed targets were named just now
        targets = request or _validated(Targets, {k: v for k, v in completed.items() if k in _TARGETS})
    if targets is None:
        raise _one_of(faults)
    log.note(CertificateAuthorityArn=targets.certificate_authority_arn)
    with _collecting(faults):
        authority = _authority(targets.certificate_authority_arn, faults)
    wanted = frozenset(request.serials) if request else frozenset()
    baselines = []
    for arn in dict.fromkeys(targets.trust_store_arns):
        with _collecting(faults):
            baselines.append(_baseline(arn, authority, wanted))
    if faults or request is None or authority is None:
        raise _one_of(faults)
    manifest = Manifest(
        execution_arn=question.execution_arn,
        execution_name=question.execution_name,
        start_time=question.start_time,
        request=request,
        issuer_pem=authority.certificate_pem,
        crl=authority.crl,
        baselines=[baseline for baseline in baselines if baseline],
    )
    return Prepared(
        manifest=workflow_bucket.put_manifest(manifest),
        certificate_authority_arn=request.certificate_authority_arn,
        revocation_reason=request.revocation_reason,
        polling=request.polling,
        reconcile=request.reconcile,
        give_way_seconds=deployment().give_way_seconds,
        serials=request.serials,
        trust_stores=[TrustStore(trust_store_arn=each.trust_store_arn) for each in manifest.baselines],
    )


@contextmanager
def _collecting(faults: list[RequestRefused]) -> Iterator[None]:
    """Let one refusal not hide the next."""
    try:
        yield
    except RequestRefused as fault:
        faults.append(fault)
    except AwsCallRefused as refusal:
        why = "the stack may touch the CA, its CRL bucket and the trust stores that it was deployed for, and no others"
        faults.append(RequestRefused(f"{refusal} ({why})"))


def _one_of(faults: list[RequestRefused]) -> RequestRefused:
    if len(faults) == 1:
        return faults[0]
    lines = [f"{type(fault).__name__}: {fault}" for fault in faults]
    return RequestRefused(f"{len(faults)} faults, nothing was done:\n" + "\n".join(lines))


def _with_defaults(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidInput(f'the input is a JSON {type(raw).__name__}, not an object like {{"Serials": ["0x0a1b"]}}')
    here = deployment()
    polling = {"IntervalSeconds": here.poll_interval_seconds, "DeadlineSeconds": here.deadline_seconds}
    defaults = {
        "CertificateAuthorityArn": here.certificate_authority_arn,
        "TrustStoreArns": here.trust_store_arns,
    }
    asked = raw.get("Polling", {})
    merged = {**polling, **asked} if isinstance(asked, dict) else asked
    return {**{name: value for name, value in defaults.items() if value}, **raw, "Polling": merged}


def _validated(model: type[AnyTargets], completed: dict[str, Any]) -> AnyTargets:
    try:
        return model.model_validate(completed)
    except ValidationError as refusal:
        faults = [
            f"{_path(fault['loc'])}: {fault['msg']}".removeprefix(": ") for fault in refusal.errors(include_url=False)
        ]
        more = [f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else []
        raise InvalidInput("; ".join(faults[:_FAULTS_SHOWN] + more)) from None


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")[:200]


def _authority(arn: str, faults: list[RequestRefused]) -> _Authority | None:
    described = aws.describe_certificate_authority(arn)
    status = described["Status"]
    crl = described.get("RevocationConfiguration", {}).get("CrlConfiguration", {})
    with _collecting(faults):
        _check_crl(arn, crl)
    if status not in _CAN_REVOKE:
        can = " or ".join(_CAN_REVOKE)
        raise CertificateAuthorityUnusable(f"{arn} is {status}; only an {can} CA revokes and publishes CRLs")
    certificate, chain = aws.get_certificate_authority_certificate(arn)
    return _Authority(arn, certificate, chain, _crl_location(arn, crl))


def _check_crl(arn: str, crl: Mapping[str, Any]) -> None:
    if not crl.get("Enabled"):
        raise CrlNotEnabled(
            f"{arn} publishes no CRL: enable it with UpdateCertificateAuthority "
            "(RevocationConfiguration.CrlConfiguration.Enabled is false, wanted: true)"
        )
    if crl.get("CrlType") == "PARTITIONED":
        raise CrlPartitioned(
            f"{arn} publishes PARTITIONED CRLs, wanted: COMPLETE; a load balancer does not match partitions"
        )


def _crl_location(arn: str, crl: Mapping[str, Any]) -> CrlLocation:
    """Name the object Private CA writes: `crl/<CA id>.crl`, or under the CustomPath (aws: crl-planning)."""
    bucket, _, prefix = crl.get("S3BucketName", "").partition("/")
    folder = crl.get("CustomPath", "crl").strip("/")
    key = "/".join(part for part in (prefix.strip("/"), folder, f"{arn.rsplit('/', 1)[1]}.crl") if part)
    etag = aws.head_object_etag(bucket, key) if bucket else None
    return CrlLocation(bucket=bucket, key=key, etag=etag)


def _baseline(arn: str, authority: _Authority | None, wanted: frozenset[int]) -> Baseline | None:
    described = aws.describe_trust_store(arn)
    if authority is None:
        return None
    issuer = authority.certificate
    if not is_trusted(issuer, authority.chain_pem, aws.get_trust_store_ca_certificates_bundle(arn)):
        raise CertificateAuthorityNotTrusted(
            f"the bundle of {arn} holds neither the CA {authority.arn} nor one it chains to, "
            "so the load balancer accepts none of its certificates"
        )
    lists = attached_lists.look(arn, issuer, wanted, known={})
    return Baseline(
        trust_store_arn=arn,
        total_revoked_entries=described["TotalRevokedEntries"],
        entries=attached_lists.distinct_entries(arn, lists),
        lists=lists,
    )


handler = task(prepare_revocation)
