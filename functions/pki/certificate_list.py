"""Finds what cryptography does not expose of a CertificateList (RFC 5280, 5.1): the signed bytes, and each entry's.

cryptography has parsed the list before, strictly as DER, so every tag and length is valid here and only has to be
followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from functions.errors import CrlMalformed

_INTEGER = 0x02
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_SEQUENCE = 0x30
_NEGATIVE = 0x80  # the top bit of an INTEGER's first octet
_LONG_TAG = 0x1F
_LONG_FORM = 0x80  # a length octet above this value holds the number of length octets that follow (X.690, 8.1.3)


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the parts of a CertificateList are in its DER."""

    version: int  # 1 where absent; cryptography accepts no other than 2 (5.1.2.1)
    tbs: slice  # tbsCertList, which is signed
    issuer: slice
    entries: slice  # the content of revokedCertificates; empty where that is absent


def outline(der: bytes) -> Outline:
    """Find the parts of a list.

    Raises CrlMalformed for what cryptography accepts: an empty revokedCertificates, and a signature that does not end
    with an octet, which OpenSSL does not verify.
    """
    tbs, _ = content(der, 0)
    at, end = content(der, tbs)
    signature, _ = content(der, end_of(der, end))
    if unused_bits := der[signature]:
        raise CrlMalformed(f"the signature at offset {signature} leaves {unused_bits} bits of its last octet unused")
    has_version = der[at] == _INTEGER
    if has_version:
        at = end_of(der, at)
    issuer = end_of(der, at)  # after the signature algorithm
    this_update = end_of(der, issuer)
    at = end_of(der, this_update)
    if der[at] in (_UTC_TIME, _GENERALIZED_TIME):
        at = end_of(der, at)  # nextUpdate
    entries = slice(at, at)
    if at < end and der[at] == _SEQUENCE:
        entries = slice(*content(der, at))
        if entries.start == entries.stop:
            raise CrlMalformed(
                f"revokedCertificates at offset {at} is empty, and must be absent then (RFC 5280, 5.1.2.6)"
            )
    return Outline(2 if has_version else 1, slice(tbs, end), slice(issuer, this_update), entries)


def walk(der: bytes, entries: slice) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each entry's offset, its serial number's content octets, and its extensions' DER, which may be none.

    Half a million entries take a third of a second, so short lengths are read in place.

    Raises CrlMalformed for what cryptography accepts: a negative serial number, a revocationDate in the year 0.
    """
    at, end = entries.start, entries.stop
    while at < end:
        start, stop = at + 2, at + 2 + der[at + 1]
        if der[at + 1] >= _LONG_FORM:
            start, stop = content(der, at)
        serial, date = start + 2, start + 2 + der[start + 1]
        if der[start + 1] >= _LONG_FORM:
            serial, date = content(der, start)
        if der[serial] >= _NEGATIVE:
            raise CrlMalformed(f"the serial number at offset {start} is negative (RFC 5280, 4.1.2.2)")
        if der[date] == _GENERALIZED_TIME and der.startswith(b"0000", date + 2):
            raise CrlMalformed(f"the revocationDate at offset {date} is in the year 0 (RFC 5280, 5.1.2.6)")
        extensions = date + 2 + der[date + 1]
        yield at, der[serial:date], der[extensions:stop]
        at = stop


def integer_octets(value: int) -> bytes:
    """Return the content of the INTEGER of a value that is not negative: big-endian, the top bit clear."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def element(der: bytes, at: int) -> bytes:
    """Return the element at an offset."""
    return der[at : end_of(der, at)]


def content(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the element at an offset starts and ends."""
    if der[at] & _LONG_TAG == _LONG_TAG:  # its number follows (X.690, 8.1.2.4): the last octet has a clear top bit
        at += 1
        while der[at] >= _LONG_FORM:
            at += 1
    length, start = der[at + 1], at + 2
    if length >= _LONG_FORM:
        octets = length - _LONG_FORM
        length, start = int.from_bytes(der[start : start + octets], "big"), start + octets
    return start, start + length


def end_of(der: bytes, at: int) -> int:
    """Return where the element at an offset ends."""
    return content(der, at)[1]
