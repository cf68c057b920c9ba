"""Finds out whether a CA is trusted by a trust store's bundle, itself or by way of a certificate above it."""

import contextlib
import hashlib
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions import limits
from functions.errors import CertificateAuthorityUnusable, RequestRefused
from functions.pki import names
from functions.pki.signature import verify
from functions.pki.unreadable import refuse_unreadable


def is_trusted(ca_certificate: x509.Certificate, chain_pem: str, bundle_pem: bytes) -> bool:
    """Return whether the bundle holds the CA's key or, along the CA's own chain, the key of a certificate above it."""
    bundle, chain = readable_certificates(bundle_pem), readable_certificates(chain_pem.encode())
    above: x509.Certificate | None = ca_certificate
    for _ in range(limits.MAX_CHAIN_DEPTH):
        if above is None:
            return False
        if _issuer_among(bundle, above) or any(_are_alike(above, each) for each in bundle):
            return True
        above = _issuer_among(chain, above)
    return False


def certificates_of(ca_certificate: x509.Certificate, bundle_pem: bytes) -> list[x509.Certificate]:
    """Return the certificates with which a load balancer may verify this CA's CRLs.

    Those are the ones in the bundle with its name and key, such as an earlier one of a CA that was renewed. If there is
    none, clients send the CA's certificate themselves.
    """
    return [each for each in readable_certificates(bundle_pem) if _are_alike(each, ca_certificate)] or [ca_certificate]


def readable_certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text that can be read; an odd one of another CA does not matter here."""
    return read_bundle(pem)[0]


def read_bundle(pem: bytes) -> tuple[list[x509.Certificate], list[str]]:
    """Return the certificates of a PEM text, and for each that cannot be read which it is and why."""
    certificates, faults = [], []
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", pem)
    for number, block in enumerate(blocks, 1):
        try:
            certificates.append(load(block, f"certificate {number} of {len(blocks)} cannot be read"))
        except CertificateAuthorityUnusable as error:
            faults.append(str(error))
    return certificates, faults


def load(pem: bytes, message: str, error: type[RequestRefused] = CertificateAuthorityUnusable) -> x509.Certificate:
    """Read a certificate with the fields that are used of each, which cryptography decodes on first use.

    Raises the error, with the message and the reason.
    """
    with refuse_unreadable(error, message):
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.not_valid_after_utc  # noqa: B018 - decoded
    return certificate


def subject_public_key_info(certificate: x509.Certificate) -> bytes:
    """Return a certificate's public key as the DER of its SubjectPublicKeyInfo (RFC 5280, 4.1.2.7)."""
    with contextlib.suppress(CertificateAuthorityUnusable), refuse_unreadable(CertificateAuthorityUnusable, ""):
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return names.after_subject(certificate)  # of an algorithm that cryptography does not know


def ca_id_from_key(certificate: x509.Certificate) -> str:
    """Return an id for a CA that has no ARN, from its key: that stays when the certificate is renewed."""
    return f"key-{hashlib.sha256(subject_public_key_info(certificate)).hexdigest()[:32]}"


def _are_alike(one: x509.Certificate, other: x509.Certificate) -> bool:
    """Return whether two certificates have what identifies an issuer and stays when its certificate is renewed."""
    return subject_public_key_info(one) == subject_public_key_info(other) and names.are_equal(
        names.subject(one), names.subject(other)
    )


def _issuer_among(candidates: Iterable[x509.Certificate], certificate: x509.Certificate) -> x509.Certificate | None:
    return next((candidate for candidate in candidates if is_issued_by(certificate, candidate)), None)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether a CA's certificate has the name and the key with which a certificate was issued."""
    named, subject = names.issuer(certificate), names.subject(issuer)
    if not names.are_equal(named, subject):
        return False
    try:
        with refuse_unreadable(UnsupportedAlgorithm, "the signature cannot be verified"):
            if named == subject:
                certificate.verify_directly_issued_by(issuer)
            else:  # which compares the names octet by octet
                verify(memoryview(certificate.tbs_certificate_bytes), certificate, issuer)
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
