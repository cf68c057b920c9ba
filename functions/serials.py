"""Serial numbers at the edges: every common notation is read, one is written, an ambiguous one is refused."""

import re

from functions.errors import AmbiguousSerial, InvalidSerial

# RFC 5280, 4.1.2.2: positive, at most 20 octets. An integer whose top bit is set takes a 21st octet in DER;
# CAs with 20 random octets write such serials, so the value is what is measured here.
MAX_OCTETS = 20

# Far above 20 octets in any notation; longer texts are not even looked at.
_MAX_TEXT = 256
_SHOWN = 64

_GROUPS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})*", re.ASCII)
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_NEGATIVE = re.compile(r"-(?:0x)?[0-9a-f:]+", re.ASCII)

_WAY_ON = "write it in hexadecimal, as '0x0a1b' or '0a:1b'"


def parse(text: str) -> int:
    """Read a serial number written in hexadecimal: with or without colons, with or without 0x, in any case.

    Raises AmbiguousSerial for two and more digits alone, which may be hexadecimal or decimal, and
    InvalidSerial for anything that is not a serial number of RFC 5280, 4.1.2.2.
    """
    stripped = text.strip().lower()
    _require_text(text, stripped)
    if ":" in stripped:
        return _require_range(text, _colons(text, stripped))
    if stripped.startswith("0x"):
        return _require_range(text, _hexadecimal(text, stripped[2:]))
    serial = _hexadecimal(text, stripped)
    if _DIGITS.fullmatch(stripped) and serial != int(stripped):
        _require_range(text, int(stripped))  # what is too long even as decimal is wrong, not ambiguous
        raise AmbiguousSerial(_ambiguity(stripped))
    return _require_range(text, serial)


def write(serial: int) -> str:
    """Write a serial number as lower-case colon-separated octets, such as "0a:1b".

    There are two octets at least ("00:10"): it is the colon that says that the digits are hexadecimal.
    """
    if serial <= 0:
        raise InvalidSerial(f"a serial number is positive, this is {serial}")
    return serial.to_bytes(max(2, (serial.bit_length() + 7) // 8), "big").hex(":")


def _require_text(text: str, stripped: str) -> None:
    if not stripped:
        raise InvalidSerial(f"serial number {_shown(text)} is empty: {_WAY_ON}")
    if len(stripped) > _MAX_TEXT:
        raise InvalidSerial(
            f"serial number {_shown(text)} has {len(stripped)} characters, and at most {MAX_OCTETS} octets"
        )
    if _NEGATIVE.fullmatch(stripped):
        raise InvalidSerial(f"serial number {_shown(text)} is negative, it must be positive (RFC 5280, 4.1.2.2)")


def _colons(text: str, stripped: str) -> int:
    if not _GROUPS.fullmatch(stripped):
        raise InvalidSerial(
            f"serial number {_shown(text)} is not made of two hexadecimal digits between colons: {_WAY_ON}"
        )
    return int(stripped.replace(":", ""), 16)


def _hexadecimal(text: str, digits: str) -> int:
    if not _HEX.fullmatch(digits):
        raise InvalidSerial(f"serial number {_shown(text)} is not hexadecimal: {_WAY_ON}")
    return int(digits, 16)


def _require_range(text: str, serial: int) -> int:
    if serial == 0:
        raise InvalidSerial(f"serial number {_shown(text)} is zero, it must be positive (RFC 5280, 4.1.2.2)")
    if (octets := (serial.bit_length() + 7) // 8) > MAX_OCTETS:
        raise InvalidSerial(f"serial number {_shown(text)} has {octets} octets, and at most {MAX_OCTETS} are allowed")
    return serial


def _ambiguity(digits: str) -> str:
    readings = (
        f"{word} it is {write(value)} (then write 0x{value:x} or {write(value)!r})"
        for word, value in (("as hexadecimal", int(digits, 16)), ("as decimal", int(digits)))
    )
    return f"serial number {_shown(digits)} can be read in two ways: {', '.join(readings)}"


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}…"
