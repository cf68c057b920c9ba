"""Lists of serials in a file: JSON, JSON Lines, CSV with a reason column, or one a line; hostile until read."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from functions import private_keys
from functions.errors import InvalidSerialList
from functions.request import MAX_SERIALS, GivenSerial, SerialListFormat, Wanted

# A hundred thousand serials of 20 octets with colons and a reason have 12 MB; quotes and spaces may double that.
MAX_BYTES = 32 * 1024 * 1024
_LONGEST_LINE = 4_096
_FAULTS_SHOWN, _LONGEST_FAULT = 50, 400

_BY_ENDING = {
    "json": SerialListFormat.JSON,
    "jsonl": SerialListFormat.JSON_LINES,
    "ndjson": SerialListFormat.JSON_LINES,
    "csv": SerialListFormat.CSV,
    "tsv": SerialListFormat.CSV,
}
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
_REASON_COLUMNS = ("reason", "revocationreason")


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
            found.append(GivenSerial.model_validate(entry).wanted)
        except ValidationError as refusal:
            number_of_faults += 1
            if len(faults) < _FAULTS_SHOWN:
                told = "; ".join(fault["msg"] for fault in refusal.errors(include_url=False, include_context=False))
                faults.append(f"{where}: {told[:_LONGEST_FAULT]}")
        if len(found) > MAX_SERIALS:
            raise InvalidSerialList(f"{thing} holds more than {MAX_SERIALS:,} serials: split it")
    if faults:
        more = [f"and {number_of_faults - len(faults)} more"] if number_of_faults > len(faults) else []
        told = "; ".join([*faults, *more])
        raise InvalidSerialList(f"{thing}, read as {form}, has {number_of_faults} faults: {told}")
    if not found:
        raise InvalidSerialList(f"{thing}, read as {form}, holds no serial")
    return found


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
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise InvalidSerialList(f"{thing} is no JSON: {str(fault)[:200]}") from None


def _lines(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    for number, line in _numbered(text, thing):
        if (written := line.strip()) and not written.startswith("#"):
            yield f"line {number}", written


def _csv(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    """Read rows; the first names its columns, or else the first column is the serial."""
    first = text[:_LONGEST_LINE].split("\n", 1)[0]
    lines = (line for _, line in _numbered(text, thing))
    rows = csv.reader(lines, delimiter=max(",;\t", key=first.count), strict=True)
    serial_column, said, reason_column = 0, "", None
    try:
        for row in rows:
            where = f"line {rows.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in row]
            if rows.line_num == 1 and (known := [each for each in names if each in _SERIAL_COLUMNS]):
                serial_column, said = names.index(known[0]), _SERIAL_COLUMNS[known[0]]
                reason_column = next((names.index(name) for name in _REASON_COLUMNS if name in names), None)
                continue
            if serial_column >= len(row):
                raise InvalidSerialList(
                    f"{where} of {thing} has {len(row)} fields, the serial is field {serial_column + 1}"
                )
            entry = {"Serial": f"{said}{row[serial_column].strip()}"}
            if reason_column is not None and reason_column < len(row) and row[reason_column].strip():
                entry["RevocationReason"] = row[reason_column].strip()
            yield where, entry
    except csv.Error as fault:
        raise InvalidSerialList(f"line {rows.line_num} of {thing} is no CSV: {fault}") from None


def _numbered(text: str, thing: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(io.StringIO(text), 1):
        if len(line) > _LONGEST_LINE:
            raise InvalidSerialList(f"line {number} of {thing} has more than {_LONGEST_LINE} characters")
        yield number, line
