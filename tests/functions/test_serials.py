"""Serial numbers: every notation that AWS, openssl and people write is read, and whatever could mislead is refused."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions import serials
from functions.errors import AmbiguousSerial, InvalidSerial

SERIALS = st.integers(min_value=1, max_value=2**160 - 1)
LONGEST = 2**160 - 1


@settings(deadline=None)
@given(SERIALS)
def test_what_is_written_is_read(serial: int) -> None:
    """Reading a written serial gives the same number."""
    assert serials.parse(serials.write(serial)) == serial


@settings(deadline=None)
@given(SERIALS, st.sampled_from(["0x{:x}", "0X{:X}", "0x{:040x}", "  0x{:x}\n"]))
def test_prefixed_notations_are_read(serial: int, notation: str) -> None:
    """A serial with 0x is hexadecimal, in any case, with leading zeros and white space around it."""
    assert serials.parse(notation.format(serial)) == serial


@settings(deadline=None)
@given(SERIALS, st.sampled_from(["a{:x}", "{:x}f", "{:X}B"]))
def test_plain_hexadecimal_is_read(serial: int, notation: str) -> None:
    """A serial without 0x and colons is hexadecimal when a letter says so."""
    text = notation.format(serial >> 8)
    assert serials.parse(text) == int(text, 16)


@settings(deadline=None)
@given(SERIALS)
def test_upper_case_with_colons_is_read(serial: int) -> None:
    """The form that openssl x509 -text shows is read, in any case."""
    assert serials.parse("00:" + serials.write(serial).upper()) == serial


@settings(deadline=None)
@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but a number or a refusal."""
    with suppress(InvalidSerial, AmbiguousSerial):
        assert 0 < serials.parse(text) <= LONGEST


def test_written_form() -> None:
    """A serial is written in whole octets, lower case, with colons."""
    assert serials.write(0xA1B) == "0a:1b"


def test_small_serial_is_written_with_a_colon() -> None:
    """Even one octet is written with a colon, since "10" could be read as ten."""
    assert serials.write(0x10) == "00:10"


def test_single_digit_is_read() -> None:
    """One digit is the same number in both readings, so it is not ambiguous."""
    assert serials.parse("7") == 7


def test_largest_serial_is_read() -> None:
    """Twenty octets with the top bit set are a serial that CAs write."""
    assert serials.parse("ff" * 20) == LONGEST


def test_digits_alone_are_ambiguous() -> None:
    """Digits alone are refused, and the message shows both readings and how to write each."""
    with pytest.raises(AmbiguousSerial) as refusal:
        serials.parse(" 1234 ")
    for part in ("'1234'", "hexadecimal", "12:34", "0x1234", "decimal", "04:d2", "0x4d2"):
        assert part in str(refusal.value)


def test_forty_digits_are_ambiguous() -> None:
    """A serial as the AWS command line prints it is refused too when by chance it has no letter."""
    with pytest.raises(AmbiguousSerial):
        serials.parse("12" * 20)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n", "is empty", id="white space"),
        pytest.param("0x", "not hexadecimal", id="prefix alone"),
        pytest.param("hello", "not hexadecimal", id="a word"),
        pytest.param("0x0x1", "not hexadecimal", id="two prefixes"),
        pytest.param("ab cd", "not hexadecimal", id="inner space"),
        pytest.param("1_0f", "not hexadecimal", id="underscore"),
        pytest.param("+af", "not hexadecimal", id="plus sign"),
        pytest.param("1.5e9", "not hexadecimal", id="number from a spreadsheet"),
        pytest.param("\u0661\u0662a", "not hexadecimal", id="digits of another script"),
        pytest.param("\uff11\uff12", "not hexadecimal", id="full-width digits"),
        pytest.param("a:1b", "between colons", id="group of one digit"),
        pytest.param("0a:", "between colons", id="colon at the end"),
        pytest.param(":0a", "between colons", id="colon at the start"),
        pytest.param("0a::1b", "between colons", id="empty group"),
        pytest.param("0a1b:2c", "between colons", id="group of four"),
        pytest.param("0x0a:1b", "between colons", id="prefix and colons"),
        pytest.param("0", "is zero", id="zero"),
        pytest.param("0x00", "is zero", id="prefixed zero"),
        pytest.param("00:00", "is zero", id="zero with colons"),
        pytest.param("0000", "is zero", id="zeros"),
        pytest.param("-0x5", "is negative", id="negative"),
        pytest.param("-5", "is negative", id="negative digits"),
        pytest.param("0x1" + "0" * 40, "21 octets", id="too large"),
        pytest.param(":".join(["ff"] * 21), "21 octets", id="too large with colons"),
        pytest.param("9" * 50, "21 octets", id="too many digits in both readings"),
        pytest.param("f" * 5_000_000, "5000000 characters", id="absurdly long"),
    ],
)
def test_refused(text: str, words: str) -> None:
    """What is not a serial number of RFC 5280 is refused with the text, cut, in the message."""
    with pytest.raises(InvalidSerial, match=words) as refusal:
        serials.parse(text)
    assert repr(text[:64]) in str(refusal.value)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("serial", [0, -1])
def test_write_refuses_what_is_not_positive(serial: int) -> None:
    """What is not positive is not written."""
    with pytest.raises(InvalidSerial, match=str(serial)):
        serials.write(serial)
