"""Every error of this product: the state machine's `ErrorEquals` and the report use the class names.

RevocationError
├── RequestRefused               the input, or what it names, cannot be used (nothing was revoked)
│   ├── InvalidInput             … InvalidSerial, AmbiguousSerial
│   ├── InvalidCertificate, PrivateKeyGiven, CertificateIssuerMismatch, CertificateExpired
│   ├── InvalidSerialList, InputObjectNotFound, InputObjectTooLarge
│   ├── CertificateAuthorityNotFound, CertificateAuthorityUnusable, CrlNotEnabled, CrlElsewhere, CrlPartitioned
│   └── TrustStoreNotFound, CertificateAuthorityNotTrusted, CrlSignNotAllowed, NamesakesInBundle
├── CrlRefused                   a CRL is not known to be good (it is never attached)
│   ├── CrlTooLarge, CrlMalformed, CrlVersionUnsupported, CrlExtensionUnsupported, CrlNumberMissing
│   ├── CrlIssuerMismatch, CrlAuthorityKeyMismatch, CrlSignatureUnsupported, CrlSignatureInvalid
│   └── CrlNotYetValid, CrlExpired, CrlNumberLower, CrlNumberReused, CrlDropsEntries
├── SerialsNotRevoked            Private CA revoked none, or not all, of the serials
├── CrlNotPublished, SerialsNotInCrl   the deadline passed without a CRL, or without these serials in it
│   └── CrlBucketNotWritable, CrlGenerationFailed   … and Private CA itself reported why
├── ExecutionInterrupted         time-out, abort, or an error that the state machine could not report itself
├── TrustStoreFull, RevocationAddUnclear, RevocationNotVerified, TrustStoreNotEnforced
├── CertificateAuthorityBusy, TrustStoreThrottled, AwsUnavailable   retried by the state machine
└── AwsCallRefused               any other refusal by AWS, with operation and code
"""


class RevocationError(Exception):
    """Base of every error that this product raises on purpose."""

    what_to_do = "Fix the cause, then start a new execution with the same input: running it again is always safe."


class RequestRefused(RevocationError):
    """The input cannot be carried out. Nothing was revoked and no trust store was touched."""

    what_to_do = "Correct what is named, and start a new execution. Nothing was done."


class InvalidInput(RequestRefused):
    """A field of the input is missing, unknown or malformed."""


class InvalidSerial(RequestRefused):
    """A text is not a certificate serial number (RFC 5280, 4.1.2.2: positive, at most 20 octets)."""


class AmbiguousSerial(RequestRefused):
    """A text can be read as two different serial numbers."""


class InvalidCertificate(RequestRefused):
    """A file or text of the input does not hold a readable X.509 certificate."""


class PrivateKeyGiven(RequestRefused):
    """A file or text of the input holds a private key, which no input needs."""


class CertificateIssuerMismatch(RequestRefused):
    """A certificate was not issued by the certificate authority of the request."""


class CertificateExpired(RequestRefused):
    """A certificate has expired, so it cannot be revoked and need not be."""


class InvalidSerialList(RequestRefused):
    """A list of serials is not in its declared format, or some of its lines cannot be read."""


class InputObjectNotFound(RequestRefused):
    """An object that the input names is not in S3."""


class InputObjectTooLarge(RequestRefused):
    """An object that the input names is larger than the limit for its kind."""


class CertificateAuthorityNotFound(RequestRefused):
    """Private CA does not know the certificate authority."""


class CertificateAuthorityUnusable(RequestRefused):
    """The certificate authority is neither ACTIVE nor DISABLED, or a certificate of it cannot be read."""


class CrlNotEnabled(RequestRefused):
    """The certificate authority publishes no CRL."""


class CrlElsewhere(RequestRefused):
    """The certificate authority writes its CRL to another place than the one that this stack reads."""


class CrlPartitioned(RequestRefused):
    """The certificate authority publishes partitioned CRLs, none of which covers all certificates."""


class TrustStoreNotFound(RequestRefused):
    """The trust store does not exist."""


class CertificateAuthorityNotTrusted(RequestRefused):
    """The certificate authority is not in the trust store's bundle and does not chain to it."""


class CrlSignNotAllowed(RequestRefused):
    """The CA's certificate has a key usage without cRLSign, so its CRLs are not valid (RFC 5280, 6.3.3 (f))."""


class NamesakesInBundle(RequestRefused):
    """A trust store's bundle trusts two CAs of one name, and the CRL of one may shut out the other's clients."""


class CrlRefused(RevocationError):
    """A CRL is not known to be good. It is never attached: a wrong one could lock every client out."""

    what_to_do = (
        "The trust stores keep the lists they had. Find out who wrote this CRL and why; "
        "when the CA has published a good one, start a new execution with the same input."
    )


class CrlTooLarge(CrlRefused):
    """The CRL is larger than a trust store accepts, in bytes or in entries."""


class CrlMalformed(CrlRefused):
    """The bytes are not exactly one DER (or PEM) CertificateList of RFC 5280, 5.1."""


class CrlVersionUnsupported(CrlRefused):
    """The CRL is not version 2 (RFC 5280, 5.1.2.1)."""


class CrlExtensionUnsupported(CrlRefused):
    """The CRL is a delta, indirect or partitioned, or has a critical extension that is not understood."""


class CrlNumberMissing(CrlRefused):
    """The CRL has no CRL number (RFC 5280, 5.2.3), so it cannot be distinguished from an older one."""


class CrlIssuerMismatch(CrlRefused):
    """The CRL's issuer is not the certificate authority's subject."""


class CrlAuthorityKeyMismatch(CrlRefused):
    """The CRL's authority key identifier is not the certificate authority's key."""


class CrlSignatureUnsupported(CrlRefused):
    """The CRL is signed with an algorithm that load balancers do not accept, or that does not fit the key."""


class CrlSignatureInvalid(CrlRefused):
    """The CRL is not signed by the certificate authority's key."""


class CrlNotYetValid(CrlRefused):
    """The CRL's thisUpdate lies in the future."""


class CrlExpired(CrlRefused):
    """The CRL's nextUpdate has passed, or it has none (RFC 5280, 5.1.2.5)."""


class CrlNumberLower(CrlRefused):
    """The CRL is older than one that is attached already."""


class CrlNumberReused(CrlRefused):
    """Two different CRLs of one certificate authority have the same number."""


class CrlDropsEntries(CrlRefused):
    """A third-party CRL lacks serials that are refused now, so it would let their holders in again."""

    what_to_do = (
        "The trust stores keep the lists they had. Find out whether these certificates have expired: if so, start a "
        "new execution with AcceptDroppedEntries; if not, ask the CA for a CRL that lists them."
    )


class SerialsNotRevoked(RevocationError):
    """Private CA did not revoke all of the serials; the others were revoked and enforced."""

    what_to_do = (
        "Correct or leave out the serials that are named, or fix what Private CA names, then start a new execution. "
        "It does no harm to give the others again."
    )


class CrlNotPublished(RevocationError):
    """The deadline passed and the certificate authority had published no new CRL."""

    what_to_do = (
        "The certificates are revoked but not yet blocked. See that Private CA can write to its CRL bucket "
        "(CloudWatch metric MisconfiguredCRLBucket), then start a new execution with the same input."
    )


class CrlBucketNotWritable(CrlNotPublished):
    """Private CA reported that it may not write to the CRL bucket."""

    what_to_do = (
        "The certificates are revoked but not yet blocked. Let Private CA write to its CRL bucket: the bucket policy "
        "must allow the principal acm-pca.amazonaws.com s3:PutObject, s3:PutObjectAcl, s3:GetBucketAcl and "
        "s3:GetBucketLocation on the bucket and its objects, with aws:SourceAccount and aws:SourceArn of this account "
        "and CA. If the bucket blocks public ACLs or has ACLs disabled, the CA's S3ObjectAcl must be "
        "BUCKET_OWNER_FULL_CONTROL. Private CA tries again every 15 minutes; "
        "then start a new execution with the same input."
    )


class CrlGenerationFailed(CrlNotPublished):
    """Private CA reported that it failed to generate or write the CRL, and not because of the bucket."""

    what_to_do = (
        "The certificates are revoked but not yet blocked. Private CA tries again every 15 minutes: start a new "
        "execution with the same input, and open a case with AWS when it goes on."
    )


class ExecutionInterrupted(RevocationError):
    """The execution ended without a report of its own: a time-out, an abort, or an error that no Catch handles."""


class SerialsNotInCrl(RevocationError):
    """The deadline passed and the newest CRL did not hold all revoked serials; those in it are enforced."""

    what_to_do = (
        "The serials named are revoked but not yet blocked. "
        "Start a new execution with the same input: it waits for the next CRL."
    )


class TrustStoreFull(RevocationError):
    """The trust store has no capacity for the new list in addition to those it holds."""

    what_to_do = (
        "Raise the quota that is named (Service Quotas), or remove lists of CAs that are no longer in use, "
        "then start a new execution with the same input."
    )


class RevocationAddUnclear(RevocationError):
    """AddTrustStoreRevocations gave no clear answer and the list is not (yet) visible."""


class RevocationNotVerified(RevocationError):
    """The list read back from the trust store is not, or not yet, what was attached."""


class TrustStoreNotEnforced(RevocationError):
    """At least one trust store does not hold the CRL; the others do."""


class CertificateAuthorityBusy(RevocationError):
    """Private CA throttles (RevokeCertificate: 20 a second per account and Region) or is busy with the CA."""


class TrustStoreThrottled(RevocationError):
    """The quota of trust-store writes (one every five seconds per account and Region) is used up for now."""


class AwsUnavailable(RevocationError):
    """AWS did not respond, or returned a server error or what cannot be read, on every retry."""


class AwsCallRefused(RevocationError):
    """AWS refused a call for a reason without a class of its own; operation and code are in the message."""
