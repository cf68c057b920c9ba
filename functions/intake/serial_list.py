"""Reads lists of serials, which are untrusted input: JSON, JSON Lines, CSV with a reason column, or one a line."""

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from functions import limits
from functions.errors import InvalidSerialList, RequestRefused
from functions.intake import csv_list
from functions.models.request import SerialInput, SerialListFormat, WantedSerial
from functions.pki import private_keys
from functions.text import field_name

_MAX_LINE_LENGTH = 4_096
_MAX_COMMAS = 2 * limits.MAX_SERIALS  # one between entries, and one between serial and reason
_MAX_FAULTS_SHOWN, _MAX_FAULT_LENGTH = 50, 400

_FORMAT_BY_SUFFIX = {
    "json": SerialListFormat.JSON,
    "jsonl": SerialListFormat.JSON_LINES,
    "ndjson": SerialListFormat.JSON_LINES,
    "csv": SerialListFormat.CSV,
    "tsv": SerialListFormat.CSV,
}
# The first line of openssl x509 -text; all others are indented. The PEM may follow.
_PRINT_OUT = re.compile(r"^Certificate:[ \t]*\r?$", re.MULTILINE)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
# The last lines of openssl x509 -text: octets; every line but the last ends in a colon.
_SIGNATURE = re.compile(
    r"^[ \t]++Signature (?:Value|Algorithm):.*+\n(?:[ \t]++(?:[0-9a-f]{2}:)++[ \t]*+\r?\n)*+"
    r"[ \t]++(?:[0-9a-f]{2}:)*+[0-9a-f]{2}[ \t]*+\r?(?:\n|\Z)",
    re.MULTILINE,
)


def format_of(key: str, requested: SerialListFormat | None) -> SerialListFormat:
    """Return the requested format, or else the one of the object's suffix, or else one serial a line."""
    return requested or format_by_name(key) or SerialListFormat.LINES


def format_by_name(key: str) -> SerialListFormat | None:
    """Return the format of a name's suffix, or None for any other suffix."""
    return _FORMAT_BY_SUFFIX.get(key.rsplit(".", 1)[-1].lower())


def read(
    data: bytes, list_format: SerialListFormat, label: str, certificate_authority_arn: str | None = None
) -> list[WantedSerial]:
    """Read a list of serials, some with a reason; a certificate's ARN in it must be of this CA.

    Raises:
        PrivateKeyGiven: it holds a private key, of which nothing is shown.
        InvalidSerialList: it is not of this format, is empty or too long, or has lines that cannot be read; all of
            these are counted, the first fifty shown.

    """
    private_keys.refuse(data, label)
    text = _decode(data, label)
    readers: dict[SerialListFormat, Callable[[str, str], Iterable[tuple[str, Any]]]] = {
        SerialListFormat.JSON: _json,
        SerialListFormat.JSON_LINES: _json_lines,
        SerialListFormat.CSV: _csv,
        SerialListFormat.LINES: _lines,
    }
    entries = readers[list_format](text, label)
    return _collect(entries, list_format, label, certificate_authority_arn)


def _collect(
    entries: Iterable[tuple[str, Any]], list_format: SerialListFormat, label: str, certificate_authority_arn: str | None
) -> list[WantedSerial]:
    serials: list[WantedSerial] = []
    faults: list[str] = []
    number_of_faults = 0
    for position, entry in entries:
        try:
            serials.append(_validate(entry, certificate_authority_arn).wanted)
        except (RequestRefused, ValidationError) as error:
            number_of_faults += 1
            if len(faults) < _MAX_FAULTS_SHOWN:
                faults.append(f"{position}: {_message(error)[:_MAX_FAULT_LENGTH]}")
        if max(len(serials), number_of_faults) > limits.MAX_SERIALS:
            raise InvalidSerialList(f"{label} holds more than {limits.MAX_SERIALS:,} serials: split it")
    if faults:
        more = [f"and {number_of_faults - len(faults)} more"] if number_of_faults > len(faults) else []
        listed = "; ".join([*faults, *more])
        raise InvalidSerialList(f"{label}, read as {list_format}, has faults ({number_of_faults}): {listed}")
    if not serials:
        raise InvalidSerialList(f"{label}, read as {list_format}, holds no serial")
    return serials


def _validate(entry: object, certificate_authority_arn: str | None) -> SerialInput:
    if isinstance(entry, RequestRefused):
        raise entry
    value = csv_list.rename_fields(entry, certificate_authority_arn) if isinstance(entry, dict) else entry
    return SerialInput.model_validate(value, context={"CertificateAuthorityArn": certificate_authority_arn})


def _message(error: RequestRefused | ValidationError) -> str:
    if isinstance(error, RequestRefused):
        name = "" if isinstance(error, InvalidSerialList) else f"{type(error).__name__}: "
        return f"{name}{error}"
    faults = error.errors(include_url=False, include_context=False)
    return "; ".join(_with_field(fault["loc"], fault["msg"]) for fault in faults)


def _with_field(loc: tuple[int | str, ...], message: str) -> str:
    """Prepend the name of a missing or unknown field; a message on a serial shows the serial already."""
    errors_of_serials = ("InvalidSerial", "AmbiguousSerial", "CertificateIssuerMismatch")
    return message if message.startswith(errors_of_serials) or not loc else f"{field_name(str(loc[0]))}: {message}"


def _decode(data: bytes, label: str) -> str:
    if b"\0" in data[:_MAX_LINE_LENGTH] or data[:2] == b"\x1f\x8b":
        advice = "it looks compressed, or like UTF-16 or a spreadsheet: save it as CSV in UTF-8"
        raise InvalidSerialList(f"{label} is not UTF-8 text: {advice}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSerialList(f"{label} is not UTF-8 text: byte {error.start} is invalid") from None


def _json(text: str, label: str) -> Iterator[tuple[str, Any]]:
    value = _parse_json(text, label)
    if isinstance(value, dict):
        value = value["Serials"] if list(value) == ["Serials"] else _as_list(value)
    if not isinstance(value, list):
        raise InvalidSerialList(f"{label} is a JSON {type(value).__name__}, not an array of serials")
    return ((f"entry {number}", entry) for number, entry in enumerate(value, 1))


def _as_list(entry: dict[str, Any]) -> object:
    """Return a list of one for an object that names a certificate, such as IssueCertificate's response."""
    return [entry] if csv_list.names_serial(entry) else entry


def _json_lines(text: str, label: str) -> Iterator[tuple[str, Any]]:
    for number, line in _numbered_lines(text, label):
        if line.strip():
            yield f"line {number}", _parse_json(line, f"line {number} of {label}")


def _parse_json(text: str, label: str) -> Any:  # noqa: ANN401 - JSON
    if text.count(",") > _MAX_COMMAS:
        raise InvalidSerialList(f"{label} holds more than {limits.MAX_SERIALS:,} serials: split it")
    try:
        return json.loads(text, object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise InvalidSerialList(f"{label} is not JSON: {str(error)[:200]}") from None


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return value


def _lines(text: str, label: str) -> Iterator[tuple[str, Any]]:
    before, *print_outs = _PRINT_OUT.split(text)
    if print_outs:
        yield from _print_outs(before, print_outs)
        return
    if "-----BEGIN " in text:
        raise InvalidSerialList(f"{label} holds PEM and no serials: give it as Certificates, or a CRL as Crl")
    for number, line in _numbered_lines(text, label):
        if (serial := line.strip()) and not serial.startswith("#"):
            yield f"line {number}", serial


def _print_outs(other_text: str, print_outs: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield each print-out of a certificate up to its signature, then every other line: nothing is skipped."""
    for number, text in enumerate(print_outs, 1):
        without_pem = _PEM.sub("", text)
        end = max((match.end() for match in _SIGNATURE.finditer(without_pem)), default=0)
        if not end:
            yield (
                f"certificate {number}",
                InvalidSerialList("the print-out is cut off: it does not end in a signature"),
            )
            continue
        yield f"certificate {number}", "\n".join([without_pem[:end], *_PEM.findall(text)])
        not_indented = "".join(f"{line}\n" for line in without_pem[:end].splitlines() if line[:1].strip())
        other_text += f"{not_indented}{without_pem[end:]}\n"
    for line in other_text.splitlines():
        if (serial := line.strip()) and not serial.startswith("#"):
            yield "a line beside the print-outs of certificates", serial


def _csv(text: str, label: str) -> Iterator[tuple[str, Any]]:
    return csv_list.read_rows((line for _, line in _numbered_lines(text, label)), label)


def _numbered_lines(text: str, label: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(io.StringIO(text), 1):
        if len(line) > _MAX_LINE_LENGTH:
            raise InvalidSerialList(f"line {number} of {label} has more than {_MAX_LINE_LENGTH} characters")
        yield number, line
