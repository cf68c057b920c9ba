"""Finds the serial and the reason in CSV rows and JSON objects by their names; an ambiguous name is refused."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from functions.errors import AmbiguousSerial, InvalidSerial, InvalidSerialList, RequestRefused
from functions.pki import serial_number
from functions.text import field_name

# Private CA's audit report, as JSON, has these fields beside the serial (Private CA User Guide: audit reports).
_AUDIT_REPORT_FIELDS = {
    *("awsAccountId", "requestedByServicePrincipal", "certificateArn", "subject", "notBefore", "notAfter", "issuedAt"),
    *("revokedAt", "templateArn"),
}
# The accepted names, in lower case and without separators. Other columns and fields are ignored, as a device's serial
# has to be. A name may end in the base of its digits; the serials of connection logs are hexadecimal.
_SERIAL_NAMES = {
    *("serial", "serialno", "serialnumber", "certserial", "certserialno", "certserialnumber", "certificateserial"),
    *("certificateserialno", "certificateserialnumber", "clientcertserial", "clientcertserialnumber"),
    *("clientcertificateserial", "clientcertificateserialnumber", "leafclientcertserialnumber", "sn"),
}
_BASES = {"decimal": "decimal:", "dec": "decimal:", "hex": "hex:", "leafclientcertserialnumber": "hex:"}
_ARN_NAMES = {"arn", "certarn", "certificatearn", "clientcertarn", "clientcertificatearn"}
_REASON_NAMES = {"reason", "reasoncode", "revocationreason", "crlreason", "crlreasoncode"}
_EXAMPLES = "serial, serial_number, certificate_serial, …"
_MAX_FIELDS_WITHOUT_HEADER = 2  # the serial and its reason
_SEPARATOR = re.compile(r"sep=(.)\r?\n")  # as Excel writes it
_EXCEL_TEXT = re.compile(r'="(.*)"')  # Excel's notation for digits that are text, not a number
_HEX_WORD = re.compile(r"[A-Fa-f]{2,10}")  # "added", "decade"; not a serial that a CA generates
_ROUNDED = re.compile(r"[0-9]{15}0+")  # a spreadsheet keeps fifteen digits of a number
_MAX_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Columns:
    """Positions of the fields in a row; without a header, the serial is the first and the reason the second."""

    serial: int = 0
    base_prefix: str = ""
    reason: int | None = 1
    arns: dict[int, str] = field(default_factory=dict)  # position to name
    width: int = 0  # 0 without a header

    @property
    def has_header(self) -> bool:
        """Whether a header names the columns."""
        return self.width > 0

    def entry(self, row: list[str]) -> dict[str, str]:
        """Return the fields of a row that matter.

        Raises:
            InvalidSerialList: it has no serial, or one that a spreadsheet has rounded.

        """
        if not self.has_header and len(row) > _MAX_FIELDS_WITHOUT_HEADER:
            raise InvalidSerialList(f"{len(row)} fields, and no header that names them: begin with serial,reason")
        if self.has_header and any(cell.strip() for cell in row[self.width :]):
            raise InvalidSerialList(f"{len(row)} fields, and the first line names {self.width}")
        if self.serial >= len(row):
            raise InvalidSerialList(f"{len(row)} fields, the serial is field {self.serial + 1}")
        serial = _cell_text(row[self.serial])
        if self.base_prefix and _ROUNDED.fullmatch(serial):
            raise InvalidSerialList(f"{serial} looks as if a spreadsheet had rounded it: export the column as text")
        entry = {"Serial": f"{self.base_prefix}{serial}"}
        entry |= {name: _cell_text(row[index]) for index, name in self.arns.items() if index < len(row)}
        if self.reason is not None and self.reason < len(row) and row[self.reason].strip():
            entry["RevocationReason"] = row[self.reason].strip()
        return entry


def read_rows(lines: Iterable[str], label: str) -> Iterator[tuple[str, Any]]:
    """Read CSV; yield each row's line and its entry, for `rename_fields`, or the fault that was found in it.

    The first row may be a header; without one, a row has a serial and perhaps a reason.

    Raises:
        InvalidSerialList: it is not CSV, or not exactly one column holds the serials.

    """
    lines = iter(lines)
    skipped, first = 0, next(lines, "")
    separator = _SEPARATOR.fullmatch(first)
    while (separator and not skipped) or (not first.strip() and first):
        skipped, first = skipped + 1, next(lines, "")
    delimiter = separator[1] if separator else max(",;\t", key=first.count)
    reader = csv.reader(itertools.chain([first], lines), delimiter=delimiter, strict=True)
    columns = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row, label)
                if columns.has_header:
                    continue
            try:
                entry: object = columns.entry(row)
            except RequestRefused as error:
                entry = error
            yield f"line {reader.line_num + skipped}", entry
    except csv.Error as error:
        raise InvalidSerialList(f"line {reader.line_num + skipped} of {label} is not CSV: {error}") from None


def names_serial(entry: dict[str, Any]) -> bool:
    """Return whether one of an object's fields names a certificate."""
    return bool(_find_fields(list(entry))[0])


def rename_fields(entry: dict[str, Any], certificate_authority_arn: str | None) -> dict[str, Any]:
    """Return an entry with our field names; an unknown field keeps its name, and is refused later by that name.

    Raises:
        InvalidSerialList: two fields may be the serial or the reason, or serial and ARN are of two certificates.
        CertificateIssuerMismatch: the ARN is of another CA.

    """
    names = list(entry)
    serials, reasons, arns = _find_fields(names)
    for meant, candidates in (("Serial", serials), ("RevocationReason", reasons)):
        if len(candidates) > 1:
            raise InvalidSerialList(f"two fields may be the {meant}: {_quote(names[i] for i in candidates)}")
    result = {
        name: entry[name]
        for index, name in enumerate(names)
        if index not in (*serials, *reasons, *arns) and name not in _AUDIT_REPORT_FIELDS
    }
    for name in (names[index] for index in serials):
        serial = f"{_base_prefix(name)}{entry[name]}" if isinstance(entry[name], str) else entry[name]
        result["Serial"] = serial
        _require_agreement(serial, [entry[names[index]] for index in arns], certificate_authority_arn)
    for name in (names[index] for index in reasons):
        result["RevocationReason"] = entry[name] or None
    return result


def _columns(row: list[str], label: str) -> _Columns:
    """Return the columns of the first row: those of a header, or, if it holds a serial, the default ones."""
    serials, reasons, arns = _find_fields(row)
    if len(serials) > 1 or len(reasons) > 1:
        candidates = _quote(row[index] for index in (serials if len(serials) > 1 else reasons))
        raise InvalidSerialList(f"{label} has several columns that may be meant: {candidates}. Leave one of them")
    arn_names = {index: row[index] for index in arns}
    if len(set(arn_names.values())) < len(arn_names):
        raise InvalidSerialList(f"{label} names a column twice: {_quote(arn_names.values())}")
    if serials:
        (serial,) = serials
        return _Columns(serial, _base_prefix(row[serial]), reasons[0] if reasons else None, arn_names, len(row))
    if any(_HEX_WORD.fullmatch(cell.strip()) for cell in row):
        raise InvalidSerialList(
            f"line 1 of {label} may be a header or a serial ({_quote(row)}): begin with serial,reason"
        )
    if not any(map(_may_be_serial, row)):
        raise InvalidSerialList(f"line 1 of {label} names no column {_EXAMPLES}, and holds no serial: {_quote(row)}")
    return _Columns()


def _find_fields(names: list[str]) -> tuple[list[int], list[int], list[int]]:
    """Return the indexes of the names that may be the serial's (the ARN's if there is none), reason's and ARN's."""
    normalized = list(enumerate(map(_normalize, names)))
    arns = [index for index, name in normalized if name in _ARN_NAMES]
    serials = [index for index, name in normalized if _without_base(name) in _SERIAL_NAMES]
    reasons = [index for index, name in normalized if name in _REASON_NAMES]
    return serials or arns, reasons, arns


def _require_agreement(serial: object, arns: list[Any], certificate_authority_arn: str | None) -> None:
    """Compare a serial with the certificate ARNs in the same entry.

    Raises:
        InvalidSerialList: they are of two certificates.
        CertificateIssuerMismatch: the ARN is of another CA.

    """
    for arn in (arn for arn in arns if isinstance(arn, str) and serial_number.issuer_arn(arn)):
        serial_number.require_issuer(arn, certificate_authority_arn)
        with suppress(AmbiguousSerial, InvalidSerial):  # of the serial, which is reported when it is read
            parsed = serial_number.parse(str(serial))
            if not _may_end_in(arn, parsed):
                raise InvalidSerialList(f"{serial_number.to_hex(parsed)} and {arn} are of two certificates")


def _may_end_in(arn: str, serial: int) -> bool:
    """Return whether an ARN, whose digits may be hexadecimal or decimal, can be that of a serial."""
    try:
        return serial_number.parse(arn) == serial
    except AmbiguousSerial:
        digits = "".join(filter(str.isdigit, arn.rsplit("/", 1)[1]))
        return serial in (int(digits), int(digits, 16))


def _normalize(name: str) -> str:
    """Remove separators and a last digit ("serial 2" is a second serial); other characters may be part of a serial."""
    return re.sub(r"[\s_#().-]|\d$", "", name.lower())


def _without_base(name: str) -> str:
    return re.sub("(?:decimal|dec|hex)$", "", name)


def _base_prefix(name: str) -> str:
    """Return the prefix that states the base of a column's digits, if its name does."""
    return next((prefix for end, prefix in _BASES.items() if _normalize(name).endswith(end)), "")


def _may_be_serial(cell: str) -> bool:
    try:
        serial_number.parse(_cell_text(cell))
    except InvalidSerial:
        return False
    except AmbiguousSerial:
        return True
    return True


def _cell_text(cell: str) -> str:
    """Return a cell without the marks that make Excel treat digits as text."""
    cell = cell.strip()
    if excel_text := _EXCEL_TEXT.fullmatch(cell):
        return excel_text[1].strip()
    return cell.removeprefix("'")


def _quote(cells: Iterable[str]) -> str:
    names = [field_name(cell.strip()) for cell in cells]
    return ", ".join(names[:_MAX_NAMES_SHOWN]) + (" …" if len(names) > _MAX_NAMES_SHOWN else "")
