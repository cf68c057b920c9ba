"""The errors of trust stores: one class per error code of Elastic Load Balancing's API.

The code on the wire has no `Exception` at its end; boto3's class has.
"""

from moto.core.exceptions import ServiceException


class TrustStoreNotFound(ServiceException):
    """No trust store has this ARN or name."""

    code = "TrustStoreNotFound"
    message = "Trust store '{arn}' not found"


class DuplicateTrustStoreName(ServiceException):
    """Names are unique in a Region."""

    code = "DuplicateTrustStoreName"
    message = "A trust store with the name '{name}' already exists"


class TooManyTrustStores(ServiceException):
    """The quota of trust stores in a Region is used up."""

    code = "TooManyTrustStores"
    message = "The maximum number of trust stores has been reached"


class TrustStoreInUse(ServiceException):
    """A listener verifies against the trust store."""

    code = "TrustStoreInUse"
    message = "Trust store '{arn}' is currently in use by a listener"


class InvalidCaCertificatesBundle(ServiceException):
    """A bundle is not one that load balancers take."""

    code = "InvalidCaCertificatesBundle"


class CaCertificatesBundleNotFound(ServiceException):
    """There is no such object, or no such version of it."""

    code = "CaCertificatesBundleNotFound"
    message = "The CA certificates bundle s3://{bucket}/{key} (version {version}) was not found"


class InvalidRevocationContent(ServiceException):
    """A revocation file has an invalid format or uses an algorithm that load balancers do not take."""

    code = "InvalidRevocationContent"


class RevocationContentNotFound(ServiceException):
    """There is no such object, or no such version of it."""

    code = "RevocationContentNotFound"
    message = "The revocation file s3://{bucket}/{key} (version {version}) was not found"


class TooManyTrustStoreRevocationEntries(ServiceException):
    """A quota of the trust store would be exceeded.

    Documented for the entries; which code answers one list too many is not, and there is no other that fits.
    """

    code = "TooManyTrustStoreRevocationEntries"


class RevocationIdNotFound(ServiceException):
    """The trust store has no such list."""

    code = "RevocationIdNotFound"
    message = "Revocation id '{revocation_id}' was not found in the trust store"


class Throttling(ServiceException):
    """Writes to trust stores come too fast for this account and Region."""

    code = "ThrottlingException"
    message = "Rate exceeded"


class ValidationError(ServiceException):
    """A value breaks the rules of the API's model."""

    code = "ValidationError"
