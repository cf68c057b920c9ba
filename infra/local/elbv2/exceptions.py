"""The errors of trust stores: one class per error code of Elastic Load Balancing's API.

The codes do not end in `Exception`, but the names of boto3's classes do.
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
    """The quota of trust stores in a Region is reached."""

    code = "TooManyTrustStores"
    message = "The maximum number of trust stores has been reached"


class TrustStoreInUse(ServiceException):
    """A listener verifies against the trust store."""

    code = "TrustStoreInUse"
    message = "Trust store '{arn}' is currently in use by a listener"


class InvalidCaCertificatesBundle(ServiceException):
    """Load balancers do not accept the bundle."""

    code = "InvalidCaCertificatesBundle"


class CaCertificatesBundleNotFound(ServiceException):
    """The object, or this version of it, does not exist."""

    code = "CaCertificatesBundleNotFound"
    message = "The CA certificates bundle s3://{bucket}/{key} (version {version}) was not found"


class InvalidRevocationContent(ServiceException):
    """A revocation file has an invalid format or uses an algorithm that load balancers do not support."""

    code = "InvalidRevocationContent"


class RevocationContentNotFound(ServiceException):
    """The object, or this version of it, does not exist."""

    code = "RevocationContentNotFound"
    message = "The revocation file s3://{bucket}/{key} (version {version}) was not found"


class TooManyTrustStoreRevocationEntries(ServiceException):
    """A quota of the trust store would be exceeded.

    Documented for the entries; the code for one list too many is not documented, and no other fits.
    """

    code = "TooManyTrustStoreRevocationEntries"


class RevocationIdNotFound(ServiceException):
    """The trust store has no list with this ID."""

    code = "RevocationIdNotFound"
    message = "Revocation id '{revocation_id}' was not found in the trust store"


class Throttling(ServiceException):
    """The quota of writes to trust stores in this account and Region is exceeded."""

    code = "ThrottlingException"
    message = "Rate exceeded"


class ValidationError(ServiceException):
    """A value breaks the rules of the API's model."""

    code = "ValidationError"
