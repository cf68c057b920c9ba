"""Explanations of Private CA's error codes for a revocation (aws: privateca PCATsExceptions, API_RevokeCertificate)."""

from functions.errors import AwsUnavailable

_NO_ANSWER = "no answer arrived, so it is not known whether the certificate is revoked; start again"
_EXPLANATIONS = {
    "AccessDeniedException": "the function's role may not revoke at this CA; see the template's policies",
    "CertificateAuthorityBusy": "Private CA throttled or was busy until the retries were used up; start again",
    "CertificateExpired": "it has expired and was never revoked; load balancers refuse it unless they ignore expiry",
    "InvalidRequestException": "Private CA does not allow it, for example for the CA's own certificate",
    "InvalidStateException": "the CA's state does not allow it any more",
    "LimitExceededException": "a quota is used up, such as 1,000,000 revoked certificates of a CA with complete CRLs",
    "ResourceNotFoundException": "this CA did not issue a certificate with this serial number",
}


def explain(error: str | None) -> str | None:
    """Return what an error code means, or None if that is not known."""
    if error and not is_answer(error):
        return _NO_ANSWER
    return _EXPLANATIONS.get(error) if error else None


def is_answer(error: str | None) -> bool:
    """Return whether an error is an answer of Private CA, so that the certificate is known not to be revoked.

    Otherwise the call, or the function that made it (`Lambda.Unknown`, `States.Timeout`), ended without one.
    """
    return error is not None and "." not in error and error != AwsUnavailable.__name__
