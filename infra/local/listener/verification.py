"""Which client certificates a listener refuses, and under which of the load balancer's codes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

from cryptography import x509

from infra.local.core.settings import ExpiredCrl, SameIssuerLists, TrustStoreSettings
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


# OpenSSL's X509_V_ERR_… (openssl/x509_vfy.h); what is not here is INVALID.
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
    """The verification of one client's certificate, as OpenSSL walks through its chain.

    A failure above the leaf is kept until the leaf is seen, so that the log can name the client.
    """

    def __init__(self, trust: TrustSnapshot, settings: TrustStoreSettings) -> None:
        """Verify against `trust` as it is now."""
        self._trust = trust
        self._settings = settings
        self._chain: dict[int, x509.Certificate] = {}
        self._failure: Failure | None = None
        self._done = False

    @property
    def anchors(self) -> Sequence[x509.Certificate]:
        """The certificates that a chain may end in."""
        return self._trust.certificates

    @property
    def failure(self) -> Failure | None:
        """Why the client is refused; a client that sent no certificate is, too."""
        return self._failure if self._done or self._failure else Failure.UNMAPPED

    @property
    def leaf(self) -> x509.Certificate | None:
        """The client's own certificate, once it was seen."""
        return self._chain.get(0)

    def step(self, certificate: x509.Certificate, error: int, depth: int, *, good: bool) -> bool:
        """Take one call of OpenSSL's verify callback; tell whether to go on."""
        self._chain[depth] = certificate
        if not good and not (error == 10 and depth == 0 and self._trust.ignore_client_certificate_expiry):  # noqa: PLR2004
            self._failure = self._failure or OPENSSL_FAILURES.get(error, Failure.INVALID)
        if good and depth == 0:
            chain = [self._chain[level] for level in sorted(self._chain)]
            self._failure = self._failure or revocation_failure(chain, self._trust.lists, self._settings)
            self._done = True
        return self._failure is None or depth > 0


def revocation_failure(
    chain: Sequence[x509.Certificate], lists: Sequence[RevocationList], settings: TrustStoreSettings
) -> Failure | None:
    """Tell why the revocation lists refuse a chain, leaf first, if they do.

    Lists are looked up by issuer name alone, as s2n-tls does; one whose signature does not verify under the
    issuer's key refuses the client. A certificate whose issuer has no list is not revoked.
    """
    for certificate, issuer in pairwise(chain):
        for one in _lists_of(certificate.issuer, lists, settings.same_issuer_lists):
            if not one.is_signed_by(issuer.public_key()) or one.has_unknown_critical_extension:  # type: ignore[arg-type]
                return Failure.CRL_PROCESSING_ERROR
            if one.has_expired(datetime.now(UTC)) and settings.expired_crl is not ExpiredCrl.ENFORCED:
                if settings.expired_crl is ExpiredCrl.REFUSED:
                    return Failure.CRL_PROCESSING_ERROR
                continue
            if certificate.serial_number in one.serials:
                return Failure.CRL_HIT
    return None


def _lists_of(issuer: x509.Name, lists: Sequence[RevocationList], which: SameIssuerLists) -> Sequence[RevocationList]:
    found = [one for one in lists if one.crl.issuer == issuer]
    if which is SameIssuerLists.NEWEST:
        return found[-1:]
    return found[:1] if which is SameIssuerLists.OLDEST else found
