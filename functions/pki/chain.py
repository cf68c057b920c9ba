"""Whether a certificate authority stands in a trust store's bundle, or chains to a certificate in it."""

import contextlib
import hashlib
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions import limits


def is_trusted(authority: x509.Certificate, chain_pem: str, bundle_pem: bytes) -> bool:
    """Say whether the bundle holds the CA's key or, over the CA's own chain, the key of one above it."""
    bundle, chain = certificates(bundle_pem), certificates(chain_pem.encode())
    above: x509.Certificate | None = authority
    for _ in range(limits.MAX_CHAIN_DEPTH):
        if above is None:
            return False
        if _issuer_of(above, bundle) or any(_identity(above) == _identity(held) for held in bundle):
            return True
        above = _issuer_of(above, chain)
    return False


def certificates(pem: bytes) -> list[x509.Certificate]:
    """Read what can be read: an odd certificate of another CA must not stand in this one's way."""
    found = []
    for block in re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL):
        with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
            certificate = x509.load_pem_x509_certificate(block)
            public_key(certificate)  # read here or never
            found.append(certificate)
    return found


def public_key(certificate: x509.Certificate) -> bytes:
    """Give the DER of a certificate's SubjectPublicKeyInfo."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(certificate: x509.Certificate) -> str:
    """Give a short name of a CA that has no ARN: its key's, as the key stays when the certificate is renewed."""
    return f"key-{hashlib.sha256(public_key(certificate)).hexdigest()[:32]}"


def _identity(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Give what makes an issuer: a name and a key; a certificate is renewed, these stay."""
    return certificate.subject.public_bytes(), public_key(certificate)


def _issuer_of(certificate: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    return next((c for c in candidates if _issued(c, certificate)), None)


def _issued(candidate: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(candidate)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
