"""The parts of a CertificateList are where cryptography reads them."""

from datetime import timedelta

import pytest
from cryptography import x509

from functions.errors import CrlMalformed
from functions.pki import crl
from functions.pki.certificate_list import element, integer_octets, outline, walk
from tests.support import der_crl, pki
from tests.support.der_crl import BIT_STRING, INTEGER, SEQUENCE, V2, entry, extension, hand_made_crl, wrap

CA = pki.certificate_authority()
ALGORITHM = wrap(SEQUENCE, bytes.fromhex("06082a8648ce3d040302"))
NAME = pki.name("CA").public_bytes()
TIME = der_crl.utc_time(pki.NOW)
LATER = der_crl.generalized_time(pki.NOW)


def certificate_list(*parts: bytes) -> bytes:
    """Return a list with these parts and an empty signature."""
    return wrap(SEQUENCE, wrap(SEQUENCE, *parts), ALGORITHM, wrap(BIT_STRING, b"\0"))


@pytest.mark.parametrize("version", [b"", V2])
@pytest.mark.parametrize("next_update", [b"", TIME, LATER])
@pytest.mark.parametrize("entries", [b"", entry(5) + entry(6)])
@pytest.mark.parametrize("extensions", [b"", wrap(0xA0, wrap(SEQUENCE, extension("1.2.3", b"")))])
def test_optional_parts(version: bytes, next_update: bytes, entries: bytes, extensions: bytes) -> None:
    """Each optional part may be there or not; the signed bytes and the entries are found all the same."""
    revoked = wrap(SEQUENCE, entries) if entries else b""
    der = certificate_list(version, ALGORITHM, NAME, TIME, next_update, revoked, extensions)
    parts = outline(der)
    assert (parts.version, der[parts.entries]) == (2 if version else 1, entries)
    assert der[parts.tbs] == x509.load_der_x509_crl(der).tbs_certlist_bytes


def test_signature_that_does_not_end_with_an_octet() -> None:
    """The bits are those of the good signature, and cryptography verifies it; OpenSSL refuses it."""
    der = next(der for der in iter(lambda: CA.crl([5]), b"") if der[-1] & 1 == 0)
    signature = x509.load_der_x509_crl(der).signature
    at = der.rindex(signature) - 1
    with pytest.raises(CrlMalformed, match=f"signature at offset {at} leaves 1 bits of its last octet unused"):
        crl.read(der[:at] + b"\1" + signature)


@pytest.mark.parametrize("octets", [1, 8, 16, 20, 130])
def test_agrees_with_cryptography(octets: int) -> None:
    """On thousands of entries of all shapes the serials and their number are those that cryptography finds."""
    der = der_crl.large_crl(CA, der_crl.random_serials(100 if octets == 1 else 2_000, octets=octets))
    read = crl.read(der)
    expected = [found.serial_number for found in x509.load_der_x509_crl(der)]
    assert (crl.serial_numbers(read), read.number_of_revoked_entries) == (set(expected), len(expected))


def test_entry_of_more_than_127_octets() -> None:
    """An entry whose length needs the long form is read, and so is the usual one after it."""
    long = wrap(SEQUENCE, extension("1.2.3", bytes(200)))
    first, second = entry(5, extensions=long), entry(6)
    found = list(walk(first + second, slice(0, len(first + second))))
    assert found == [(0, b"\5", long), (len(first), b"\6", b"")]
    assert [element(first + second, at) for at, _, _ in found] == [first, second]


def test_generalized_time() -> None:
    """Dates from 2050 on are in another form (RFC 5280, 5.1.2.6)."""
    dates = [der_crl.generalized_time(pki.NOW + timedelta(days=each)) for each in (0, 36_500)]
    der = hand_made_crl(CA, next_update=dates[1], entries=b"".join(entry(5, date=date) for date in dates))
    assert crl.serial_numbers(crl.read(der)) == {5}


@pytest.mark.parametrize("content", [b"\x80", b"\x80\x80"])
@pytest.mark.parametrize("before", [b"", entry(5)])
def test_negative_serial(before: bytes, content: bytes) -> None:
    """A serial number is positive (RFC 5280, 4.1.2.2)."""
    negative = wrap(SEQUENCE, wrap(INTEGER, content), TIME)
    with pytest.raises(CrlMalformed, match=r"serial number at offset \d+ is negative"):
        crl.read(hand_made_crl(CA, entries=before + negative))


@pytest.mark.parametrize(("value", "octets"), [(0, "00"), (1, "01"), (127, "7f"), (128, "0080"), (0x1234, "1234")])
def test_integers(value: int, octets: str) -> None:
    """The most significant octet comes first, and its top bit is clear (X.690, 8.3)."""
    assert integer_octets(value).hex() == octets
