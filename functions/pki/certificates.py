"""Reads and checks certificates that a user names: PEM or DER, one or several in a file, possibly hostile."""

import re
import warnings
from datetime import datetime
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from functions import limits
from functions.errors import CertificateExpired, CertificateIssuerMismatch, InvalidCertificate
from functions.pki import names, private_keys, serial_number
from functions.pki.certificate_extensions import is_ca_certificate
from functions.pki.chain import is_issued_by, subject_public_key_info
from functions.pki.unreadable import refuse_unreadable

_MAX_SHOWN = 200

_BLOCK = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----([^-]*)-----END (?:X509 )?CERTIFICATE-----")
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
# The first octets of any DER longer than 127 octets; PEM inside it is part of one of its extensions.
_DER = re.compile(rb"\x30[\x80-\x84]")
# PEM that may accompany a certificate, and text that may be a certificate cut off or in another encoding.
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


def read(data: bytes, source: str) -> list[x509.Certificate]:
    """Read every certificate of a file: PEM blocks with any text between them, DER, or base64 of DER.

    PEM may be URL-encoded, as in a load balancer's X-Amzn-Mtls-Clientcert-Leaf header, or escaped as in JSON. Error
    messages call the file by its `source`.

    Raises:
        PrivateKeyGiven: the file holds a private key. No part of it is shown.
        InvalidCertificate: the file holds no certificate, or one that cannot be read.

    """
    if len(data) > (most := limits.MAX_CERTIFICATE_FILE_BYTES):
        raise InvalidCertificate(f"{source} has {len(data):,} bytes, and at most {most:,} are read")
    private_keys.refuse(data, source)
    if not data.strip():
        raise InvalidCertificate(f"{source} is empty")
    ders = [data] if _DER.match(data) else _ders_in_text(_unescape(data), source)
    return [_load(der, f"certificate {number} of {source}") for number, der in enumerate(ders, 1)]


def _ders_in_text(data: bytes, source: str) -> list[bytes]:
    """Return the DER of each certificate in a text; refuse a text that may hold more than can be read."""
    labels = [label.decode() for label in _BEGIN.findall(data)]
    blocks = _BLOCK.findall(data)
    if labels and len(blocks) != sum(label in _LABELS for label in labels):
        raise InvalidCertificate(f"{source} holds a CERTIFICATE that is cut off: its END line is not there")
    if labels and not blocks:
        raise InvalidCertificate(f"{source} holds no CERTIFICATE, only {', '.join(sorted(set(labels)))[:_MAX_SHOWN]}")
    if blocks and _LEFT_OVER.search(_BESIDE.sub(b"", _BLOCK.sub(b"", data))):
        reason = "a certificate that is cut off, or that is not a PEM block of a CERTIFICATE"
        raise InvalidCertificate(f"{source} may hold more than the {len(blocks)} that can be read: {reason}")
    return list(map(private_keys.decode_base64, blocks)) if blocks else [private_keys.decode_base64(data) or data]


def _unescape(data: bytes) -> bytes:
    """Undo URL encoding and JSON escapes around PEM, whose own alphabet has neither % nor a backslash."""
    if b"-----BEGIN" not in data:
        return data
    if b"-----BEGIN%20" in data:
        data = unquote_to_bytes(data)
    return data.replace(rb"\r", b"").replace(rb"\n", b"\n")


def _load(der: bytes, source: str) -> x509.Certificate:
    hint = " (a PKCS #12? Then openssl pkcs12 -nokeys takes them out)" if _PKCS12.match(der) else ""
    message = f"{source} is not a readable X.509 certificate, as PEM or DER{hint}"
    with refuse_unreadable(InvalidCertificate, message), warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # of serial numbers that are not positive
        certificate = x509.load_der_x509_certificate(der)
        serial = certificate.serial_number
        _decode_fields(certificate)
    if serial <= 0:
        raise InvalidCertificate(f"{source} has the serial number {serial}, it must be positive (RFC 5280, 4.1.2.2)")
    return certificate


def _decode_fields(certificate: x509.Certificate) -> None:
    """Access the fields that cryptography decodes on first use, so that a fault in one is found here and not later."""
    subject_public_key_info(certificate)
    certificate.not_valid_after_utc  # noqa: B018 - decoded


def client_certificates(
    certificates: list[x509.Certificate], ca_certificate: x509.Certificate, chain: list[x509.Certificate], source: str
) -> list[x509.Certificate]:
    """Return the certificates without the CA's own and those above it, which a full chain includes.

    Raises:
        InvalidCertificate: there are no others.

    """
    ca_keys = {subject_public_key_info(each) for each in (ca_certificate, *chain)}
    clients = [each for each in certificates if subject_public_key_info(each) not in ca_keys]
    if not clients:
        raise InvalidCertificate(f"{source} holds the CA's own certificates alone, and none that it issued")
    return clients


def check(certificate: x509.Certificate, ca_certificate: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate that this CA did not issue, that is itself a CA certificate, or that has expired.

    Raises:
        CertificateIssuerMismatch: another CA issued it; both names are shown.
        InvalidCertificate: it belongs to a subordinate CA: revoking it would block every client of that CA.
        CertificateExpired: it can no longer be revoked, and load balancers refuse it.

    """
    label = f"the certificate with serial number {serial_number.to_hex(certificate.serial_number)}"
    if not names.are_equal(names.issuer(certificate), names.subject(ca_certificate)):
        raise CertificateIssuerMismatch(
            f"{label} was issued by {names.quote(names.issuer(certificate))}, and the CA of this request is "
            f"{names.quote_subject(ca_certificate)}"
        )
    if not is_issued_by(certificate, ca_certificate):
        raise CertificateIssuerMismatch(
            f"{label} names {names.quote_subject(ca_certificate)} as its issuer, but was not signed by this CA's key: "
            "it is another CA of the same name, or a forgery"
        )
    if is_ca_certificate(certificate):
        raise InvalidCertificate(
            f"{label} belongs to the CA {names.quote_subject(certificate)}: revoking it would block every client "
            "that this CA issued to. If that is intended, give its serial number under Serials"
        )
    if certificate.not_valid_after_utc <= now:
        raise CertificateExpired(
            f"{label} expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC: Private CA does not revoke "
            "expired certificates, and load balancers refuse them unless the listener ignores expiry. Leave it out"
        )
