"""Reads and writes the documents that the steps keep in the workflow's own bucket.

crls/<CA id>/<CRL number>.pem                       a CRL as it was attached
executions/<name>/manifest.json                     the request, and the trust stores before the execution
executions/<name>/revocations/<batch>.json          the outcome for each serial of a long list
executions/<name>/evidence/<trust store>/*.json     what was read back
executions/<name>/report.json, report.md            the report
executions/<name>/notified.json                     the outcome that people and programs were notified of
crl-failures/<CA id>.json                           Private CA's last report of a CRL that it could not publish
claims/<CA id>/<trust stores>.json                  which reconcile corrects a drift (trust_store/claim.py)
"""

import contextlib
from collections.abc import Collection
from datetime import timedelta
from typing import IO

from pydantic import ValidationError

from functions import log
from functions.aws import s3
from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.models.base import Model, S3Object
from functions.models.report import Report
from functions.models.states import Revocation
from functions.models.stored import CrlFailure, Evidence, Manifest, NotifiedOutcome, Outcomes
from functions.pki import crl

_MAX_CLOCK_DIFFERENCE = timedelta(minutes=1)  # between Step Functions and Lambda


def _put(key: str, model: Model) -> S3Object:
    body = model.model_dump_json(indent=2, exclude_none=True).encode()
    return s3.put_object(environment().workflow_bucket, key, body, "application/json")


def get_object(location: S3Object) -> bytes:
    """Return the body of one exact version of an object."""
    found = s3.get_object(location.bucket, location.key, version_id=location.version_id)
    if found is None:
        raise AwsCallRefused(f"GetObject found no version {location.version_id} of {location.key}")
    return found.body


def put_manifest(manifest: Manifest) -> S3Object:
    """Write the manifest of an execution."""
    return _put(f"executions/{manifest.execution_name}/manifest.json", manifest)


def get_manifest(location: S3Object) -> Manifest:
    """Return the manifest of an execution."""
    manifest = Manifest.model_validate_json(get_object(location))
    log.note(ExecutionArn=manifest.execution_arn, CertificateAuthorityArn=manifest.request.certificate_authority_arn)
    return manifest


def put_outcomes(execution_name: str, batch: int, revocations: list[Revocation]) -> None:
    """Write the outcome for each serial of a batch."""
    _put(_outcomes_key(execution_name, batch), Outcomes(revocations=revocations))


def get_outcomes(manifest: Manifest, batch: int) -> list[Revocation]:
    """Return the outcomes of a batch so far, without those of an execution of the same name 90 days ago or earlier."""
    found = s3.get_object(environment().workflow_bucket, _outcomes_key(manifest.execution_name, batch))
    if found is None:
        return []
    earliest = manifest.start_time - _MAX_CLOCK_DIFFERENCE
    revocations = Outcomes.model_validate_json(found.body).revocations
    return [revocation for revocation in revocations if revocation.at and revocation.at >= earliest]


def _outcomes_key(execution_name: str, batch: int) -> str:
    return f"executions/{execution_name}/revocations/{batch}.json"


def put_evidence(execution_name: str, evidence: Evidence) -> S3Object:
    """Write what was read back from a trust store."""
    prefix = _evidence_prefix(execution_name, evidence.trust_store_arn)
    milliseconds = round(evidence.verified_at.timestamp() * 1000)
    return _put(f"{prefix}{evidence.attached.revocation_id}-{milliseconds}.json", evidence)


def get_evidence(location: S3Object) -> Evidence:
    """Return what was read back from a trust store at one time."""
    return Evidence.model_validate_json(get_object(location))


def list_evidence(execution_name: str, trust_store_arn: str) -> list[Evidence]:
    """Return everything that executions of this name have read back from a trust store."""
    bucket = environment().workflow_bucket
    keys = s3.list_objects(bucket, _evidence_prefix(execution_name, trust_store_arn))
    objects = [s3.get_object(bucket, key) for key in keys]
    return [Evidence.model_validate_json(found.body) for found in objects if found]


def _evidence_prefix(execution_name: str, trust_store_arn: str) -> str:
    return f"executions/{execution_name}/evidence/{trust_store_arn.split('/', 1)[1].replace('/', '-')}/"


def put_crl(authority_id: str, crl_number: int | None, pem: IO[bytes]) -> S3Object:
    """Write a CRL in PEM for attaching it."""
    key = f"crls/{authority_id}/{crl_number}.pem"
    return s3.put_object(environment().workflow_bucket, key, pem, "application/x-pem-file")


def get_crl(pem: S3Object, wanted: Collection[int] = ()) -> crl.Crl:
    """Return a CRL that was written in PEM; its `held_serials` are those of the wanted serials that it lists."""
    return crl.read(get_object(pem), wanted=wanted, max_entries=environment().max_revocation_entries)


def put_report(report: Report, markdown: str) -> tuple[S3Object, S3Object]:
    """Write the report as JSON and Markdown; return both locations in that order."""
    prefix = f"executions/{report.execution_name}"
    report_markdown = s3.put_object(
        environment().workflow_bucket, f"{prefix}/report.md", markdown.encode(), "text/markdown; charset=utf-8"
    )
    return _put(f"{prefix}/report.json", report), report_markdown


def get_report(location: S3Object) -> Report:
    """Return a report."""
    report = Report.model_validate_json(get_object(location))
    log.note(ExecutionArn=report.execution_arn, CertificateAuthorityArn=report.certificate_authority_arn)
    return report


def last_report(execution_name: str) -> tuple[Report, S3Object] | None:
    """Return the newest report of an execution of this name, or None if there is none that this version can read."""
    found = s3.get_object(environment().workflow_bucket, f"executions/{execution_name}/report.json")
    with contextlib.suppress(ValidationError):
        return (Report.model_validate_json(found.body), found.version) if found else None
    return None


def put_notified_outcome(report: Report) -> None:
    """Write that the outcome of an execution was sent."""
    outcome = NotifiedOutcome(execution_arn=report.execution_arn, start_time=report.start_time, outcome=report.outcome)
    _put(_notified_key(report.execution_name), outcome)


def get_notified_outcome(execution_name: str) -> NotifiedOutcome | None:
    """Return the outcome last sent of an execution of this name, or None."""
    found = s3.get_object(environment().workflow_bucket, _notified_key(execution_name))
    return NotifiedOutcome.model_validate_json(found.body) if found else None


def _notified_key(execution_name: str) -> str:
    return f"executions/{execution_name}/notified.json"


def put_crl_failure(failure: CrlFailure) -> None:
    """Write Private CA's report that it could not publish a CRL; executions that wait for the CRL read it."""
    _put(_crl_failure_key(failure.certificate_authority_arn.rsplit("/", 1)[1]), failure)


def get_crl_failure(authority_id: str) -> CrlFailure | None:
    """Return Private CA's last report that it could not publish a CRL, or None."""
    found = s3.get_object(environment().workflow_bucket, _crl_failure_key(authority_id))
    return CrlFailure.model_validate_json(found.body) if found else None


def _crl_failure_key(authority_id: str) -> str:
    return f"crl-failures/{authority_id}.json"
