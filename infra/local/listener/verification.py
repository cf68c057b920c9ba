"""Which client certificates a listener refuses, and with which of the load balancer's error codes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

from cryptography import x509

from functions.pki import names
from infra.local.core.settings import ExpiredCrl, NamesakeLists, SameIssuerLists, TrustStoreSettings
from infra.local.elbv2.trust_store import RevocationList, TrustSnapshot


class Failure(StrEnum):
    """Why a handshake failed: `tls_verify_status` (aws: application/load-balancer-connection-logs)."""

    MAX_CHAIN_DEPTH_EXCEEDED = "ClientCertMaxChainDepthExceeded"
    CRL_HIT = "ClientCertCrlHit"
    CRL_PROCESSING_ERROR = "ClientCertCrlProcessingError"
    UNTRUSTED = "ClientCertUntrusted"
    NOT_YET_VALID = "ClientCertNotYetValid"
    EXPIRED = "ClientCertExpired"
    TYPE_UNSUPPORTED = "ClientCertTypeUnsupported"
    INVALID = "ClientCertInvalid"
    PURPOSE_INVALID = "ClientCertPurposeInvalid"
    UNMAPPED = "UnmappedConnectionError"


_REVOKED = 23  # X509_V_ERR_CERT_REVOKED

# OpenSSL's X509_V_ERR_… (openssl/x509_vfy.h); all others are INVALID.
OPENSSL_FAILURES = {
    2: Failure.UNTRUSTED,  # UNABLE_TO_GET_ISSUER_CERT
    9: Failure.NOT_YET_VALID,
    10: Failure.EXPIRED,
    18: Failure.UNTRUSTED,  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: Failure.UNTRUSTED,  # SELF_SIGNED_CERT_IN_CHAIN
    20: Failure.UNTRUSTED,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: Failure.UNTRUSTED,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    22: Failure.MAX_CHAIN_DEPTH_EXCEEDED,
    26: Failure.PURPOSE_INVALID,
    66: Failure.TYPE_UNSUPPORTED,  # EE_KEY_TOO_SMALL
}


class ClientVerification:
    """The verification of one client's certificate chain, which OpenSSL walks from the anchor to the leaf.

    A failure above the leaf is kept until OpenSSL reaches the leaf, so that the log can name the client.
    """

    def __init__(self, snapshot: TrustSnapshot, settings: TrustStoreSettings) -> None:
        """Verify against a snapshot of the trust store."""
        self._snapshot = snapshot
        self._settings = settings
        self._chain: dict[int, x509.Certificate] = {}
        self._failure: Failure | None = None
        self._is_complete = False

    @property
    def anchors(self) -> Sequence[x509.Certificate]:
        """The certificates in which a chain can end."""
        return self._snapshot.certificates

    @property
    def failure(self) -> Failure | None:
        """Why the client is refused, or None; a client without a certificate is refused too."""
        return self._failure if self._is_complete or self._failure else Failure.UNMAPPED

    @property
    def leaf(self) -> x509.Certificate | None:
        """The client's own certificate, or None before OpenSSL has reached it."""
        return self._chain.get(0)

    def verify_step(self, certificate: x509.Certificate, error: int, depth: int, *, is_valid: bool) -> bool:
        """Handle a call of OpenSSL's verify callback; return whether to continue."""
        self._chain[depth] = certificate
        if not is_valid and not (error == 10 and depth == 0 and self._snapshot.ignore_client_certificate_expiry):  # noqa: PLR2004
            self._failure = self._failure or OPENSSL_FAILURES.get(error, Failure.INVALID)
        if is_valid and depth == 0:
            chain = [self._chain[level] for level in sorted(self._chain)]
            self._failure = self._failure or find_revocation_failure(chain, self._snapshot.lists, self._settings)
            self._is_complete = True
        return self._failure is None or depth > 0


def find_revocation_failure(
    chain: Sequence[x509.Certificate], lists: Sequence[RevocationList], settings: TrustStoreSettings
) -> Failure | None:
    """Return why the revocation lists refuse a chain, leaf first, or None if they do not.

    Lists are found by issuer name alone, as in s2n-tls; one that OpenSSL does not accept refuses the client. A
    certificate without a list of its issuer is not revoked.
    """
    for certificate, issuer in pairwise(chain):
        for revocation_list in _lists_of(issuer, lists, settings):
            error = revocation_list.error_of(certificate, issuer)
            if error not in (0, _REVOKED):
                return Failure.CRL_PROCESSING_ERROR
            if revocation_list.has_expired(datetime.now(UTC)) and settings.expired_crl is not ExpiredCrl.ENFORCED:
                if settings.expired_crl is ExpiredCrl.REFUSED:
                    return Failure.CRL_PROCESSING_ERROR
                continue
            if error == _REVOKED:
                return Failure.CRL_HIT
    return None


def _lists_of(
    issuer: x509.Certificate, lists: Sequence[RevocationList], settings: TrustStoreSettings
) -> Sequence[RevocationList]:
    name = names.canonical(names.subject(issuer))
    same_issuer = [each for each in lists if each.issuer == name]
    if settings.namesake_lists is NamesakeLists.BY_KEY_IDENTIFIER:
        same_issuer = [each for each in same_issuer if each.names_key_of(issuer)]
    if settings.same_issuer_lists is SameIssuerLists.NEWEST:
        return same_issuer[-1:]
    return same_issuer[:1] if settings.same_issuer_lists is SameIssuerLists.OLDEST else same_issuer
