"""Finds the parts of a CertificateList (RFC 5280, 5.1) in its DER.

A CRL may hold half a million entries. Everything but those entries is small and is left to cryptography, by
way of a *stub*: the same list without its revokedCertificates.
"""

from dataclasses import dataclass

from functions.errors import CrlMalformed, CrlVersionUnsupported
from functions.pki.der import BIT_STRING, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, Element, element, wrap

_EXTENSIONS = 0xA0
_V2 = b"\x01"  # RFC 5280, 5.1.2.1: if present, the version is v2; a version 1 list has none


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the parts of a CertificateList are in its DER."""

    version: int
    tbs: slice
    entries: slice
    stub: bytes


def outline(der: bytes) -> Outline:
    """Find the parts of exactly one CertificateList.

    Raises CrlMalformed and, for a version number that RFC 5280 does not know, CrlVersionUnsupported.
    """
    whole = element(der, 0, len(der), "CertificateList", SEQUENCE)
    if whole.end != len(der):
        raise CrlMalformed(f"{len(der) - whole.end} bytes follow the CertificateList, which ends at offset {whole.end}")
    tbs = element(der, whole.content, whole.end, "tbsCertList", SEQUENCE)
    algorithm = element(der, tbs.end, whole.end, "signatureAlgorithm", SEQUENCE)
    signature = element(der, algorithm.end, whole.end, "signatureValue", BIT_STRING)
    if signature.end != whole.end or der[signature.content : signature.content + 1] != b"\0":
        raise CrlMalformed(f"signatureValue at offset {signature.start} is not the last part, or not in whole octets")
    version, inner, revoked = _header(der, tbs)
    if der[inner.start : inner.end] != der[algorithm.start : algorithm.end]:
        raise CrlMalformed(
            f"signature at offset {inner.start} and signatureAlgorithm at offset {algorithm.start} are two different "
            "algorithms (RFC 5280, 5.1.1.2)"
        )
    return Outline(
        version=version,
        tbs=slice(tbs.start, tbs.end),
        entries=slice(revoked.content, revoked.end),
        stub=wrap(
            SEQUENCE,
            wrap(SEQUENCE, der[tbs.content : revoked.start], der[revoked.end : tbs.end]),
            der[algorithm.start : whole.end],
        ),
    )


def _header(der: bytes, tbs: Element) -> tuple[int, Element, Element]:
    """Return the version, the inner signature algorithm and revokedCertificates (empty where absent)."""
    version, at = _version(der, tbs)
    algorithm = element(der, at, tbs.end, "signature", SEQUENCE)
    issuer = element(der, algorithm.end, tbs.end, "issuer", SEQUENCE)
    at = element(der, issuer.end, tbs.end, "thisUpdate", UTC_TIME, GENERALIZED_TIME).end
    if der[at] in (UTC_TIME, GENERALIZED_TIME):
        at = element(der, at, tbs.end, "nextUpdate").end
    revoked = Element(SEQUENCE, at, at, at)
    if at < tbs.end and der[at] == SEQUENCE:
        revoked = element(der, at, tbs.end, "revokedCertificates")
        if revoked.content == revoked.end:
            raise CrlMalformed(
                f"revokedCertificates at offset {at} is empty, and must be absent then (RFC 5280, 5.1.2.6)"
            )
    if revoked.end < tbs.end:
        extensions = element(der, revoked.end, tbs.end, "crlExtensions", _EXTENSIONS)
        if extensions.end != tbs.end:
            raise CrlMalformed(f"{tbs.end - extensions.end} bytes follow crlExtensions at offset {extensions.end}")
    return version, algorithm, revoked


def _version(der: bytes, tbs: Element) -> tuple[int, int]:
    first = element(der, tbs.content, tbs.end, "version or signature", INTEGER, SEQUENCE)
    if first.tag == SEQUENCE:
        return 1, first.start
    if (version := der[first.content : first.end]) != _V2:
        raise CrlVersionUnsupported(
            f"the CRL's version field is 0x{version[:8].hex()}, and must be 0x01 (RFC 5280, 5.1.2.1)"
        )
    return 2, first.end
