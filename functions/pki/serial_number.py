"""Parses serial numbers in every common notation, refuses ambiguous ones, and writes them in one.

statemachine/README.md has a table of the notations. Digits are known to be hexadecimal by a colon, `0x`, a
letter, or the label that they were copied with; digits alone are ambiguous. What looks like part of a serial number
(a group of one digit, a colon at the end) is refused, because a wrong revocation cannot be undone.
"""

import re

from functions import limits
from functions.errors import AmbiguousSerial, CertificateIssuerMismatch, InvalidSerial
from functions.text import quoted

# Well above 20 octets in any notation, and above a certificate as `openssl x509 -text` prints it.
_MAX_TEXT = 256
_MAX_BLOCK = 65_536
# An error quotes a text that is not short only if it may be a serial number; anything else may be a secret.
_SERIAL_LIKE = re.compile(r"\s*(?:0x|[a-z]{3,7}[:=])?(?:[0-9a-f][:\s-]?){1,50}", re.ASCII | re.IGNORECASE)

# Invisible characters that certificate viewers put around a serial number, and that are copied with it.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202c\u2060\ufeff"))

_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_NEGATIVE = re.compile(r"-\s*(?:0x)?[0-9a-f][0-9a-f:]*(?: \(-0x[0-9a-f]+\))?", re.ASCII)
_COLONS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})*", re.ASCII)
_SPACED = re.compile(r"[0-9a-f]{2}(?:(?: [0-9a-f]{2})+|(?:-[0-9a-f]{2})+)", re.ASCII)
# How openssl x509 -text prints a serial that fits 64 bits.
_BOTH = re.compile(r"([0-9]+) \(0x([0-9a-f]+)\)", re.ASCII)
# Labels that are followed by hexadecimal: openssl x509 -serial, load balancers (header, log), certtool, people.
_HEX_LABEL = re.compile(
    r"(?:serial\s*=|x-amzn-mtls-clientcert-serial-number\s*:|leaf_client_cert_serial_number\s*[=:]"
    r"|serial number \(hex\)\s*:|hex\s*:)\s*",
    re.ASCII,
)
# A line that holds a serial number and nothing else.
_ALONE = re.compile(rf"(?:{_HEX_LABEL.pattern}|0x)?[0-9a-f]+(?:[: -][0-9a-f]+)*", re.ASCII)
_DECIMAL_LABEL = re.compile(r"(?:decimal|dec)\s*:\s*", re.ASCII)
# A certificate's ARN at Private CA ends in the serial number, in 32 hexadecimal digits (Private CA User Guide: audit
# reports). Samples of its API end in 39 decimal ones, so any other number of digits stays ambiguous.
_ARN_DIGITS = 32
_CA_ARN = re.compile(
    r"arn:[a-z-]{3,20}:acm-pca:[a-z0-9-]{5,32}:[0-9]{12}:certificate-authority/[a-z0-9-]{1,64}", re.ASCII
)
_CERTIFICATE_ARN = re.compile(rf"({_CA_ARN.pattern})/certificate/([0-9a-f]{{1,50}})", re.ASCII)
_BASE_SUFFIX = re.compile(r"(.+?)\s*\((hex|dec|decimal)\)", re.ASCII)
# A line of openssl x509 -text; more than 64 bits are on the lines below, which end in a colon if cut off.
_TEXT_LINE = re.compile(
    r"^[ \t]*serial number[ \t]*:[ \t]*"
    r"((?:\n[ \t]*[0-9a-f:]+:[ \t]*(?=\n))*\n[ \t]*[0-9a-f:]+[ \t]*(?=\n|$)|[^\n]*)",
    re.MULTILINE | re.ASCII,
)
# A connection log line's time, address and ports, and its fields 9 and 10; the subject before these may hold anything,
# so the last match counts.
_LOG_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9:.]+z \S+ [0-9]+ [0-9]+ ", re.ASCII)
_LOG_END = re.compile(r" notbefore=[^\s;]+;notafter=\S+ (\S+)(?: .*)?", re.ASCII)

# The PEM in a print-out, in lower case.
_PEM = re.compile(r"-----begin certificate-----[^-]*-----end certificate-----")

_HINT = "write it in hexadecimal, as '0x0a1b' or '0a:1b'"


def parse(text: str) -> int:
    """Return the serial number in a text, in any notation that identifies its digits as hexadecimal or decimal.

    Raises AmbiguousSerial for two or more digits alone, which may be hexadecimal or decimal, and
    InvalidSerial for anything that is not a serial number of RFC 5280, 4.1.2.2.
    """
    digits = _extract(text, _clean(text))
    _require_text(text, digits)
    return _require_range(text, _value(text, digits))


def issuer_arn(text: str) -> str | None:
    """Return the ARN of the CA if the text is a certificate's ARN, which includes it, or else None."""
    arn = _CERTIFICATE_ARN.fullmatch(_clean(text))
    return arn[1] if arn else None


def require_issuer(text: str, certificate_authority_arn: object) -> None:
    """Refuse a certificate's ARN that names another CA than `certificate_authority_arn`, if that is a CA's ARN.

    Raises:
        CertificateIssuerMismatch: the two differ; both are shown.

    """
    named, expected = issuer_arn(text), str(certificate_authority_arn).lower()
    if named and named != expected and _CA_ARN.fullmatch(expected):
        raise CertificateIssuerMismatch(f"a certificate's ARN names the CA {named}, and the request's is {expected}")


def to_hex(serial: int) -> str:
    """Return a serial number as lower-case colon-separated octets, such as "0a:1b".

    There are at least two octets ("00:10"), because the colon identifies the digits as hexadecimal.
    """
    if serial <= 0:
        raise InvalidSerial(f"a serial number must be positive, and this is {serial}")
    return serial.to_bytes(max(2, (serial.bit_length() + 7) // 8), "big").hex(":")


def _clean(text: str) -> str:
    """Return the text in lower case, without quotes, space and invisible characters around it."""
    cleaned = text[: _MAX_BLOCK + 1].lower().translate(_INVISIBLE).strip()
    if len(cleaned) >= 2 and cleaned[0] == cleaned[-1] and cleaned[0] in "\"'":  # noqa: PLR2004 - a pair
        return cleaned[1:-1].strip()
    return cleaned


def _extract(text: str, cleaned: str) -> str:
    """Return the part of an ARN, a print-out or a log line that is the serial; return any other text as it is."""
    if len(text) > _MAX_BLOCK:
        return text
    if arn := _CERTIFICATE_ARN.fullmatch(cleaned):
        if len(arn[2]) == _ARN_DIGITS:
            return f"hex:{arn[2]}"
        if not _DIGITS.fullmatch(arn[2]):
            raise InvalidSerial(f"{_quote(text)} ends in {len(arn[2])} digits and not in {_ARN_DIGITS}: cut off?")
        return arn[2]
    if _LOG_START.match(cleaned):
        if end := _LOG_END.fullmatch(cleaned, max(0, cleaned.rfind(" notbefore="))):
            return f"hex:{end[1]}"
        raise InvalidSerial(f"{_quote(text)} is a line of a connection log and names no client certificate")
    lines = _TEXT_LINE.findall(cleaned)
    others = _other_serials(cleaned) if lines else []
    if len(lines) > 1 or others:
        number = len(lines) + len(others)
        raise InvalidSerial(f"{_quote(text)} holds {number} serial numbers: give each by itself")
    return re.sub(r"\s*\n\s*", "", lines[0]).strip(" \t\"'") if lines else cleaned


def _other_serials(cleaned: str) -> list[str]:
    """Return further lines that may be serial numbers; openssl indents the lines of its print-out."""
    rest = _PEM.sub("", _TEXT_LINE.sub("", cleaned)).splitlines()
    if "signature algorithm" not in cleaned:
        rest = [line.strip() for line in rest]
    return [line for line in rest if _ALONE.fullmatch(line) or _CERTIFICATE_ARN.fullmatch(line)]


def _value(text: str, written: str) -> int:
    if label := _HEX_LABEL.match(written):
        return _hexadecimal(text, written[label.end() :])
    if label := _DECIMAL_LABEL.match(written):
        return _decimal(text, written[label.end() :])
    if suffixed := _BASE_SUFFIX.fullmatch(written):
        return (_hexadecimal if suffixed[2] == "hex" else _decimal)(text, suffixed[1])
    if both := _BOTH.fullmatch(written):
        return _require_equal(text, both[1], both[2])
    digits = re.sub(r"[ -]", "", written) if _SPACED.fullmatch(written) else written
    if _DIGITS.fullmatch(digits) and int(digits, 16) != int(digits):
        _require_range(text, int(digits))  # what is too long even as decimal is wrong, not ambiguous
        raise AmbiguousSerial(_ambiguity(text, digits))
    return _hexadecimal(text, written)


def _require_text(text: str, written: str) -> None:
    if not written:
        raise InvalidSerial(f"serial number {_quote(text)} is empty: {_HINT}")
    if len(written) > _MAX_TEXT:
        raise InvalidSerial(
            f"serial number {_quote(text)} has {len(text.strip())} characters, "
            f"and at most {limits.MAX_SERIAL_OCTETS} octets"
        )
    bare = _DECIMAL_LABEL.sub("", _HEX_LABEL.sub("", written, 1), 1)
    if bare == "-":
        raise InvalidSerial(f"{_quote(text)} names no client certificate: its serial number is '-'")
    if _NEGATIVE.fullmatch(bare):
        raise InvalidSerial(f"serial number {_quote(text)} is negative, it must be positive (RFC 5280, 4.1.2.2)")


def _hexadecimal(text: str, digits: str) -> int:
    """Return the value of digits that are known to be hexadecimal."""
    if ":" in digits:
        if not _COLONS.fullmatch(digits):
            raise InvalidSerial(
                f"serial number {_quote(text)} is not made of two hexadecimal digits between colons: {_HINT}"
            )
        return int(digits.replace(":", ""), 16)
    if _SPACED.fullmatch(digits):
        return int(re.sub(r"[ -]", "", digits), 16)
    bare = digits.removeprefix("0x")
    if not _HEX.fullmatch(bare):
        raise InvalidSerial(f"serial number {_quote(text)} is not hexadecimal: {_HINT}")
    return int(bare, 16)


def _decimal(text: str, digits: str) -> int:
    if not _DIGITS.fullmatch(digits):
        raise InvalidSerial(f"serial number {_quote(text)} is labelled decimal and holds other characters than digits")
    return int(digits)


def _require_equal(text: str, decimal: str, hexadecimal: str) -> int:
    if int(decimal) != int(hexadecimal, 16):
        raise InvalidSerial(
            f"serial number {_quote(text)} gives two numbers: decimal {decimal} is 0x{int(decimal):x}, "
            f"not 0x{hexadecimal}"
        )
    return int(decimal)


def _require_range(text: str, serial: int) -> int:
    if serial == 0:
        raise InvalidSerial(f"serial number {_quote(text)} is zero, it must be positive (RFC 5280, 4.1.2.2)")
    if (octets := (serial.bit_length() + 7) // 8) > limits.MAX_SERIAL_OCTETS:
        raise InvalidSerial(
            f"serial number {_quote(text)} has {octets} octets, and at most {limits.MAX_SERIAL_OCTETS} are allowed"
        )
    return serial


def _ambiguity(text: str, digits: str) -> str:
    hexadecimal, decimal = int(digits, 16), int(digits)
    return (
        f"serial number {_quote(text.strip())} can be read in two ways: "
        f"as hexadecimal it is {to_hex(hexadecimal)} (then write 0x{hexadecimal:x}), "
        f"as decimal it is {to_hex(decimal)} (then write decimal:{decimal})"
    )


def _quote(text: str) -> str:
    if _SERIAL_LIKE.fullmatch(text):
        return repr(text)
    if arn := _CERTIFICATE_ARN.fullmatch(text):
        return f"'{text[:8]}…{arn[2]}'"
    return quoted(text)
