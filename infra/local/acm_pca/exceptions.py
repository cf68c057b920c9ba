"""The errors of AWS Private CA: one class per error code of its API.

Codes and their meaning: https://docs.aws.amazon.com/privateca/latest/userguide/PCATsExceptions.html
"""

from infra.local.core.requests import NamedError


class InvalidArnException(NamedError):
    """The ARN is malformed."""

    message = "The requested Amazon Resource Name (ARN) does not refer to an existing resource: {arn}"


class ResourceNotFoundException(NamedError):
    """The CA, or the certificate of this CA, does not exist."""

    message = "Resource {arn} not found"


class InvalidStateException(NamedError):
    """The CA is in a state that does not allow the operation."""

    message = "The certificate authority {arn} is in state {status}, which does not allow {operation}."


class InvalidRequestException(NamedError):
    """The request cannot be performed or is prohibited."""


class InvalidArgsException(NamedError):
    """An argument has a value that is not allowed."""


class MalformedCSRException(NamedError):
    """The certificate signing request cannot be read, or is not signed by its own key."""

    message = "The certificate signing request is invalid."


class MalformedCertificateException(NamedError):
    """A certificate cannot be read, or is not a CA certificate."""


class CertificateMismatchException(NamedError):
    """The certificate to import is not for this CA's key and subject, or its chain is invalid."""


class RequestAlreadyProcessedException(NamedError):
    """The certificate was revoked before."""

    message = "The certificate with serial {serial} has already been revoked."


class ThrottlingException(NamedError):
    """The quota of calls in this account and Region is exceeded."""

    message = "Rate exceeded"


class ValidationException(NamedError):
    """A value breaks the rules of the API's model, or is inconsistent."""


class CrlBucketException(ValidationException):
    """Private CA cannot write to the CRL bucket (wording: hashicorp/terraform-provider-aws issue 33306)."""

    code = "ValidationException"
    message = (
        "Permission error with your S3 bucket '{bucket}'. Check that your bucket policy, encryption "
        "settings, S3 Block Public Access settings, and global account permissions are configured correctly. "
        "For more information, check the service documentation. ({reason})"
    )
