"""Finds out whether a CA is trusted by a trust store's bundle, itself or by way of a certificate above it."""

import contextlib
import hashlib
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions import limits


def is_trusted(ca_certificate: x509.Certificate, chain_pem: str, bundle_pem: bytes) -> bool:
    """Return whether the bundle holds the CA's key or, along the CA's own chain, the key of a certificate above it."""
    bundle, chain = readable_certificates(bundle_pem), readable_certificates(chain_pem.encode())
    above: x509.Certificate | None = ca_certificate
    for _ in range(limits.MAX_CHAIN_DEPTH):
        if above is None:
            return False
        if _issuer_among(bundle, above) or any(_name_and_key(above) == _name_and_key(each) for each in bundle):
            return True
        above = _issuer_among(chain, above)
    return False


def readable_certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text that can be read; an odd one of another CA does not matter here."""
    certificates = []
    for block in re.findall(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL):
        with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
            certificate = x509.load_pem_x509_certificate(block)
            subject_public_key_info(certificate)  # decoded on first use: a faulty key is found here, not later
            certificates.append(certificate)
    return certificates


def subject_public_key_info(certificate: x509.Certificate) -> bytes:
    """Return a certificate's public key as the DER of its SubjectPublicKeyInfo (RFC 5280, 4.1.2.7)."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def ca_id_from_key(certificate: x509.Certificate) -> str:
    """Return an id for a CA that has no ARN, from its key: that stays when the certificate is renewed."""
    return f"key-{hashlib.sha256(subject_public_key_info(certificate)).hexdigest()[:32]}"


def _name_and_key(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Return what identifies an issuer and stays when its certificate is renewed."""
    return certificate.subject.public_bytes(), subject_public_key_info(certificate)


def _issuer_among(candidates: Iterable[x509.Certificate], certificate: x509.Certificate) -> x509.Certificate | None:
    return next((candidate for candidate in candidates if _is_issuer(candidate, certificate)), None)


def _is_issuer(candidate: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(candidate)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
