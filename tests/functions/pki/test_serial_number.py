"""Serial numbers: every notation that AWS, openssl and people write is read, and whatever could mislead is refused."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.errors import AmbiguousSerial, InvalidSerial
from functions.pki import serial_number

# Description, text, and the serial number or the name of the error with a part of its message.
NOTATIONS: list[tuple[str, str, str]] = json.loads(
    (Path(__file__).parents[3] / "statemachine" / "serial-numbers.json").read_text()
)
SERIALS = st.integers(min_value=1, max_value=2**160 - 1)
LONGEST = 2**160 - 1


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but a number or a refusal."""
    with suppress(InvalidSerial, AmbiguousSerial):
        assert 0 < serial_number.parse(text) <= LONGEST


def test_written_form() -> None:
    """A serial is written in whole octets, lower case, with colons."""
    assert serial_number.to_hex(0xA1B) == "0a:1b"


def test_small_serial_is_written_with_a_colon() -> None:
    """Even one octet is written with a colon, since "10" could be read as ten."""
    assert serial_number.to_hex(0x10) == "00:10"


def test_digits_alone_are_ambiguous() -> None:
    """Digits alone are refused, and the message shows both readings and how to write each."""
    with pytest.raises(AmbiguousSerial) as refusal:
        serial_number.parse(" 1234 ")
    for part in ("'1234'", "hexadecimal", "12:34", "0x1234", "decimal", "04:d2", "decimal:1234"):
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(text, expected, id=what) for what, text, expected in NOTATIONS]
)
def test_notation(text: str, expected: str) -> None:
    """Each notation is read as the README's table says, or refused with the text in the message, or its length."""
    if re.fullmatch("[0-9a-f:]+", expected):
        assert serial_number.to_hex(serial_number.parse(text)) == expected
        return
    error, words = expected.split(": ", 1)
    with pytest.raises((AmbiguousSerial, InvalidSerial), match=words) as refusal:
        serial_number.parse(text)
    assert type(refusal.value).__name__ == error
    shown = repr(text.strip()[:8])[:-1].strip("'"), f"({len(text):,} characters, not shown)"
    assert any(each in str(refusal.value) for each in shown)
    assert len(str(refusal.value)) < 500


def test_notations_are_at_least_60_and_distinct() -> None:
    """Accepted and refused notations are many, and no two rows are the same."""
    assert len(NOTATIONS) >= 60
    assert len({text for _, text, _ in NOTATIONS}) == len({what for what, _, _ in NOTATIONS}) == len(NOTATIONS)


def test_too_long_text_is_refused_without_parsing() -> None:
    """Five million characters are refused at once."""
    with pytest.raises(InvalidSerial, match="5000000 characters"):
        serial_number.parse("f" * 5_000_000)


def _octets(serial: int) -> str:
    return f"{serial:x}".zfill((serial.bit_length() + 7) // 8 * 2)


def _grouped(serial: int, separator: str) -> str:
    return bytes.fromhex(_octets(serial)).hex(separator)


WRITERS: dict[str, Callable[[int], str]] = {
    "colons": serial_number.to_hex,
    "colons, upper case": lambda serial: serial_number.to_hex(serial).upper(),
    "0x": hex,
    "0x, padded": "0x{:040X}".format,
    "serial=": lambda serial: f"serial={_octets(serial).upper()}",
    "header": lambda serial: f"X-Amzn-Mtls-Clientcert-Serial-Number: {_octets(serial).upper()}",
    "log field": "leaf_client_cert_serial_number={:X}".format,
    "hex:": "hex:{:x}".format,
    "(hex)": "{:X} (hex)".format,
    "decimal:": "decimal:{}".format,
    "(decimal)": "{} (decimal)".format,
    "both": "{0} (0x{0:x})".format,
    "text, short": "Serial Number: {0} (0x{0:x})".format,
    "text, long": lambda serial: (
        f"        Serial Number:\n            {serial_number.to_hex(serial)}\n        Issuer: CN=x"
    ),
    "spaces, marked": lambda serial: f"hex: {_grouped(serial, ' ')}",
    "hyphens, marked": lambda serial: f"serial={_grouped(serial, '-')}",
}


@given(SERIALS, st.sampled_from(sorted(WRITERS)))
@example(1, "spaces, marked")
@example(LONGEST, "text, long")
def test_written_and_read_again(serial: int, notation: str) -> None:
    """Writing then reading is the identity in each notation."""
    assert serial_number.parse(WRITERS[notation](serial)) == serial


@given(st.integers(min_value=1, max_value=2**128 - 1), st.integers(min_value=1, max_value=31))
def test_certificate_arn(serial: int, left: int) -> None:
    """Private CA's name of a certificate ends in 32 digits; a part of it is never read as another serial."""
    ca = "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/0a"
    arn = f"{ca}/certificate/{serial:032x}"
    assert serial_number.parse(arn) == serial
    assert serial_number.issuer_arn(arn) == ca
    with suppress(InvalidSerial, AmbiguousSerial):
        assert serial_number.parse(arn[: left - 32]) < 10


@given(SERIALS, st.sampled_from(["", " ", "-"]), st.booleans())
def test_unmarked_text_is_hexadecimal_or_refused(serial: int, separator: str, upper: bool) -> None:  # noqa: FBT001 - drawn
    """Without a mark, text with a letter is hexadecimal, and digits alone are refused."""
    text = _grouped(serial, separator) if separator else _octets(serial)
    text = text.upper() if upper else text
    if text.isascii() and re.sub(r"[ -]", "", text).isdigit() and serial > 9:
        with pytest.raises(AmbiguousSerial):
            serial_number.parse(text)
    else:
        assert serial_number.parse(text) == serial


@pytest.mark.parametrize("serial", [0, -1])
def test_to_hex_refuses_what_is_not_positive(serial: int) -> None:
    """A number that is not positive has no hexadecimal form."""
    with pytest.raises(InvalidSerial, match=str(serial)):
        serial_number.to_hex(serial)


def test_log_line_without_a_certificate() -> None:
    """A line of a connection without a client certificate holds digits, and no serial number."""
    line = "2026-11-23T03:01:15.514108Z 203.0.113.1 36280 443 TLSv1.3 TLS_AES_128_GCM_SHA256 4.036 - - - - TID_1 - -"
    with pytest.raises(InvalidSerial, match="is a line of a connection log and names no client certificate"):
        serial_number.parse(line)
