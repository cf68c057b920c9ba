"""Tables of serials: which column is the serial, and which the reason; nothing is guessed where it could be another."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from functions.errors import AmbiguousSerial, InvalidSerial, InvalidSerialList, RequestRefused
from functions.pki import serial_number

# What Private CA's audit report, as JSON, says beside the serial (Private CA User Guide: audit reports).
_AUDIT_REPORT = {
    *("awsAccountId", "requestedByServicePrincipal", "certificateArn", "subject", "notBefore", "notAfter", "issuedAt"),
    *("revokedAt", "templateArn"),
}
# What names a certificate where there is no serial: Private CA's name for it, which ends in the serial.
_ARN = re.compile(r"(?:client)?(?:cert|certificate)?arn")
# What people and tools call a certificate's serial: "Cert Serial No.", "serialNumber (hex)", the load balancer's
# "leaf_client_cert_serial_number". The serial of a device is none of these.
_SERIAL = re.compile(
    r"(?:sn|(?P<log>leaf)?(?:x509|tls)?(?:client)?(?:cert|certificate)?serial(?:no|nr|num|number)?(?P<said>hex|dec|decimal)?)"
)
_EXAMPLES = "serial, serial_number, certificate_serial, …"
_UNNAMED = 2  # fields that a row may have without a header: the serial and its reason
_SEPARATOR = re.compile(r"sep=(.)\r?\n")  # as Excel writes it
_AS_TEXT = re.compile(r'="(.*)"')  # as Excel keeps digits from being counted
_WORD = re.compile(r"[A-Fa-f]{2,10}")  # "added", "decade"; no serial that a CA drew
_ROUNDED = re.compile(r"[0-9]{15}0+")  # a spreadsheet keeps fifteen digits of a number
_SHOWN, _LONGEST_NAME = 10, 24


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which field of a row is what; without a header, the first and perhaps the second."""

    serial: int = 0
    said: str = ""
    reason: int | None = 1
    arns: dict[int, str] = field(default_factory=dict)  # with their names
    width: int = 0  # without a header

    @property
    def named(self) -> bool:
        """Whether a header names them."""
        return self.width > 0

    def entry(self, row: list[str]) -> dict[str, str]:
        """Give what a row says.

        Raises:
            InvalidSerialList: it has no serial, or one that a spreadsheet has rounded.

        """
        if not self.named and len(row) > _UNNAMED:
            raise InvalidSerialList(f"{len(row)} fields, and no header that names them: begin with serial,reason")
        if self.named and any(cell.strip() for cell in row[self.width :]):
            raise InvalidSerialList(f"{len(row)} fields, and the first line names {self.width}")
        if self.serial >= len(row):
            raise InvalidSerialList(f"{len(row)} fields, the serial is field {self.serial + 1}")
        serial = _bare(row[self.serial])
        if self.said and _ROUNDED.fullmatch(serial):
            raise InvalidSerialList(f"{serial} looks as if a spreadsheet had rounded it: export the column as text")
        entry = {"Serial": f"{self.said}{serial}"}
        entry |= {name: _bare(row[place]) for place, name in self.arns.items() if place < len(row)}
        if self.reason is not None and self.reason < len(row) and row[self.reason].strip():
            entry["RevocationReason"] = row[self.reason].strip()
        return entry


def rows(lines: Iterable[str], thing: str) -> Iterator[tuple[str, Any]]:
    """Read CSV; the first row may name the columns, and otherwise there is a serial and perhaps its reason.

    What a row gives is for `renamed`, as an object of a JSON list is.

    Raises:
        InvalidSerialList: it is no CSV, or no column, or more than one, is that of the serials.

    """
    lines = iter(lines)
    skipped, first = 0, next(lines, "")
    told = _SEPARATOR.fullmatch(first)
    while (told and not skipped) or (not first.strip() and first):
        skipped, first = skipped + 1, next(lines, "")
    delimiter = told[1] if told else max(",;\t", key=first.count)
    read = csv.reader(itertools.chain([first], lines), delimiter=delimiter, strict=True)
    columns = None
    try:
        for row in read:
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row, thing)
                if columns.named:
                    continue
            try:
                entry: object = columns.entry(row)
            except RequestRefused as fault:
                entry = fault
            yield f"line {read.line_num + skipped}", entry
    except csv.Error as fault:
        raise InvalidSerialList(f"line {read.line_num + skipped} of {thing} is no CSV: {fault}") from None


def names_a_serial(entry: dict[str, Any]) -> bool:
    """Say whether one of an object's fields names a certificate."""
    return bool(_meant(list(entry))[0])


def renamed(entry: dict[str, Any], certificate_authority_arn: str | None) -> dict[str, Any]:
    """Give an object of a list, or a row, its fields' own names; an unknown field keeps its name, and is refused by it.

    Raises:
        InvalidSerialList: two fields may be the serial, or the reason; or the serial and the ARN are of two.
        CertificateIssuerMismatch: the ARN is of another CA.

    """
    names = list(entry)
    found, reasons, arns = _meant(names)
    for key, places in (("Serial", found), ("RevocationReason", reasons)):
        if len(places) > 1:
            raise InvalidSerialList(f"two fields may be the {key}: {_named(names[place] for place in places)}")
    made = {
        name: entry[name]
        for place, name in enumerate(names)
        if place not in (*found, *reasons, *arns) and name not in _AUDIT_REPORT
    }
    for name in (names[place] for place in found):
        serial = f"{_said(name)}{entry[name]}" if isinstance(entry[name], str) else entry[name]
        made["Serial"] = serial
        _require_agreement(serial, [entry[names[place]] for place in arns], certificate_authority_arn)
    for name in (names[place] for place in reasons):
        made["RevocationReason"] = entry[name] or None
    return made


def _columns(row: list[str], thing: str) -> _Columns:
    """Read the header, if this row is one: a row with a serial in it is none."""
    found, reasons, arns = _meant(row)
    if len(found) > 1 or len(reasons) > 1:
        told = _named(row[place] for place in (found if len(found) > 1 else reasons))
        raise InvalidSerialList(f"{thing} has several columns that may be meant: {told}. Leave one of them")
    named = {place: row[place] for place in arns}
    if len(set(named.values())) < len(named):
        raise InvalidSerialList(f"{thing} names a column twice: {_named(named.values())}")
    if found:
        return _Columns(found[0], _said(row[found[0]]), reasons[0] if reasons else None, named, len(row))
    if any(_WORD.fullmatch(cell.strip()) for cell in row):
        raise InvalidSerialList(
            f"line 1 of {thing} may be a header or a serial ({_named(row)}): begin with serial,reason"
        )
    if not any(map(_may_be_serial, row)):
        raise InvalidSerialList(f"line 1 of {thing} names no column {_EXAMPLES}, and holds no serial: {_named(row)}")
    return _Columns()


def _meant(names: list[str]) -> tuple[list[int], list[int], list[int]]:
    """Say which of these names may be the serial's (without any, the ARN's), which the reason's, and the ARN's."""
    normal = list(enumerate(map(_normal, names)))
    arns = [place for place, name in normal if _ARN.fullmatch(name)]
    found = [place for place, name in normal if _SERIAL.fullmatch(name)]
    if found:  # "serial, serial 2"
        found += [place for place, name in normal if name[-1:].isdigit() and _SERIAL.fullmatch(name[:-1])]
    found = found or arns
    reasons = [place for place, name in normal if "reason" in name]
    return found, reasons, arns


def _require_agreement(serial: object, arns: list[Any], certificate_authority_arn: str | None) -> None:
    """Compare a serial with its certificate's ARN at Private CA, where one stands beside it.

    Raises:
        InvalidSerialList: they are of two certificates.
        CertificateIssuerMismatch: the ARN is of another CA.

    """
    for arn in (arn for arn in arns if isinstance(arn, str) and serial_number.issuer_arn(arn)):
        serial_number.require_issuer(arn, certificate_authority_arn)
        with suppress(AmbiguousSerial, InvalidSerial):  # of the serial, which is named where it is read
            meant = serial_number.parse(str(serial))
            if not _may_be(arn, meant):
                raise InvalidSerialList(f"{serial_number.to_hex(meant)} and {arn} are of two certificates")


def _may_be(arn: str, serial: int) -> bool:
    """Compare with an ARN, whose digits may be decimal."""
    try:
        return serial_number.parse(arn) == serial
    except AmbiguousSerial:
        digits = "".join(filter(str.isdigit, arn.rsplit("/", 1)[1]))
        return serial in (int(digits), int(digits, 16))


def _normal(name: str) -> str:
    """Leave out what writers put between words; a digit or another sign stays, for it may be a serial's."""
    return re.sub(r"[\s_#().-]", "", name.lower())


def _said(name: str) -> str:
    """Say how the digits below such a name are read; the load balancer's log writes hexadecimal."""
    found = _SERIAL.fullmatch(_normal(name))
    if found and (found["log"] or found["said"] == "hex"):
        return "hex:"
    return "decimal:" if found and found["said"] else ""


def _may_be_serial(cell: str) -> bool:
    try:
        serial_number.parse(_bare(cell))
    except InvalidSerial:
        return False
    except AmbiguousSerial:
        return True
    return True


def _bare(cell: str) -> str:
    cell = cell.strip()
    if as_text := _AS_TEXT.fullmatch(cell):
        return as_text[1].strip()
    return cell.removeprefix("'")


def _named(cells: Iterable[str]) -> str:
    shown = [cell.strip()[:_LONGEST_NAME] for cell in cells]
    return ", ".join(shown[:_SHOWN]) + (" …" if len(shown) > _SHOWN else "")
