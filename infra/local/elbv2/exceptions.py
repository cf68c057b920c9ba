"""The errors of trust stores: one class per error code of Elastic Load Balancing's API.

The codes do not end in `Exception`, but the names of boto3's classes do.
"""

from infra.local.core.requests import NamedError


class TrustStoreNotFound(NamedError):
    """No trust store has this ARN or name."""

    message = "Trust store '{arn}' not found"


class DuplicateTrustStoreName(NamedError):
    """Names are unique in a Region."""

    message = "A trust store with the name '{name}' already exists"


class TooManyTrustStores(NamedError):
    """The quota of trust stores in a Region is reached."""

    message = "The maximum number of trust stores has been reached"


class TrustStoreInUse(NamedError):
    """A listener verifies against the trust store."""

    message = "Trust store '{arn}' is currently in use by a listener"


class InvalidCaCertificatesBundle(NamedError):
    """Load balancers do not accept the bundle."""


class CaCertificatesBundleNotFound(NamedError):
    """The object, or this version of it, does not exist."""

    message = "The CA certificates bundle s3://{bucket}/{key} (version {version}) was not found"


class InvalidRevocationContent(NamedError):
    """A revocation file has an invalid format or uses an algorithm that load balancers do not support."""


class RevocationContentNotFound(NamedError):
    """The object, or this version of it, does not exist."""

    message = "The revocation file s3://{bucket}/{key} (version {version}) was not found"


class TooManyTrustStoreRevocationEntries(NamedError):
    """A quota of the trust store would be exceeded.

    Documented for the entries; the code for one list too many is not documented, and no other fits.
    """


class RevocationIdNotFound(NamedError):
    """The trust store has no list with this ID."""

    message = "Revocation id '{revocation_id}' was not found in the trust store"


class Throttling(NamedError):
    """The quota of writes to trust stores in this account and Region is exceeded."""

    code = "ThrottlingException"
    message = "Rate exceeded"


class ValidationError(NamedError):
    """A value breaks the rules of the API's model."""
