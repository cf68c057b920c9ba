"""Lists of serials for the tests of their readers, and the two certificates that they name."""

import json

from functions.intake import serial_list
from functions.models.request import RevocationReason, SerialListFormat, WantedSerial

JSON, JSON_LINES, CSV, LINES = SerialListFormat
A = WantedSerial(serial=0xAA01)
B = WantedSerial(serial=0xBB02, revocation_reason=RevocationReason.KEY_COMPROMISE)

CA_ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/11223344-1234-1122-2233-112233445566"
ARN = f"{CA_ARN}/certificate/{0:028x}"
_ISSUED = {
    "awsAccountId": "123456789012",
    "requestedByServicePrincipal": "acm.amazonaws.com",
    "certificateArn": f"{ARN}aa01",
    "serial": "00:00:aa:01",
    "subject": "CN=one,O=Us",
    "notBefore": "2026-02-26T18:39:57+0000",
    "notAfter": "2027-02-26T19:39:57+0000",
    "issuedAt": "2026-02-26T18:39:58+0000",
}
_REVOKED = {
    **_ISSUED,
    "certificateArn": f"{ARN}bb02",
    "serial": "00:00:bb:02",
    "revokedAt": "2026-03-26T18:39:58+0000",
    "revocationReason": "KEY_COMPROMISE",
    "templateArn": "arn:aws:acm-pca:::template/EndEntityCertificate/V1",
}
AUDIT_REPORT = json.dumps([_ISSUED, _REVOKED])
AUDIT_REPORT_CSV = "\n".join(
    [",".join(_REVOKED), *(",".join(f'"{entry.get(name, "")}"' for name in _REVOKED) for entry in (_ISSUED, _REVOKED))]
)


def read(text: str | bytes, list_format: SerialListFormat) -> list[WantedSerial]:
    """Read a list that messages call x."""
    return serial_list.read(text if isinstance(text, bytes) else text.encode(), list_format, "x")
