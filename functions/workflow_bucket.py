"""What the steps keep in the workflow's own bucket, and under which key.

crls/<CA id>/<CRL number>.pem                       a CRL as it was attached
executions/<name>/manifest.json                     what was asked, and the state before
executions/<name>/revocations/<batch>.json          what became of each serial of a long list
executions/<name>/evidence/<trust store>/*.json     what was read back
executions/<name>/report.json, report.md            what became of it
crl-failures/<CA id>.json                           Private CA's last word that it has no CRL
claims/<CA id>/<CRL number>-<trust stores>.json     which reconcile corrects a drift (trust_store/claim.py)
"""

from collections.abc import Collection
from datetime import timedelta
from typing import IO

from functions import log
from functions.aws import s3 as aws_s3
from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.models.base import Model, S3Object
from functions.models.report import Report
from functions.models.states import Revocation
from functions.models.stored import CrlFailure, Evidence, Manifest, Outcomes
from functions.pki import crl

_CLOCKS_DIFFER = timedelta(minutes=1)  # Step Functions' and Lambda's, at the most


def _put(key: str, model: Model) -> S3Object:
    body = model.model_dump_json(indent=2, exclude_none=True).encode()
    return aws_s3.put_object(environment().workflow_bucket, key, body, "application/json")


def get(location: S3Object) -> bytes:
    """Read one exact version of an object."""
    found = aws_s3.get_object(location.bucket, location.key, version_id=location.version_id)
    if found is None:
        raise AwsCallRefused(f"GetObject found no version {location.version_id} of {location.key}")
    return found.body


def put_manifest(manifest: Manifest) -> S3Object:
    """Keep what was asked for and the state before."""
    return _put(f"executions/{manifest.execution_name}/manifest.json", manifest)


def get_manifest(location: S3Object) -> Manifest:
    """Read what was asked for and the state before."""
    manifest = Manifest.model_validate_json(get(location))
    log.note(ExecutionArn=manifest.execution_arn, CertificateAuthorityArn=manifest.request.certificate_authority_arn)
    return manifest


def put_outcomes(execution_name: str, batch: int, revocations: list[Revocation]) -> None:
    """Keep what became of each serial of a batch."""
    _put(_outcomes_key(execution_name, batch), Outcomes(revocations=revocations))


def get_outcomes(manifest: Manifest, batch: int) -> list[Revocation]:
    """Read what became of each serial of a batch so far; an execution's name may be used again after 90 days."""
    found = aws_s3.get_object(environment().workflow_bucket, _outcomes_key(manifest.execution_name, batch))
    if found is None:
        return []
    earliest = manifest.start_time - _CLOCKS_DIFFER
    kept = Outcomes.model_validate_json(found.body).revocations
    return [each for each in kept if each.at and each.at >= earliest]


def _outcomes_key(execution_name: str, batch: int) -> str:
    return f"executions/{execution_name}/revocations/{batch}.json"


def put_evidence(execution_name: str, evidence: Evidence) -> S3Object:
    """Keep what was read back from a trust store."""
    prefix = _evidence_prefix(execution_name, evidence.trust_store_arn)
    moment = round(evidence.verified_at.timestamp() * 1000)
    return _put(f"{prefix}{evidence.attached.revocation_id}-{moment}.json", evidence)


def get_evidence(location: S3Object) -> Evidence:
    """Read what was read back from a trust store."""
    return Evidence.model_validate_json(get(location))


def all_evidence(execution_name: str, trust_store_arn: str) -> list[Evidence]:
    """Read all that this execution read back from a trust store, over all its rounds."""
    bucket = environment().workflow_bucket
    keys = aws_s3.list_objects(bucket, _evidence_prefix(execution_name, trust_store_arn))
    found = [aws_s3.get_object(bucket, key) for key in keys]
    return [Evidence.model_validate_json(each.body) for each in found if each]


def _evidence_prefix(execution_name: str, trust_store_arn: str) -> str:
    return f"executions/{execution_name}/evidence/{trust_store_arn.split('/', 1)[1].replace('/', '-')}/"


def put_pem(authority_id: str, crl_number: int | None, pem: IO[bytes]) -> S3Object:
    """Keep a CRL as it is attached."""
    key = f"crls/{authority_id}/{crl_number}.pem"
    return aws_s3.put_object(environment().workflow_bucket, key, pem, "application/x-pem-file")


def held_in(pem: S3Object, wanted: Collection[int]) -> frozenset[int]:
    """Give those of the wanted serials that a kept CRL holds."""
    return crl_of(pem, wanted).held


def crl_of(pem: S3Object, wanted: Collection[int] = ()) -> crl.Crl:
    """Read a kept CRL."""
    return crl.read(get(pem), wanted=wanted, max_entries=environment().max_revocation_entries)


def put_report(report: Report, markdown: str) -> tuple[S3Object, S3Object]:
    """Keep the report for machines and for people."""
    folder = f"executions/{report.execution_name}"
    body = aws_s3.put_object(
        environment().workflow_bucket, f"{folder}/report.md", markdown.encode(), "text/markdown; charset=utf-8"
    )
    return _put(f"{folder}/report.json", report), body


def get_report(location: S3Object) -> Report:
    """Read a report."""
    report = Report.model_validate_json(get(location))
    log.note(ExecutionArn=report.execution_arn, CertificateAuthorityArn=report.certificate_authority_arn)
    return report


def last_report(execution_name: str) -> Report | None:
    """Read the report that an execution of this name wrote last, if any did."""
    found = aws_s3.get_object(environment().workflow_bucket, f"executions/{execution_name}/report.json")
    return Report.model_validate_json(found.body) if found else None


def put_crl_failure(failure: CrlFailure) -> None:
    """Keep Private CA's word that it has no CRL, for those who wait for it."""
    _put(_crl_failure_key(failure.certificate_authority_arn.rsplit("/", 1)[1]), failure)


def get_crl_failure(authority_id: str) -> CrlFailure | None:
    """Read what Private CA said last, if it ever did."""
    found = aws_s3.get_object(environment().workflow_bucket, _crl_failure_key(authority_id))
    return CrlFailure.model_validate_json(found.body) if found else None


def _crl_failure_key(authority_id: str) -> str:
    return f"crl-failures/{authority_id}.json"
