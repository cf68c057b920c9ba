"""Reads the extensions of a certificate that matter here, each by itself: whatever else it has need not be readable."""

from contextlib import AbstractContextManager
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1

from functions.errors import CertificateAuthorityUnusable, InvalidCertificate
from functions.pki import names
from functions.pki.entry_extensions import Extension
from functions.pki.unreadable import refuse_unreadable

_CRL_SIGN = 0b10  # bit 6 of a BIT STRING, which begins at the top (RFC 5280, 4.2.1.3)


@asn1.sequence
class _TbsCertificate:
    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    serial_number: asn1.TLV
    signature: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    subject_public_key_info: asn1.TLV
    issuer_unique_id: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    subject_unique_id: Annotated[asn1.BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(3)]


@asn1.sequence
class _BasicConstraints:
    ca: Annotated[bool, asn1.Default(value=False)]
    path_length: int | None


def may_sign_crls(certificate: x509.Certificate, label: str) -> bool:
    """Return whether the key usage has cRLSign, or is absent (RFC 5280, 6.3.3 (f)).

    Raises CertificateAuthorityUnusable, with the label, if it cannot be read.
    """
    with _refuse_unreadable(certificate, label):
        value = _find(certificate, x509.KeyUsage.oid)
        octets = b"\xff" if value is None else asn1.decode_der(asn1.BitString, value).as_bytes()
    return bool(octets[:1] and octets[0] & _CRL_SIGN)


def subject_key_identifier(certificate: x509.Certificate, label: str = "the CA's certificate") -> bytes | None:
    """Return the subject key identifier (RFC 5280, 4.2.1.2), or None.

    Raises CertificateAuthorityUnusable, with the label, if it cannot be read.
    """
    with _refuse_unreadable(certificate, label):
        value = _find(certificate, x509.SubjectKeyIdentifier.oid)
        return None if value is None else asn1.decode_der(bytes, value)


def is_ca_certificate(certificate: x509.Certificate) -> bool:
    """Return whether a client's certificate is a CA's, by its basic constraints (RFC 5280, 4.2.1.9).

    Raises InvalidCertificate if they cannot be read.
    """
    message = f"the basic constraints of certificate {certificate.serial_number:x} cannot be read"
    with refuse_unreadable(InvalidCertificate, message):
        value = _find(certificate, x509.BasicConstraints.oid)
        return value is not None and asn1.decode_der(_BasicConstraints, value).ca


def _refuse_unreadable(certificate: x509.Certificate, label: str) -> AbstractContextManager[None]:
    shown = f"{names.quote_subject(certificate)} (serial number {certificate.serial_number:x})"
    message = f"the extensions of {label}, {shown}, cannot be read. Replace this certificate"
    return refuse_unreadable(CertificateAuthorityUnusable, message)


def _find(certificate: x509.Certificate, kind: x509.ObjectIdentifier) -> bytes | None:
    extensions = asn1.decode_der(_TbsCertificate, certificate.tbs_certificate_bytes).extensions or ()
    found = [each.extn_value for each in extensions if each.extn_id == kind]
    if len(found) > 1:
        raise x509.DuplicateExtension(f"the extension {kind.dotted_string} occurs twice", kind)
    return found[0] if found else None
