"""Audit reports of the embedded Private CA: their columns, names and states."""

import csv
import json

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from infra.local.acm_pca.audit_report import subject
from tests.functions.intake.serial_lists import CSV, read
from tests.support.private_ca import LocalCa
from tests.support.services import Services, refused
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def authority(services: Services) -> LocalCa:
    """Return an active root CA without a CRL."""
    return LocalCa.create(services, crl={})


def report(services: Services, authority: LocalCa, bucket: str, report_format: str) -> str:
    """Return the text of a new report, once it is ready."""
    created = services.pca.create_certificate_authority_audit_report(
        CertificateAuthorityArn=authority.arn,
        S3BucketName=bucket,
        AuditReportResponseFormat=report_format,  # type: ignore[arg-type]
    )
    arguments = {"CertificateAuthorityArn": authority.arn, "AuditReportId": created["AuditReportId"]}

    def ready() -> bool:
        described = services.pca.describe_certificate_authority_audit_report(**arguments)
        assert (described["S3BucketName"], described["S3Key"]) == (bucket, created["S3Key"])
        return described["AuditReportStatus"] == "SUCCESS"

    eventually(ready)
    return services.s3.get_object(Bucket=bucket, Key=created["S3Key"])["Body"].read().decode()


def test_both_formats(services: Services, authority: LocalCa) -> None:
    """Each certificate has a row, with its revocation, its template and its subject; the list reader takes the CSV."""
    kept, revoked = authority.issue(), authority.issue()
    authority.revoke(revoked, "KEY_COMPROMISE")
    bucket = services.bucket()
    text = report(services, authority, bucket, "CSV")
    assert text.splitlines()[0] == (
        "awsAccountId,requestedByServicePrincipal,certificateArn,serial,subject,notBefore,notAfter,issuedAt,"
        "revokedAt,revocationReason,templateArn"
    )
    rows = {row["certificateArn"]: row for row in csv.DictReader(text.splitlines())}
    own, first, second = rows.values()
    assert own["templateArn"] == "arn:aws:acm-pca:::template/RootCACertificate/V1"
    assert (first["certificateArn"], second["certificateArn"]) == (kept.arn, revoked.arn)
    assert first["serial"].replace(":", "") == kept.serial_text
    assert first["notAfter"] == kept.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%S+0000")
    assert (first["revokedAt"], first["revocationReason"]) == ("", "")
    assert second["revocationReason"] == "KEY_COMPROMISE"
    assert second["revokedAt"].endswith("+0000")
    assert [wanted.serial for wanted in read(text, CSV)][1:] == [kept.serial, revoked.serial]
    entries = json.loads(report(services, authority, bucket, "JSON"))
    assert entries == [{name: value for name, value in row.items() if value} for row in rows.values()]


def test_subjects() -> None:
    """Reversed; types without a name in RFC 2253 have their value's DER (openssl: x509 -nameopt RFC2253,dump_der)."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Doe, "Sons" + Co'),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "0815"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Jürgen"),
        ]
    )
    assert subject(name) == r"CN=Jürgen,2.5.4.5=#130430383135,O=Doe\, \"Sons\" \+ Co,C=DE"


def test_refusals(services: Services, authority: LocalCa) -> None:
    """A bucket that denies Private CA, another format, an unknown report."""
    bucket = services.bucket()
    with refused("InvalidArgsException"):
        report(services, authority, bucket, "XML")
    services.s3.delete_bucket_policy(Bucket=bucket)
    with refused("ValidationException"):
        report(services, authority, bucket, "CSV")
    with refused("ResourceNotFoundException"):
        services.pca.describe_certificate_authority_audit_report(
            CertificateAuthorityArn=authority.arn, AuditReportId="0" * 36
        )


def test_a_report_that_cannot_be_written(
    services: Services, authority: LocalCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is CREATING, and FAILED once the bucket denies access."""
    monkeypatch.setattr(services.settings.private_ca, "audit_report_seconds", 1.0)
    bucket = services.bucket()
    created = services.pca.create_certificate_authority_audit_report(
        CertificateAuthorityArn=authority.arn, S3BucketName=bucket, AuditReportResponseFormat="CSV"
    )
    services.s3.delete_bucket_policy(Bucket=bucket)

    def status() -> str:
        return services.pca.describe_certificate_authority_audit_report(
            CertificateAuthorityArn=authority.arn, AuditReportId=created["AuditReportId"]
        )["AuditReportStatus"]

    assert status() == "CREATING"
    eventually(lambda: status() == "FAILED")
