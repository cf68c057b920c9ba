"""Serial numbers at the edges: every common notation is read, one is written, an ambiguous one is refused.

The notations, good and bad, stand as a table in README.md. What says that digits are hexadecimal is a colon, `0x`, a
letter, or the place that they were copied from; digits alone say nothing. What looks like a part of a serial number
(a group of one digit, a colon at the end) is refused, for a wrong revocation cannot be undone.
"""

import re

from functions import limits
from functions.errors import AmbiguousSerial, CertificateIssuerMismatch, InvalidSerial

# Far above 20 octets in any notation, and above a certificate as `openssl x509 -text` prints it.
_MAX_TEXT = 256
_MAX_BLOCK = 65_536
# What is quoted whole in an error: what is short, or may be a serial number. Anything else may be a secret.
_SHORT = 16
_SERIAL_LIKE = re.compile(r"\s*(?:0x|[a-z]{3,7}[:=])?(?:[0-9a-f][:\s-]?){1,50}", re.ASCII | re.IGNORECASE)

# What viewers of certificates put around a serial number for a clipboard to carry along unseen.
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202c\u2060\ufeff"))

_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_NEGATIVE = re.compile(r"-\s*(?:0x)?[0-9a-f][0-9a-f:]*(?: \(-0x[0-9a-f]+\))?", re.ASCII)
_COLONS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})*", re.ASCII)
_SPACED = re.compile(r"[0-9a-f]{2}(?:(?: [0-9a-f]{2})+|(?:-[0-9a-f]{2})+)", re.ASCII)
# How openssl x509 -text prints a serial that fits 64 bits.
_BOTH = re.compile(r"([0-9]+) \(0x([0-9a-f]+)\)", re.ASCII)
# Who writes these names writes hexadecimal: openssl x509 -serial, load balancers (header, log), certtool, people.
_HEX_LABEL = re.compile(
    r"(?:serial\s*=|x-amzn-mtls-clientcert-serial-number\s*:|leaf_client_cert_serial_number\s*[=:]"
    r"|serial number \(hex\)\s*:|hex\s*:)\s*",
    re.ASCII,
)
# A line that holds a serial number and nothing else.
_ALONE = re.compile(rf"(?:{_HEX_LABEL.pattern}|0x)?[0-9a-f]+(?:[: -][0-9a-f]+)*", re.ASCII)
_DECIMAL_LABEL = re.compile(r"(?:decimal|dec)\s*:\s*", re.ASCII)
# What Private CA calls a certificate: its ARN ends in the serial number, in 32 hexadecimal digits (Private CA User
# Guide: audit reports). Samples of its API end in 39 decimal ones, so digits of another number than 32 stay ambiguous.
_ARNS_DIGITS = 32
_CA_ARN = re.compile(
    r"arn:[a-z-]{3,20}:acm-pca:[a-z0-9-]{5,32}:[0-9]{12}:certificate-authority/[a-z0-9-]{1,64}", re.ASCII
)
_CERTIFICATE_ARN = re.compile(rf"({_CA_ARN.pattern})/certificate/([0-9a-f]{{1,50}})", re.ASCII)
_SAID_AFTER = re.compile(r"(.+?)\s*\((hex|dec|decimal)\)", re.ASCII)
# A line of openssl x509 -text; what is longer than 64 bits stands on the lines below, which end in a colon if cut.
_TEXT_LINE = re.compile(
    r"^[ \t]*serial number[ \t]*:[ \t]*"
    r"((?:\n[ \t]*[0-9a-f:]+:[ \t]*(?=\n))*\n[ \t]*[0-9a-f:]+[ \t]*(?=\n|$)|[^\n]*)",
    re.MULTILINE | re.ASCII,
)
# A connection log line's time, address and ports, and its fields 9 and 10; the subject before these may hold anything,
# so the last match counts.
_LOG_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9:.]+z \S+ [0-9]+ [0-9]+ ", re.ASCII)
_LOG_END = re.compile(r" notbefore=[^\s;]+;notafter=\S+ (\S+)(?: .*)?", re.ASCII)

# A print-out's PEM, in lower case.
_PEM = re.compile(r"-----begin certificate-----[^-]*-----end certificate-----")

_WAY_ON = "write it in hexadecimal, as '0x0a1b' or '0a:1b'"


def parse(text: str) -> int:
    """Read one serial number in any notation that says whether its digits are hexadecimal or decimal.

    Raises AmbiguousSerial for two and more digits alone, which may be hexadecimal or decimal, and
    InvalidSerial for anything that is not a serial number of RFC 5280, 4.1.2.2.
    """
    written = _found(text, _cleaned(text))
    _require_text(text, written)
    return _require_range(text, _value(text, written))


def issuer_arn(text: str) -> str | None:
    """Give the ARN of the CA when a serial number is written as a certificate's ARN, which names it."""
    arn = _CERTIFICATE_ARN.fullmatch(_cleaned(text))
    return arn[1] if arn else None


def require_issuer(text: str, certificate_authority_arn: object) -> None:
    """Refuse a certificate's ARN that names another CA than this one, if that is the ARN of one.

    Raises:
        CertificateIssuerMismatch: both are shown.

    """
    named, wanted = issuer_arn(text), str(certificate_authority_arn).lower()
    if named and named != wanted and _CA_ARN.fullmatch(wanted):
        raise CertificateIssuerMismatch(f"a certificate's ARN names the CA {named}, and the request's is {wanted}")


def to_hex(serial: int) -> str:
    """Write a serial number as lower-case colon-separated octets, such as "0a:1b".

    There are two octets at least ("00:10"): it is the colon that says that the digits are hexadecimal.
    """
    if serial <= 0:
        raise InvalidSerial(f"a serial number is positive, this is {serial}")
    return serial.to_bytes(max(2, (serial.bit_length() + 7) // 8), "big").hex(":")


def _cleaned(text: str) -> str:
    """Leave out what a clipboard carries along."""
    cleaned = text[: _MAX_BLOCK + 1].lower().translate(_UNSEEN).strip()
    if len(cleaned) >= 2 and cleaned[0] == cleaned[-1] and cleaned[0] in "\"'":  # noqa: PLR2004 - a pair
        return cleaned[1:-1].strip()
    return cleaned


def _found(text: str, cleaned: str) -> str:
    """Find what is written of the serial in an ARN, a print-out or a log line; anything else is it already."""
    if len(text) > _MAX_BLOCK:
        return text
    if arn := _CERTIFICATE_ARN.fullmatch(cleaned):
        if len(arn[2]) == _ARNS_DIGITS:
            return f"hex:{arn[2]}"
        if not _DIGITS.fullmatch(arn[2]):
            raise InvalidSerial(f"{_shown(text)} ends in {len(arn[2])} digits and not in {_ARNS_DIGITS}: cut off?")
        return arn[2]
    if _LOG_START.match(cleaned):
        if end := _LOG_END.fullmatch(cleaned, max(0, cleaned.rfind(" notbefore="))):
            return f"hex:{end[1]}"
        raise InvalidSerial(f"{_shown(text)} is a line of a connection log and names no client certificate")
    lines = _TEXT_LINE.findall(cleaned)
    beside = _beside(cleaned) if lines else []
    if len(lines) > 1 or beside:
        number = len(lines) + len(beside)
        raise InvalidSerial(f"{_shown(text)} holds {number} serial numbers: give each by itself")
    return re.sub(r"\s*\n\s*", "", lines[0]).strip(" \t\"'") if lines else cleaned


def _beside(cleaned: str) -> list[str]:
    """Give the lines that may be serial numbers too; openssl indents what belongs to its print-out."""
    rest = _PEM.sub("", _TEXT_LINE.sub("", cleaned)).splitlines()
    if "signature algorithm" not in cleaned:
        rest = [line.strip() for line in rest]
    return [line for line in rest if _ALONE.fullmatch(line) or _CERTIFICATE_ARN.fullmatch(line)]


def _value(text: str, written: str) -> int:
    if label := _HEX_LABEL.match(written):
        return _hexadecimal(text, written[label.end() :])
    if label := _DECIMAL_LABEL.match(written):
        return _decimal(text, written[label.end() :])
    if said := _SAID_AFTER.fullmatch(written):
        return (_hexadecimal if said[2] == "hex" else _decimal)(text, said[1])
    if both := _BOTH.fullmatch(written):
        return _agreed(text, both[1], both[2])
    digits = re.sub(r"[ -]", "", written) if _SPACED.fullmatch(written) else written
    if _DIGITS.fullmatch(digits) and int(digits, 16) != int(digits):
        _require_range(text, int(digits))  # what is too long even as decimal is wrong, not ambiguous
        raise AmbiguousSerial(_ambiguity(text, digits))
    return _hexadecimal(text, written)


def _require_text(text: str, written: str) -> None:
    if not written:
        raise InvalidSerial(f"serial number {_shown(text)} is empty: {_WAY_ON}")
    if len(written) > _MAX_TEXT:
        raise InvalidSerial(
            f"serial number {_shown(text)} has {len(text.strip())} characters, "
            f"and at most {limits.MAX_SERIAL_OCTETS} octets"
        )
    bare = _DECIMAL_LABEL.sub("", _HEX_LABEL.sub("", written, 1), 1)
    if bare == "-":
        raise InvalidSerial(f"{_shown(text)} names no client certificate: its serial number is '-'")
    if _NEGATIVE.fullmatch(bare):
        raise InvalidSerial(f"serial number {_shown(text)} is negative, it must be positive (RFC 5280, 4.1.2.2)")


def _hexadecimal(text: str, digits: str) -> int:
    """Read what is known to be hexadecimal."""
    if ":" in digits:
        if not _COLONS.fullmatch(digits):
            raise InvalidSerial(
                f"serial number {_shown(text)} is not made of two hexadecimal digits between colons: {_WAY_ON}"
            )
        return int(digits.replace(":", ""), 16)
    if _SPACED.fullmatch(digits):
        return int(re.sub(r"[ -]", "", digits), 16)
    bare = digits.removeprefix("0x")
    if not _HEX.fullmatch(bare):
        raise InvalidSerial(f"serial number {_shown(text)} is not hexadecimal: {_WAY_ON}")
    return int(bare, 16)


def _decimal(text: str, digits: str) -> int:
    if not _DIGITS.fullmatch(digits):
        raise InvalidSerial(f"serial number {_shown(text)} is said to be decimal and holds other than digits")
    return int(digits)


def _agreed(text: str, decimal: str, hexadecimal: str) -> int:
    if int(decimal) != int(hexadecimal, 16):
        raise InvalidSerial(
            f"serial number {_shown(text)} gives two numbers: decimal {decimal} is 0x{int(decimal):x}, "
            f"not 0x{hexadecimal}"
        )
    return int(decimal)


def _require_range(text: str, serial: int) -> int:
    if serial == 0:
        raise InvalidSerial(f"serial number {_shown(text)} is zero, it must be positive (RFC 5280, 4.1.2.2)")
    if (octets := (serial.bit_length() + 7) // 8) > limits.MAX_SERIAL_OCTETS:
        raise InvalidSerial(
            f"serial number {_shown(text)} has {octets} octets, and at most {limits.MAX_SERIAL_OCTETS} are allowed"
        )
    return serial


def _ambiguity(text: str, digits: str) -> str:
    values = {"hexadecimal": int(digits, 16), "decimal": int(digits)}
    readings = (
        f"as {word} it is {to_hex(value)} (then write 0x{value:x} or {to_hex(value)!r})"
        for word, value in values.items()
    )
    return f"serial number {_shown(text.strip())} can be read in two ways: {', '.join(readings)}"


def _shown(text: str) -> str:
    if len(text) <= _SHORT or _SERIAL_LIKE.fullmatch(text):
        return repr(text)
    if arn := _CERTIFICATE_ARN.fullmatch(text):
        return f"{text[:8]!r}…{arn[2]!r}"
    return f"{text[:8]!r}… ({len(text)} characters)"
