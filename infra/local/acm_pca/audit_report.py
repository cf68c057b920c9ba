"""The audit report of a CA: each certificate that it issued, and the revocations, with the columns that AWS writes.

Columns, times, names and serial numbers: privateca: PcaAuditReport.
"""

import csv
import io
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from cryptography import x509
from cryptography.x509.oid import NameOID

from functions.pki.certificate_list import content, end_of
from infra.local.acm_pca import crl_bucket
from infra.local.acm_pca.crl import Revocation
from infra.local.core.requests import ServiceError

COLUMNS = (
    *("awsAccountId", "requestedByServicePrincipal", "certificateArn", "serial", "subject", "notBefore", "notAfter"),
    *("issuedAt", "revokedAt", "revocationReason", "templateArn"),
)
_CREATING, _SUCCESS, _FAILED = "CREATING", "SUCCESS", "FAILED"
# RFC 2253, 2.3: these types have names; any other is its object identifier, with the value's DER in hexadecimal.
_NAMES = {
    NameOID.COMMON_NAME: "CN",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
}


@dataclass(frozen=True)
class IssueRecord:
    """When and by which template a certificate was issued."""

    issued_at: datetime
    template: str


class Issuer(crl_bucket.Owner, Protocol):
    """The CA as far as its reports need it."""

    id: str
    issued: dict[int, x509.Certificate]
    issue_records: dict[int, IssueRecord]
    revocations: dict[int, Revocation]


@dataclass
class AuditReports:
    """The reports of one CA; each lists what was issued until it was written, a while after it was requested."""

    ca: Issuer
    reports: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # as DescribeCertificateAuthorityAuditReport has it
    _stopped: bool = False

    def create(self, bucket: str, report_format: str, seconds: float) -> tuple[str, str]:
        """Begin a report in CSV or JSON; return its ID and its key.

        Raises:
            ServiceError: InvalidArgsException for another format.
            CrlBucketError: the bucket denies access to Private CA; the code that AWS returns is not documented.

        """
        if report_format not in ("CSV", "JSON"):
            raise ServiceError("InvalidArgsException", f"AuditReportResponseFormat is {report_format}, not CSV or JSON")
        report_id = str(uuid.uuid4())
        key = f"audit-report/{self.ca.id}/{report_id}.{report_format.lower()}"
        self._write(bucket, crl_bucket.PERMISSION_TEST_KEY, b"")
        self.reports[report_id] = {
            "AuditReportStatus": "CREATING",
            "S3BucketName": bucket,
            "S3Key": key,
            "CreatedAt": datetime.now(UTC).timestamp(),
        }
        timer = threading.Timer(seconds, self._finish, (self.reports[report_id], report_format))
        timer.daemon = True
        timer.start()
        return report_id, key

    def describe(self, report_id: str) -> dict[str, Any]:
        """Return a report's status, bucket and key.

        Raises:
            ServiceError: ResourceNotFoundException if the CA has no such report.

        """
        if report_id not in self.reports:
            raise ServiceError("ResourceNotFoundException", f"Audit report {report_id} of {self.ca.arn} not found")
        return self.reports[report_id]

    def stop(self) -> None:
        """Write no further report: the CA was deleted by a reset."""
        self._stopped = True

    def _finish(self, report: dict[str, Any], report_format: str) -> None:
        if self._stopped:
            return
        rows = list(self._rows())
        text = (
            json.dumps([{name: text for name, text in row.items() if text} for row in rows], indent=2)
            if report_format == "JSON"
            else _csv(rows)
        )
        try:
            self._write(report["S3BucketName"], report["S3Key"], text.encode())
        except crl_bucket.CrlBucketError:
            report["AuditReportStatus"] = "FAILED"
        else:
            report["AuditReportStatus"] = "SUCCESS"

    def _write(self, bucket: str, key: str, body: bytes) -> None:
        configuration = {"S3BucketName": bucket, "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL"}
        crl_bucket.write_object(self.ca, configuration, key, body)

    def _rows(self) -> Iterator[dict[str, str]]:
        partition = self.ca.arn.split(":")[1]
        for serial, certificate in list(self.ca.issued.items()):
            record, revocation = self.ca.issue_records[serial], self.ca.revocations.get(serial)
            digits = f"{serial:032x}"
            yield {
                "awsAccountId": self.ca.account_id,
                "requestedByServicePrincipal": "",  # of an AWS service that requested it, as ACM
                "certificateArn": f"{self.ca.arn}/certificate/{digits}",
                "serial": ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)),
                "subject": subject(certificate.subject),
                "notBefore": _time(certificate.not_valid_before_utc),
                "notAfter": _time(certificate.not_valid_after_utc),
                "issuedAt": _time(record.issued_at),
                "revokedAt": _time(revocation.entry.revocation_date_utc) if revocation else "",
                "revocationReason": revocation.reason if revocation else "",
                "templateArn": f"arn:{partition}:acm-pca:::template/{record.template}",
            }


def subject(name: x509.Name) -> str:
    """Return a name as the report has it: RFC 2253, the last attribute first, an unnamed type as `OID=#DER`."""
    return ",".join("+".join(_attribute(each) for each in rdn) for rdn in reversed(name.rdns))


def _attribute(attribute: "x509.NameAttribute[str | bytes]") -> str:
    if attribute.oid in _NAMES:
        return attribute.rfc4514_string()
    der = x509.Name([attribute]).public_bytes()  # SEQUENCE { SET { SEQUENCE { type, value } } }
    at = 0
    for _ in range(3):
        at, _ = content(der, at)
    return f"{attribute.oid.dotted_string}=#{der[end_of(der, at) :].hex()}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def _json(rows: list[dict[str, str]]) -> str:
    """Return the rows as objects, without what a certificate does not have."""
    return json.dumps([{name: value for name, value in row.items() if value} for row in rows], indent=2)


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
