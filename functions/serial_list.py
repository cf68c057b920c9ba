"""Lists of serials in a file: JSON, JSON Lines, CSV with a reason column, or one a line; hostile until read."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from functions import private_keys
from functions.errors import InvalidSerialList
from functions.request import MAX_SERIALS, GivenSerial, SerialListFormat, Wanted

# A hundred thousand serials of 20 octets with colons and a reason have 12 MB; quotes and spaces may double that.
MAX_BYTES = 32 * 1024 * 1024
_LONGEST_LINE = 4_096
_MOST_COMMAS = 2 * MAX_SERIALS  # one between entries, and one between serial and reason
_FAULTS_SHOWN, _LONGEST_FAULT = 50, 400

_BY_ENDING = {
    "json": SerialListFormat.JSON,
    "jsonl": SerialListFormat.JSON_LINES,
    "ndjson": SerialListFormat.JSON_LINES,
    "csv": SerialListFormat.CSV,
    "tsv": SerialListFormat.CSV,
}
# As openssl x509 -text writes a certificate: a line of its own, all others are indented; then perhaps its PEM.
_PRINT_OUT = re.compile(r"^Certificate:[ \t]*\r?$", re.MULTILINE)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
# Its last lines: octets, each line but the last ending in a colon.
_SIGNATURE = re.compile(
    r"^[ \t]+Signature (?:Value|Algorithm):.*\n(?:[ \t]+(?:[0-9a-f]{2}:)+[ \t]*\r?\n)*"
    r"[ \t]+(?:[0-9a-f]{2}:)*[0-9a-f]{2}[ \t]*\r?(?:\n|\Z)",
    re.MULTILINE,
)
# What a column's name says about the digits in it; the log's own column is hexadecimal.
_SERIAL_COLUMNS = {
    "serial": "",
    "serialnumber": "",
    "certificateserial": "",
    "certificateserialnumber": "",
    "leafclientcertserialnumber": "hex:",
    "serialhex": "hex:",
    "serialnumberhex": "hex:",
    "serialdecimal": "decimal:",
    "serialnumberdecimal": "decimal:",
}
_UNNAMED = 2  # fields that a row may have without a header
_SEPARATOR = re.compile(r"sep=(.)\r?\n")
# Fifteen digits are what a spreadsheet keeps of a number.
_ROUNDED = re.compile(r"[0-9]{15}0+")


def format_of(key: str, told: SerialListFormat | None) -> SerialListFormat:
    """Give the format that was told, or else the one that the object's name ends in; one a line otherwise."""
    return told or _BY_ENDING.get(key.rsplit(".", 1)[-1].lower(), SerialListFormat.LINES)


def read(data: bytes, form: SerialListFormat, thing: str) -> list[Wanted]:
    """Read a list of serials, some with a reason.

    Raises:
        PrivateKeyGiven: there is a private key in it. Nothing of it is shown.
        InvalidSerialList: it is not of this format, is empty or too long, or has lines that cannot be read; all of
            these are counted, the first fifty shown.

    """
    private_keys.refuse(data, thing)
    text = _text(data, thing)
    entries = {
        SerialListFormat.JSON: _json,
        SerialListFormat.JSON_LINES: _json_lines,
        SerialListFormat.CSV: _csv,
        SerialListFormat.LINES: _lines,
    }[form](text, thing)
    return _wanted(entries, form, thing)


def _wanted(entries: Iterable[tuple[str, Any]], form: SerialListFormat, thing: str) -> list[Wanted]:
    found: list[Wanted] = []
    faults: list[str] = []
    number_of_faults = 0
    for where, entry in entries:
        try:
            found.append(_given(entry).wanted)
        except (InvalidSerialList, ValidationError) as refusal:
            number_of_faults += 1
            if len(faults) < _FAULTS_SHOWN:
                faults.append(f"{where}: {_told(refusal)[:_LONGEST_FAULT]}")
        if len(found) > MAX_SERIALS:
            raise InvalidSerialList(f"{thing} holds more than {MAX_SERIALS:,} serials: split it")
    if faults:
        more = [f"and {number_of_faults - len(faults)} more"] if number_of_faults > len(faults) else []
        told = "; ".join([*faults, *more])
        raise InvalidSerialList(f"{thing}, read as {form}, has {number_of_faults} faults: {told}")
    if not found:
        raise InvalidSerialList(f"{thing}, read as {form}, holds no serial")
    return found


def _given(entry: object) -> GivenSerial:
    if isinstance(entry, InvalidSerialList):
        raise entry
    return GivenSerial.model_validate(entry)


def _told(refusal: InvalidSerialList | ValidationError) -> str:
    if isinstance(refusal, InvalidSerialList):
        return str(refusal)
    return "; ".join(fault["msg"] for fault in refusal.errors(include_url=False, include_context=False))


def _text(data: bytes, thing: str) -> str:
    if b"\0" in data[:_LONGEST_LINE] or data[:2] == b"\x1f\x8b":
        raise InvalidSerialList(f"{thing} is no text in UTF-8: it looks compressed, or like UTF-16 or a spreadsheet")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InvalidSerialList(f"{thing} is no text in UTF-8: byte {fault.start} is no part of one") from None


def _json(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    read_as = _parsed(text, thing)
    if isinstance(read_as, dict) and list(read_as) == ["Serials"]:
        read_as = read_as["Serials"]
    if not isinstance(read_as, list):
        raise InvalidSerialList(f"{thing} is a JSON {type(read_as).__name__}, and no array of serials")
    return ((f"entry {number}", entry) for number, entry in enumerate(read_as, 1))


def _json_lines(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    for number, line in _numbered(text, thing):
        if line.strip():
            yield f"line {number}", _parsed(line, f"line {number} of {thing}")


def _parsed(text: str, thing: str) -> Any:  # noqa: ANN401 - JSON
    if text.count(",") > _MOST_COMMAS:
        raise InvalidSerialList(f"{thing} holds more than {MAX_SERIALS:,} serials: split it")
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as fault:
        raise InvalidSerialList(f"{thing} is no JSON: {str(fault)[:200]}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return made


def _lines(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    before, *print_outs = _PRINT_OUT.split(text)
    if print_outs:
        yield from _print_outs(before, print_outs)
        return
    if "-----BEGIN " in text:
        raise InvalidSerialList(f"{thing} holds PEM and no serials: give it as Certificates, or a CRL as Crl")
    for number, line in _numbered(text, thing):
        if (written := line.strip()) and not written.startswith("#"):
            yield f"line {number}", written


def _print_outs(before: str, found: list[str]) -> Iterator[tuple[str, Any]]:
    """Give each print-out of a certificate up to its signature, and each line beside: nothing is passed over."""
    for number, text in enumerate(found, 1):
        bare = _PEM.sub("", text)
        end = max((match.end() for match in _SIGNATURE.finditer(bare)), default=len(bare))
        yield f"certificate {number}", bare[:end]
        before += "".join(f"{line}\n" for line in bare[:end].splitlines() if line[:1].strip()) + f"{bare[end:]}\n"
    for line in before.splitlines():
        if (written := line.strip()) and not written.startswith("#"):
            yield "a line beside the print-outs of certificates", written


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which field of a row is what; without a header, the serial and perhaps its reason."""

    serial: int = 0
    said: str = ""
    reason: int | None = 1
    named: bool = False

    def entry(self, row: list[str]) -> Any:  # noqa: ANN401 - what GivenSerial is made of, or a fault
        """Give what a row says."""
        if not self.named and len(row) > _UNNAMED:
            return InvalidSerialList(f"{len(row)} fields, and no header that names them: begin with serial,reason")
        if self.serial >= len(row):
            return InvalidSerialList(f"{len(row)} fields, the serial is field {self.serial + 1}")
        serial = row[self.serial].strip()
        if self.said and _ROUNDED.fullmatch(serial):
            return InvalidSerialList(f"{serial} looks as if a spreadsheet had rounded it: export the column as text")
        entry = {"Serial": f"{self.said}{serial}"}
        if self.reason is not None and self.reason < len(row) and row[self.reason].strip():
            entry["RevocationReason"] = row[self.reason].strip()
        return entry


def _columns(row: list[str], thing: str) -> _Columns | None:
    """Read a header, if this row is one: a name of a serial's column holds no digit and no other sign."""
    names = [re.sub(r"[\s_#().-]", "", cell.lower()) for cell in row]
    if not (known := [place for place, name in enumerate(names) if name in _SERIAL_COLUMNS]):
        return None
    reasons = [place for place, name in enumerate(names) if "reason" in name]
    if len(known) > 1 or len(reasons) > 1:
        told = ", ".join(row[place].strip() for place in (known if len(known) > 1 else reasons))
        raise InvalidSerialList(f"{thing} has several columns that may be meant: {told}. Leave one of them")
    return _Columns(known[0], _SERIAL_COLUMNS[names[known[0]]], reasons[0] if reasons else None, named=True)


def _csv(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    """Read rows; the first may name their columns, and otherwise they hold a serial and perhaps its reason."""
    if told := _SEPARATOR.match(text):  # as Excel writes it
        text = text[told.end() :]
    first = text.lstrip()[:_LONGEST_LINE].split("\n", 1)[0]
    delimiter = told[1] if told else max(",;\t", key=first.count)
    rows = csv.reader((line for _, line in _numbered(text, thing)), delimiter=delimiter, strict=True)
    columns = None
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row, thing) or _Columns()
                if columns.named:
                    continue
            yield f"line {rows.line_num + bool(told)}", columns.entry(row)
    except csv.Error as fault:
        raise InvalidSerialList(f"line {rows.line_num + bool(told)} of {thing} is no CSV: {fault}") from None


def _numbered(text: str, thing: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(io.StringIO(text), 1):
        if len(line) > _LONGEST_LINE:
            raise InvalidSerialList(f"line {number} of {thing} has more than {_LONGEST_LINE} characters")
        yield number, line
