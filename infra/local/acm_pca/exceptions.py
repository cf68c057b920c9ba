"""The errors of AWS Private CA: one class per error code of its API.

Codes and their meaning: https://docs.aws.amazon.com/privateca/latest/userguide/PCATsExceptions.html
"""

from moto.core.exceptions import ServiceException


class InvalidArnException(ServiceException):
    """The ARN is malformed."""

    code = "InvalidArnException"
    message = "The requested Amazon Resource Name (ARN) does not refer to an existing resource: {arn}"


class ResourceNotFoundException(ServiceException):
    """The CA, or the certificate of this CA, does not exist."""

    code = "ResourceNotFoundException"
    message = "Resource {arn} not found"


class InvalidStateException(ServiceException):
    """The CA is in a state that does not allow the operation."""

    code = "InvalidStateException"
    message = "The certificate authority {arn} is in state {status}, which does not allow {operation}."


class InvalidRequestException(ServiceException):
    """The request cannot be performed or is prohibited."""

    code = "InvalidRequestException"


class InvalidArgsException(ServiceException):
    """An argument has a value that is not allowed."""

    code = "InvalidArgsException"


class MalformedCSRException(ServiceException):
    """The certificate signing request cannot be read, or is not signed by its own key."""

    code = "MalformedCSRException"
    message = "The certificate signing request is invalid."


class MalformedCertificateException(ServiceException):
    """A certificate cannot be read, or is not a CA certificate."""

    code = "MalformedCertificateException"


class CertificateMismatchException(ServiceException):
    """The certificate to import is not for this CA's key and subject, or its chain is invalid."""

    code = "CertificateMismatchException"


class RequestAlreadyProcessedException(ServiceException):
    """The certificate was revoked before."""

    code = "RequestAlreadyProcessedException"
    message = "The certificate with serial {serial} has already been revoked."


class ThrottlingException(ServiceException):
    """The quota of calls in this account and Region is exceeded."""

    code = "ThrottlingException"
    message = "Rate exceeded"


class ValidationException(ServiceException):
    """A value breaks the rules of the API's model, or is inconsistent."""

    code = "ValidationException"


class CrlBucketException(ValidationException):
    """Private CA cannot write to the CRL bucket (wording: hashicorp/terraform-provider-aws issue 33306)."""

    message = (
        "Permission error with your S3 bucket '{bucket}'. Check that your bucket policy, encryption "
        "settings, S3 Block Public Access settings, and global account permissions are configured correctly. "
        "For more information, check the service documentation. ({reason})"
    )
