"""Certificates that somebody holds: PEM or DER, one or several to a file; hostile input until they are read."""

import re
import warnings
from datetime import datetime
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from functions import limits
from functions.errors import CertificateExpired, CertificateIssuerMismatch, InvalidCertificate
from functions.pki import private_keys, serial_number
from functions.pki.chain import subject_public_key_info

_SHOWN = 200

_BLOCK = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----([^-]*)-----END (?:X509 )?CERTIFICATE-----")
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
# How the DER of anything longer than 127 octets begins: PEM inside it is part of one of its extensions.
_DER = re.compile(rb"\x30[\x80-\x84]")
# PEM that may stand beside a certificate, and what may be one that is cut off, or written in yet another way.
_BESIDE = re.compile(
    rb"-----BEGIN ((?:NEW )?CERTIFICATE REQUEST|X509 CRL|PUBLIC KEY|(?:EC|DH) PARAMETERS)-----[^-]*-----END \1-----"
)
_LEFT_OVER = re.compile(
    rb"CERTIFICATE-|PKCS7-|CMS-|\0|(?-i:(?<![A-Za-z0-9+/])MI[E-L][A-Za-z0-9+/]{20})"
    rb"|^[ \t\"]*[A-Za-z0-9+/]{60,}={0,2}[ \t\"]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")

# RFC 7292, 4: a SEQUENCE that begins with version 3.
_PKCS12 = re.compile(rb"\x30(?:\x80|\x81.|\x82..|\x83...)\x02\x01\x03", re.DOTALL)

# All that cryptography raises for a certificate it cannot read.
_UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)


def read(data: bytes, thing: str) -> list[x509.Certificate]:
    """Read every certificate of a file: PEM blocks with whatever stands between them, DER, or base64 of DER.

    PEM may be as a load balancer's X-Amzn-Mtls-Clientcert-Leaf header has it, URL-encoded, or as JSON has it.

    Raises:
        PrivateKeyGiven: there is a private key in it. Nothing of it is shown.
        InvalidCertificate: there is no certificate in it, or one that cannot be read.

    """
    if len(data) > (most := limits.MAX_CERTIFICATE_FILE_BYTES):
        raise InvalidCertificate(f"{thing} has {len(data):,} bytes, and at most {most:,} are read")
    private_keys.refuse(data, thing)
    if not data.strip():
        raise InvalidCertificate(f"{thing} is empty")
    ders = [data] if _DER.match(data) else _of_text(_undressed(data), thing)
    return [_load(der, f"certificate {number} of {thing}") for number, der in enumerate(ders, 1)]


def _of_text(data: bytes, thing: str) -> list[bytes]:
    """Give the DER of each certificate of a text, and pass over none."""
    labels = [label.decode() for label in _BEGIN.findall(data)]
    blocks = _BLOCK.findall(data)
    if labels and len(blocks) != sum(label in _LABELS for label in labels):
        raise InvalidCertificate(f"{thing} holds a CERTIFICATE that is cut off: its END line is not there")
    if labels and not blocks:
        raise InvalidCertificate(f"{thing} holds no CERTIFICATE, only {', '.join(sorted(set(labels)))[:_SHOWN]}")
    if blocks and _LEFT_OVER.search(_BESIDE.sub(b"", _BLOCK.sub(b"", data))):
        told = "a certificate that is cut off, or that is no PEM block of a CERTIFICATE"
        raise InvalidCertificate(f"{thing} may hold more than the {len(blocks)} that can be read: {told}")
    return list(map(private_keys.decode_base64, blocks)) if blocks else [private_keys.decode_base64(data) or data]


def _undressed(data: bytes) -> bytes:
    """Take PEM out of a URL-encoded header or a JSON text; its own alphabet has no % and no backslash."""
    if b"-----BEGIN" not in data:
        return data
    if b"-----BEGIN%20" in data:
        data = unquote_to_bytes(data)
    return data.replace(rb"\r", b"").replace(rb"\n", b"\n")


def _load(der: bytes, thing: str) -> x509.Certificate:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # of a serial number refused below
            found = x509.load_der_x509_certificate(der)
            serial = found.serial_number
        subject_public_key_info(found)
        found.issuer, found.subject, found.not_valid_after_utc, found.extensions  # noqa: B018 - read here or never
    except _UNREADABLE as fault:
        hint = " (a PKCS #12? Then openssl pkcs12 -nokeys takes them out)" if _PKCS12.match(der) else ""
        told = f"{thing} is no X.509 certificate that can be read, as PEM or DER{hint}: {str(fault)[:_SHOWN]}"
        raise InvalidCertificate(told) from None
    if serial <= 0:
        raise InvalidCertificate(f"{thing} has the serial number {serial}, it must be positive (RFC 5280, 4.1.2.2)")
    return found


def client_certificates(
    found: list[x509.Certificate], authority: x509.Certificate, chain: list[x509.Certificate], thing: str
) -> list[x509.Certificate]:
    """Leave out the CA's own certificate and those above it, which a full chain holds beside the client's.

    Raises:
        InvalidCertificate: there is no other.

    """
    above = {subject_public_key_info(each) for each in (authority, *chain)}
    clients = [each for each in found if subject_public_key_info(each) not in above]
    if not clients:
        raise InvalidCertificate(f"{thing} holds the CA's own certificates alone, and none that it issued")
    return clients


def check(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate that this CA did not issue, that is a CA's own, or that has expired.

    Raises:
        InvalidCertificate: it is that of a CA below: revoking it would block every client of that CA.
        CertificateIssuerMismatch: another CA issued it; both names are shown.
        CertificateExpired: it cannot be revoked any more, and load balancers refuse it.

    """
    named = f"the certificate with serial number {serial_number.to_hex(certificate.serial_number)}"
    if certificate.issuer != authority.subject:
        raise CertificateIssuerMismatch(
            f"{named} was issued by {_quoted(certificate.issuer)}, and the CA of this request is "
            f"{_quoted(authority.subject)}"
        )
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        raise CertificateIssuerMismatch(
            f"{named} names {_quoted(authority.subject)} as its issuer, but was not signed by this CA's key: "
            "it is another CA of the same name, or a forgery"
        ) from None
    if is_ca_certificate(certificate):
        raise InvalidCertificate(
            f"{named} is that of the CA {_quoted(certificate.subject)}, and to revoke it is to block every client "
            "that it issued to. If that is meant, give its serial number under Serials"
        )
    if certificate.not_valid_after_utc <= now:
        raise CertificateExpired(
            f"{named} expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC: Private CA revokes no "
            "expired certificate, and a load balancer refuses it unless its listener ignores expiry. Leave it out"
        )


def is_ca_certificate(certificate: x509.Certificate) -> bool:
    """Say whether a certificate is one that issues others."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _quoted(name: x509.Name) -> str:
    return repr(name.rfc4514_string()[:_SHOWN])
