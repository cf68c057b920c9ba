"""Single DER elements: lengths in their shortest form, and the place of each fault."""

import pytest

from functions.errors import CrlMalformed
from functions.pki.der import INTEGER, SEQUENCE, UTC_TIME, Element, element, integer_octets, wrap


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**24])
def test_what_is_written_is_read(length: int) -> None:
    """Lengths on both sides of each form; the header is as short as it can be (X.690, 10.1)."""
    header = 2 if length < 128 else 2 + (length.bit_length() + 7) // 8
    der = wrap(SEQUENCE, bytes(length))
    assert len(der) == header + length
    assert element(der, 0, len(der), "it") == Element(SEQUENCE, 0, header, header + length)


@pytest.mark.parametrize(("value", "octets"), [(0, "00"), (1, "01"), (127, "7f"), (128, "0080"), (0x1234, "1234")])
def test_integers(value: int, octets: str) -> None:
    """The most significant octet comes first, and its top bit is clear (X.690, 8.3)."""
    assert integer_octets(value).hex() == octets


@pytest.mark.parametrize(
    ("der", "fault"),
    [
        (b"\x30", "is missing or cut short at offset 0"),
        (b"\x31\0", "at offset 0 has tag 0x31 instead of 0x02 or 0x17"),
        (b"\x02\x80", "at offset 0 has a indefinite length, which DER forbids"),
        (b"\x02\x81", "at offset 0 has a length that cannot be read"),
        (b"\x02\x85\1\1\1\1\1", "at offset 0 has a length that cannot be read"),
        (b"\x02\x81\x7f" + bytes(127), "at offset 0 has a length that is not in its shortest form, which DER forbids"),
        (
            b"\x02\x82\0\x80" + bytes(128),
            "at offset 0 has a length that is not in its shortest form, which DER forbids",
        ),
        (b"\x02\2\0", "at offset 0 has length 2, which passes the end 3 of what it is part of"),
    ],
)
def test_fault(der: bytes, fault: str) -> None:
    """The message says what is read, where, and what is wrong with it."""
    with pytest.raises(CrlMalformed) as raised:
        element(der, 0, len(der), "what", INTEGER, UTC_TIME)
    assert str(raised.value) == f"what {fault}"
