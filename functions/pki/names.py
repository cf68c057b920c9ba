"""Shows distinguished names, and compares them as load balancers' TLS libraries do: by OpenSSL's canonical encoding.

That encoding ignores the case of ASCII letters, blanks at the ends, repeated blanks, and which type of string a value
has, except for types such as NumericString that it leaves as they are (OpenSSL and AWS-LC, x_name.c: x509_name_canon).
That is less than RFC 5280, 7.1, which also ignores the case of other letters and compatible forms of a character.

Names are given in DER, as a certificate holds them: cryptography cannot decode each name that certificates have.
"""

import re
import unicodedata

from cryptography import x509
from cryptography.hazmat import asn1

from functions.pki.certificate_list import content, element, end_of

CanonicalName = tuple[tuple[tuple[bytes, int, bytes], ...], ...]  # RDNs of attributes: type, tag and value

_EXPLICIT_VERSION = 0xA0
_UTF8_STRING = 0x0C
_ENCODINGS = {
    _UTF8_STRING: "utf-8",
    0x13: "latin-1",  # PrintableString
    0x14: "latin-1",  # TeletexString, as OpenSSL reads it
    0x16: "latin-1",  # IA5String
    0x1A: "latin-1",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_MAX_SHOWN = 200  # a message goes into a state's output, and a name may have any length
_SHOWN = _ENCODINGS | {0x12: "latin-1"}  # NumericString
_ESCAPED = re.compile(r'[\\",+;<>\0]|^[ #]| $')  # RFC 4514, 2.4
_BLANKS = b" \t\n\v\f\r"


def subject(certificate: x509.Certificate) -> bytes:
    """Return the subject of a certificate in DER."""
    tbs = certificate.tbs_certificate_bytes
    return element(tbs, _subject_at(tbs))


def after_subject(certificate: x509.Certificate) -> bytes:
    """Return what follows the subject of a certificate, its SubjectPublicKeyInfo, in DER."""
    tbs = certificate.tbs_certificate_bytes
    return element(tbs, end_of(tbs, _subject_at(tbs)))


def issuer(certificate: x509.Certificate) -> bytes:
    """Return the issuer of a certificate in DER."""
    tbs = certificate.tbs_certificate_bytes
    return element(tbs, _issuer_at(tbs))


def are_equal(one: bytes, other: bytes) -> bool:
    """Return whether load balancers treat two names as equal."""
    return one == other or canonical(one) == canonical(other)


def differ_only_in_form(one: bytes, other: bytes) -> bool:
    """Return whether RFC 5280, 7.1, treats two names as equal, but load balancers do not."""
    return not are_equal(one, other) and _folded(one) == _folded(other)


def canonical(name: bytes) -> CanonicalName:
    """Return a form of a name that is the same for all names that load balancers treat as equal."""
    return tuple(
        tuple(sorted(_attribute(name, attribute) for attribute in _children(name, rdn))) for rdn in _children(name, 0)
    )


def text(name: bytes) -> str:
    """Return the beginning of a name as RFC 4514 writes it, whatever its values are."""
    rdns = ("+".join(_shown(name, attribute) for attribute in _children(name, rdn)) for rdn in _children(name, 0)[::-1])
    return ",".join(rdns)[:_MAX_SHOWN]


def quote_subject(certificate: x509.Certificate) -> str:
    """Return the beginning of a certificate's subject, for messages."""
    return quote(subject(certificate))


def quote(name: bytes) -> str:
    """Return the beginning of a name, for messages."""
    return repr(text(name))


def _shown(name: bytes, at: int) -> str:
    kind, value = _children(name, at)
    label = x509.NameAttribute(asn1.decode_der(x509.ObjectIdentifier, element(name, kind)), "XX").rfc4514_attribute_name
    if name[value] not in _SHOWN:
        return f"{label}=#{element(name, value)[:_MAX_SHOWN].hex()}"
    decoded = name[slice(*content(name, value))].decode(_SHOWN[name[value]], errors="replace")
    return f"{label}={_ESCAPED.sub(_escape, decoded)}"


def _escape(match: re.Match[str]) -> str:
    return "\\00" if match[0] == "\0" else f"\\{match[0]}"


def _subject_at(tbs: bytes) -> int:
    return end_of(tbs, end_of(tbs, _issuer_at(tbs)))  # after the issuer and the validity


def _issuer_at(tbs: bytes) -> int:
    at, _ = content(tbs, 0)
    if tbs[at] == _EXPLICIT_VERSION:
        at = end_of(tbs, at)
    return end_of(tbs, end_of(tbs, at))  # after the serial number and the signature algorithm


def _children(der: bytes, at: int) -> list[int]:
    """Return the offsets of the elements in the element at an offset."""
    (at, stop), offsets = content(der, at), []
    while at < stop:
        offsets.append(at)
        at = end_of(der, at)
    return offsets


def _attribute(name: bytes, at: int) -> tuple[bytes, int, bytes]:
    kind, value = _children(name, at)
    tag, octets = name[value], name[slice(*content(name, value))]
    try:
        text = octets.decode(_ENCODINGS[tag]).encode()
    except (KeyError, ValueError):
        return element(name, kind), tag, octets
    return element(name, kind), _UTF8_STRING, re.sub(rb"[%b]+" % _BLANKS, b" ", text.strip(_BLANKS)).lower()


def _folded(name: bytes) -> list[list[tuple[bytes, str]]]:
    return [sorted((kind, _fold(value.decode(errors="replace"))) for kind, _, value in rdn) for rdn in canonical(name)]


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
