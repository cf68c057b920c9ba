"""Every call of AWS Private CA: one function per API action."""

import functools
import threading
from typing import TYPE_CHECKING, Any

import boto3

from functions.aws.client import PATIENT, THROTTLED, error_code, translate_errors
from functions.errors import AwsCallRefused, CertificateAuthorityBusy, CertificateAuthorityNotFound

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient

# Clients may be used by several threads at once, but not created (boto3: guide/clients, multithreading).
_creating = threading.Lock()


@functools.cache
def _acm_pca() -> "ACMPCAClient":
    with _creating:
        return boto3.client("acm-pca", config=PATIENT)


def describe_certificate_authority(arn: str) -> dict[str, Any]:
    """Give status, type and revocation configuration of a CA."""
    gone = CertificateAuthorityNotFound
    with translate_errors(
        "DescribeCertificateAuthority", arn, ResourceNotFoundException=gone, InvalidArnException=gone
    ):
        answer = _acm_pca().describe_certificate_authority(CertificateAuthorityArn=arn)
    return dict(answer["CertificateAuthority"])


def get_certificate_authority_certificate(arn: str) -> tuple[str, str]:
    """Give the CA's certificate and the chain above it, both PEM (the chain is empty for a root)."""
    with translate_errors("GetCertificateAuthorityCertificate", arn):
        answer = _acm_pca().get_certificate_authority_certificate(CertificateAuthorityArn=arn)
    return answer["Certificate"], answer.get("CertificateChain", "")


def get_certificate(certificate_authority_arn: str, serial: int) -> str:
    """Give a certificate that the CA issued, PEM.

    Its ARN ends in its serial: as 32 hexadecimal digits in Private CA's events, in decimal in the samples of its API.

    """
    try:
        return _get_certificate(certificate_authority_arn, f"{serial:032x}")
    except AwsCallRefused as refusal:
        if error_code(refusal) != "ResourceNotFoundException":
            raise
        return _get_certificate(certificate_authority_arn, str(serial))


def _get_certificate(certificate_authority_arn: str, name: str) -> str:
    arn = f"{certificate_authority_arn}/certificate/{name}"
    with translate_errors("GetCertificate", arn):
        answer = _acm_pca().get_certificate(CertificateAuthorityArn=certificate_authority_arn, CertificateArn=arn)
    return answer["Certificate"]


def revoke_certificate(certificate_authority_arn: str, serial: str, reason: str) -> str | None:
    """Revoke one certificate; give the code of a refusal that will stay, or None when it is revoked now.

    Raises:
        CertificateAuthorityBusy: throttled, or the CA is at work on something else; to be asked again.
        AwsUnavailable: no answer; to be asked again, which is safe.

    """
    busy = dict.fromkeys(
        (
            *THROTTLED,
            "RequestInProgressException",
            "ConcurrentModificationException",
            "RequestFailedException",
        ),
        CertificateAuthorityBusy,
    )
    try:
        with translate_errors("RevokeCertificate", f"serial {serial}", **busy):
            _acm_pca().revoke_certificate(
                CertificateAuthorityArn=certificate_authority_arn,
                CertificateSerial=serial,
                RevocationReason=reason,  # type: ignore[arg-type] # a StrEnum of the same values
            )
    except AwsCallRefused as refusal:
        return error_code(refusal)
    return None
