"""Every call of AWS Private CA: one function per API action."""

import functools
import threading
from typing import TYPE_CHECKING, Any

import boto3

from functions.aws.client import PATIENT, THROTTLED, error_code, translate_errors
from functions.errors import AwsCallRefused, CertificateAuthorityBusy, CertificateAuthorityNotFound

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient

# Several threads may use a client at once, but not create one (boto3: guide/clients, multithreading).
_client_lock = threading.Lock()

_ABSENT = ("ResourceNotFoundException", "InvalidArnException")


@functools.cache
def _acm_pca() -> "ACMPCAClient":
    with _client_lock:
        return boto3.client("acm-pca", config=PATIENT)


def describe_certificate_authority(arn: str) -> dict[str, Any]:
    """Return a CA's status, type and revocation configuration.

    Raises:
        CertificateAuthorityNotFound: there is no such CA, or the ARN is malformed.

    """
    codes = dict.fromkeys(_ABSENT, CertificateAuthorityNotFound)
    with translate_errors("DescribeCertificateAuthority", arn, **codes):
        response = _acm_pca().describe_certificate_authority(CertificateAuthorityArn=arn)
        return dict(response["CertificateAuthority"])


def get_certificate_authority_certificate(arn: str) -> tuple[str, str]:
    """Return the CA's certificate and the chain above it, both PEM; a root's chain is empty."""
    with translate_errors("GetCertificateAuthorityCertificate", arn):
        response = _acm_pca().get_certificate_authority_certificate(CertificateAuthorityArn=arn)
        return response["Certificate"], response.get("CertificateChain", "")


def get_certificate(certificate_authority_arn: str, serial: int) -> str:
    """Return a certificate that the CA issued, PEM.

    A certificate's ARN ends in its serial number: 32 hexadecimal digits in Private CA's events, decimal in the API
    reference's examples. Both are tried; AWS does not say whether it calls the wrong one malformed or not found.

    """
    try:
        return _get_certificate(certificate_authority_arn, f"{serial:032x}")
    except AwsCallRefused as error:
        if error_code(error) not in _ABSENT:
            raise
        return _get_certificate(certificate_authority_arn, str(serial))


def _get_certificate(certificate_authority_arn: str, certificate_id: str) -> str:
    arn = f"{certificate_authority_arn}/certificate/{certificate_id}"
    with translate_errors("GetCertificate", arn):
        response = _acm_pca().get_certificate(CertificateAuthorityArn=certificate_authority_arn, CertificateArn=arn)
        return response["Certificate"]


def revoke_certificate(certificate_authority_arn: str, serial: str, reason: str) -> str | None:
    """Revoke one certificate; return None on success, or AWS's code of a permanent refusal.

    Raises:
        CertificateAuthorityBusy: throttled, or another request for this CA is in progress; retry.
        AwsUnavailable: no answer; retry, which is safe.

    """
    codes = dict.fromkeys(
        (
            *THROTTLED,
            "RequestInProgressException",
            "ConcurrentModificationException",
            "RequestFailedException",
        ),
        CertificateAuthorityBusy,
    )
    try:
        with translate_errors("RevokeCertificate", f"serial {serial}", **codes):
            _acm_pca().revoke_certificate(
                CertificateAuthorityArn=certificate_authority_arn,
                CertificateSerial=serial,
                RevocationReason=reason,  # type: ignore[arg-type] # a StrEnum of the same values
            )
    except AwsCallRefused as error:
        return error_code(error)
    return None
