"""The entries of a CRL (revokedCertificates, RFC 5280, 5.1.2.6 and 5.3), in one pass.

Time and memory do not depend on the number of wanted serials, and half a million entries take a fraction of a
second. The pass checks every tag, length, date and extension; the signature proves the content.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from functions.errors import CrlMalformed, CrlTooLarge
from functions.pki.der import (
    BOOLEAN,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    LONG_FORM,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    Element,
    element,
)

_NEGATIVE = 0x80  # the top bit of an INTEGER's first octet

_REASON_CODE = b"\x55\x1d\x15"
_CERTIFICATE_ISSUER = b"\x55\x1d\x1d"
_REASON = bytes((ENUMERATED, 1))
_REMOVE_FROM_CRL = 8
_REASONS = frozenset(range(11)) - {7}  # RFC 5280, 5.3.1: 7 is not used
_CRITICAL = bytes((BOOLEAN, 1, 0xFF))

# X.690, 8.19: each arc is base 128, in its shortest form. As in cryptography, an arc has at most 32 bits.
_OID = re.compile(rb"(?:(?:[\x81-\x8f][\x80-\xff]{3}|[\x81-\xff][\x80-\xff]{0,2})?[\x00-\x7f])+", re.DOTALL)
_MAX_OID = 63

# RFC 5280, 5.1.2.4 and 5.1.2.6: in Zulu, with seconds, without fractions of them.
_CLOCK = rb"(?:[01][0-9]|2[0-3])(?:[0-5][0-9]){2}Z"
_TIMES = {
    UTC_TIME: re.compile(rb"([0-9]{2})([0-9]{2})([0-9]{2})" + _CLOCK),
    GENERALIZED_TIME: re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})" + _CLOCK),
}

# A CA may write another invalidityDate into each entry, and this must not fill the memory.
_MAX_REMEMBERED = 1_000

# Tag and length of an entry and of its serial number, in short form.
_HEADERS = 4
_UNKNOWN = (0, 0)


class Entries:
    """One pass over revokedCertificates: iterate to get the content octets of each serial number.

    `number` counts the entries passed; `unsupported` names the first feature met that a reader must not ignore.
    """

    def __init__(self, der: bytes, entries: slice, max_entries: int) -> None:
        """Prepare to walk the entries of a DER that `outline` read, up to a maximum number of them."""
        self._der, self._start, self._end = der, entries.start, entries.stop
        self._max_entries = max_entries
        self._extensions: set[bytes] = set()
        self._dates: set[bytes] = set()
        self._layouts: dict[bytes, tuple[int, int]] = {}
        self.number = 0
        self.unsupported: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Yield each serial number's content octets (see `der.integer_octets`).

        Raises CrlMalformed at the first fault, and CrlTooLarge at the first entry above the maximum.
        """
        # Half a million rounds: a few comparisons recognise an entry like those before it, any other is
        # read carefully. A signature follows the entries, so looking a few octets ahead stays within the DER.
        der, at, end, number, max_entries = self._der, self._start, self._end, 0, self._max_entries
        layouts, dates, extensions = self._layouts, self._dates, self._extensions
        while at < end:
            number += 1
            if number > max_entries:
                raise CrlTooLarge(f"the CRL holds more than {max_entries:,} entries, which is the limit")
            serial = at + _HEADERS
            to_date, to_end = layouts.get(der[at:serial], _UNKNOWN)
            date, stop = at + to_date, at + to_end
            rest = date + 15
            if (
                stop > end
                or not to_end
                or not (0 < der[serial] < _NEGATIVE or (der[serial] == 0 and der[serial + 1] >= _NEGATIVE))
                or der[date : date + 8] not in dates
                or der[date + 8 : date + 10] not in dates
                or der[date + 10 : rest] not in dates
            ):
                self.number = number
                serial, date, rest, stop = self._read_carefully(at)
            if rest != stop and der[rest:stop] not in extensions:
                self.number = number
                self._read_extensions(rest, stop)
            yield der[serial:date]
            at = stop
        self.number = number

    def _read_carefully(self, at: int) -> tuple[int, int, int, int]:
        der, what = self._der, f"entry {self.number}"
        entry = element(der, at, self._end, what, SEQUENCE)
        serial = element(der, entry.content, entry.end, f"serial number of {what}", INTEGER)
        octets = der[serial.content : serial.end]
        if not octets or octets[0] >= _NEGATIVE or (len(octets) > 1 and octets[0] == 0 and octets[1] < _NEGATIVE):
            raise CrlMalformed(f"serial number of {what} at offset {serial.start} is empty, negative or not shortest")
        date = element(der, serial.end, entry.end, f"revocationDate of {what}", UTC_TIME, GENERALIZED_TIME)
        _require_date(der, date, what)
        if date.tag == UTC_TIME and serial.content - at == _HEADERS:
            # What is remembered stays small: two lengths; a day, an hour, a minute with its second. Whole dates
            # may be as many as entries.
            self._layouts[der[at : serial.content]] = (serial.end - at, entry.end - at)
            start = date.start
            self._dates.update((der[start : start + 8], der[start + 8 : start + 10], der[start + 10 : date.end]))
        return serial.content, serial.end, date.end, entry.end

    def _read_extensions(self, at: int, stop: int) -> None:
        der, what = self._der, f"crlEntryExtensions of entry {self.number}"
        extensions = element(der, at, stop, what, SEQUENCE)
        if extensions.end != stop or extensions.content == stop:
            raise CrlMalformed(f"{what} at offset {at} are empty, or do not end where the entry ends")
        seen: set[bytes] = set()
        at = extensions.content
        while at < stop:
            identifier, at = self._read_extension(at, stop, what)
            if identifier in seen:
                raise CrlMalformed(f"{what} at offset {extensions.start} hold one extension twice")
            seen.add(identifier)
        if len(self._extensions) < _MAX_REMEMBERED:
            self._extensions.add(der[extensions.start : stop])

    def _read_extension(self, at: int, stop: int, what: str) -> tuple[bytes, int]:
        der = self._der
        extension = element(der, at, stop, what, SEQUENCE)
        oid = element(der, extension.content, extension.end, what, OBJECT_IDENTIFIER)
        identifier = der[oid.content : oid.end]
        critical = der[oid.end : oid.end + 3] == _CRITICAL
        value = element(der, oid.end + 3 * critical, extension.end, what, OCTET_STRING)
        if value.end != extension.end or len(identifier) > _MAX_OID or not _OID.fullmatch(identifier):
            raise CrlMalformed(f"{what} at offset {at} hold a malformed extension")
        if identifier == _REASON_CODE:
            self._read_reason(value, what)
        elif critical or identifier == _CERTIFICATE_ISSUER:
            self._refuse_later(f"entry extension {_dotted(identifier)}")
        return identifier, extension.end

    def _read_reason(self, value: Element, what: str) -> None:
        octets = self._der[value.content : value.end]
        if len(octets) != len(_REASON) + 1 or not octets.startswith(_REASON) or octets[-1] not in _REASONS:
            raise CrlMalformed(
                f"{what} at offset {value.start} hold reason 0x{octets[:8].hex()}, unknown to RFC 5280, 5.3.1"
            )
        if octets[-1] == _REMOVE_FROM_CRL:
            self._refuse_later("entry with reason removeFromCRL")

    def _refuse_later(self, what: str) -> None:
        if self.unsupported is None:
            self.unsupported = f"{what} in entry {self.number}"


def _require_date(der: bytes, date: Element, what: str) -> None:
    text = der[date.content : date.end]
    if (match := _TIMES[date.tag].fullmatch(text)) is not None:
        year, month, day = (int(part) for part in match.groups())
        with suppress(ValueError):
            # The century of a UTCTime does not matter: from 1950 to 2049 every fourth year is a leap year.
            datetime(year if date.tag == GENERALIZED_TIME else 2000 + year, month, day, tzinfo=UTC)
            return
    raise CrlMalformed(
        f"revocationDate of {what} at offset {date.start} is {text[:16]!r}, not a time of RFC 5280, 5.1.2.4"
    )


def _dotted(identifier: bytes) -> str:
    """Write an object identifier as dotted numbers (X.690, 8.19)."""
    arcs = [0]
    for octet in identifier:
        arcs[-1] = arcs[-1] << 7 | octet & 0x7F
        if octet < LONG_FORM:
            arcs.append(0)
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:-1])))
