"""Lists of serials in a file: JSON, JSON Lines, CSV with a reason column, or one a line; hostile until read."""

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from functions import limits
from functions.errors import InvalidSerialList, RequestRefused
from functions.intake import csv_list as serial_table
from functions.models.request import SerialInput, SerialListFormat, WantedSerial
from functions.pki import private_keys

_LONGEST_LINE = 4_096
_MOST_COMMAS = 2 * limits.MAX_SERIALS  # one between entries, and one between serial and reason
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


def format_of(key: str, told: SerialListFormat | None) -> SerialListFormat:
    """Give the format that was told, or else the one that the object's name ends in; one a line otherwise."""
    return told or format_by_name(key) or SerialListFormat.LINES


def format_by_name(key: str) -> SerialListFormat | None:
    """Give the format that a name ends in, if it does."""
    return _BY_ENDING.get(key.rsplit(".", 1)[-1].lower())


def read(
    data: bytes, form: SerialListFormat, thing: str, certificate_authority_arn: str | None = None
) -> list[WantedSerial]:
    """Read a list of serials, some with a reason; where one is a certificate's ARN, it must be this CA's.

    Raises:
        PrivateKeyGiven: there is a private key in it. Nothing of it is shown.
        InvalidSerialList: it is not of this format, is empty or too long, or has lines that cannot be read; all of
            these are counted, the first fifty shown.

    """
    private_keys.refuse(data, thing)
    text = _text(data, thing)
    readers: dict[SerialListFormat, Callable[[str, str], Iterable[tuple[str, Any]]]] = {
        SerialListFormat.JSON: _json,
        SerialListFormat.JSON_LINES: _json_lines,
        SerialListFormat.CSV: _csv,
        SerialListFormat.LINES: _lines,
    }
    entries = readers[form](text, thing)
    return _wanted(entries, form, thing, certificate_authority_arn)


def _wanted(
    entries: Iterable[tuple[str, Any]], form: SerialListFormat, thing: str, certificate_authority_arn: str | None
) -> list[WantedSerial]:
    found: list[WantedSerial] = []
    faults: list[str] = []
    number_of_faults = 0
    for where, entry in entries:
        try:
            found.append(_given(entry, certificate_authority_arn).wanted)
        except (RequestRefused, ValidationError) as refusal:
            number_of_faults += 1
            if len(faults) < _FAULTS_SHOWN:
                faults.append(f"{where}: {_told(refusal)[:_LONGEST_FAULT]}")
        if max(len(found), number_of_faults) > limits.MAX_SERIALS:
            raise InvalidSerialList(f"{thing} holds more than {limits.MAX_SERIALS:,} serials: split it")
    if faults:
        more = [f"and {number_of_faults - len(faults)} more"] if number_of_faults > len(faults) else []
        told = "; ".join([*faults, *more])
        raise InvalidSerialList(f"{thing}, read as {form}, has {number_of_faults} faults: {told}")
    if not found:
        raise InvalidSerialList(f"{thing}, read as {form}, holds no serial")
    return found


def _given(entry: object, certificate_authority_arn: str | None) -> SerialInput:
    if isinstance(entry, RequestRefused):
        raise entry
    known = serial_table.renamed(entry, certificate_authority_arn) if isinstance(entry, dict) else entry
    return SerialInput.model_validate(known, context={"CertificateAuthorityArn": certificate_authority_arn})


def _told(refusal: RequestRefused | ValidationError) -> str:
    if isinstance(refusal, RequestRefused):
        name = "" if isinstance(refusal, InvalidSerialList) else f"{type(refusal).__name__}: "
        return f"{name}{refusal}"
    faults = refusal.errors(include_url=False, include_context=False)
    return "; ".join(_named(fault["loc"], fault["msg"]) for fault in faults)


def _named(loc: tuple[int | str, ...], words: str) -> str:
    """Tell a field that is missing or unknown by its name; a serial names itself."""
    serials_own = ("InvalidSerial", "AmbiguousSerial", "CertificateIssuerMismatch")
    return words if words.startswith(serials_own) or not loc else f"{str(loc[0])[:24]}: {words}"


def _text(data: bytes, thing: str) -> str:
    if b"\0" in data[:_LONGEST_LINE] or data[:2] == b"\x1f\x8b":
        told = "it looks compressed, or like UTF-16 or a spreadsheet: save it as CSV in UTF-8"
        raise InvalidSerialList(f"{thing} is no text in UTF-8: {told}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InvalidSerialList(f"{thing} is no text in UTF-8: byte {fault.start} is no part of one") from None


def _json(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    read_as = _parsed(text, thing)
    if isinstance(read_as, dict):
        read_as = read_as["Serials"] if list(read_as) == ["Serials"] else _one(read_as)
    if not isinstance(read_as, list):
        raise InvalidSerialList(f"{thing} is a JSON {type(read_as).__name__}, and no array of serials")
    return ((f"entry {number}", entry) for number, entry in enumerate(read_as, 1))


def _one(found: dict[str, Any]) -> object:
    """Take an object that names a certificate, such as IssueCertificate answers, as a list of one."""
    return [found] if serial_table.names_a_serial(found) else found


def _json_lines(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    for number, line in _numbered(text, thing):
        if line.strip():
            yield f"line {number}", _parsed(line, f"line {number} of {thing}")


def _parsed(text: str, thing: str) -> Any:  # noqa: ANN401 - JSON
    if text.count(",") > _MOST_COMMAS:
        raise InvalidSerialList(f"{thing} holds more than {limits.MAX_SERIALS:,} serials: split it")
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
        end = max((match.end() for match in _SIGNATURE.finditer(bare)), default=0)
        if not end:
            yield (
                f"certificate {number}",
                InvalidSerialList("a print-out that is cut off: it does not end in a signature"),
            )
            continue
        yield f"certificate {number}", "\n".join([bare[:end], *_PEM.findall(text)])
        before += "".join(f"{line}\n" for line in bare[:end].splitlines() if line[:1].strip()) + f"{bare[end:]}\n"
    for line in before.splitlines():
        if (written := line.strip()) and not written.startswith("#"):
            yield "a line beside the print-outs of certificates", written


def _csv(text: str, thing: str) -> Iterator[tuple[str, Any]]:
    return serial_table.rows((line for _, line in _numbered(text, thing)), thing)


def _numbered(text: str, thing: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(io.StringIO(text), 1):
        if len(line) > _LONGEST_LINE:
            raise InvalidSerialList(f"line {number} of {thing} has more than {_LONGEST_LINE} characters")
        yield number, line
