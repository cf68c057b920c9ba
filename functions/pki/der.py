"""Reads and writes single DER elements: tag, length, content (X.690, 8.1 and 10.1)."""

from typing import NamedTuple

from functions.errors import CrlMalformed

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
ENUMERATED = 0x0A
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30

LONG_FORM = 0x80  # a length octet of this value or above holds the number of length octets that follow
_MAX_LENGTH_OCTETS = 4


class Element(NamedTuple):
    """Where an element is in its buffer: header from `start`, content from `content` up to `end`."""

    tag: int
    start: int
    content: int
    end: int


def element(der: bytes, at: int, limit: int, what: str, *tags: int) -> Element:
    """Return the element that begins at an offset and ends by a limit, with one of the tags if given.

    Raises CrlMalformed, naming the offset, for another tag and for a length that is indefinite, not in its
    shortest form or beyond the limit.
    """
    if at + 2 > limit:
        raise CrlMalformed(f"{what} is missing or cut short at offset {at}")
    tag, length, content = der[at], der[at + 1], at + 2
    if tags and tag not in tags:
        wanted = " or ".join(f"0x{each:02x}" for each in tags)
        raise CrlMalformed(f"{what} at offset {at} has tag 0x{tag:02x} instead of {wanted}")
    if length >= LONG_FORM:
        octets = der[content : min(content + length - LONG_FORM, limit)]
        content, length = content + len(octets), _long_length(octets, length - LONG_FORM, what, at)
    if content + length > limit:
        raise CrlMalformed(
            f"{what} at offset {at} has length {length}, which passes the end {limit} of what it is part of"
        )
    return Element(tag, at, content, content + length)


def _long_length(octets: bytes, count: int, what: str, at: int) -> int:
    length = int.from_bytes(octets, "big")
    if not 0 < len(octets) == count <= _MAX_LENGTH_OCTETS:
        fault = "indefinite length, which DER forbids" if count == 0 else "length that cannot be read"
    elif octets[0] == 0 or length < LONG_FORM:
        fault = "length that is not in its shortest form, which DER forbids"
    else:
        return length
    raise CrlMalformed(f"{what} at offset {at} has a {fault}")


def wrap(tag: int, *contents: bytes) -> bytes:
    """Return an element around the contents."""
    length = sum(map(len, contents))
    if length < LONG_FORM:
        return b"".join((bytes((tag, length)), *contents))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return b"".join((bytes((tag, LONG_FORM | len(octets))), octets, *contents))


def integer_octets(value: int) -> bytes:
    """Return the content of the INTEGER of a value that is not negative: big-endian, the top bit clear."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
