"""The entries of a CRL: read as cryptography reads them, and one test for each fault."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.errors import CrlMalformed, CrlRefused
from functions.pki import crl, crl_checks
from functions.pki.der import GENERALIZED_TIME, INTEGER, OCTET_STRING, SEQUENCE, UTC_TIME, wrap
from tests.support import der_crl, pki
from tests.support.der_crl import entry, extension, hand_made_crl
from tests.support.pki import crl_pem

CA = pki.certificate_authority()
RSA_CA = pki.certificate_authority(key=pki.rsa_key())
GOOD = hand_made_crl(CA, entries=entry(5))
NULL = extension("1.2.3", b"\5\0")


@pytest.mark.parametrize("octets", [1, 8, 16, 20])
def test_agrees_with_cryptography(octets: int) -> None:
    """On thousands of entries of all shapes the serials and their number are those that cryptography finds."""
    der = der_crl.large_crl(CA, der_crl.random_serials(100 if octets == 1 else 2_000, octets=octets))
    read = crl.read(der)
    expected = [found.serial_number for found in x509.load_der_x509_crl(der)]
    assert (crl.serial_numbers(read), read.number_of_revoked_entries) == (set(expected), len(expected))


def test_entry_of_more_than_127_octets() -> None:
    """An entry whose length needs the long form is read, and so is the usual one after it."""
    long = wrap(SEQUENCE, extension("1.2.3", bytes(200)))
    read = crl.read(hand_made_crl(CA, entries=entry(5, extensions=long) + entry(6)), wanted=[5, 6])
    assert read.held_serials == {5, 6}


def test_generalized_time() -> None:
    """Dates from 2050 on are in another form (RFC 5280, 5.1.2.6)."""
    dates = [der_crl.generalized_time(pki.NOW + timedelta(days=each)) for each in (0, 36_500)]
    der = hand_made_crl(CA, next_update=dates[1], entries=b"".join(entry(5, date=date) for date in dates))
    assert crl.read(der).number_of_revoked_entries == 2


def test_leap_day() -> None:
    """The 29th of February is a date in a leap year."""
    assert crl.read(_with_date(b"240229000000Z")).number_of_revoked_entries == 1


def test_many_different_extensions() -> None:
    """More distinct extensions than the cache holds are parsed correctly."""
    entries = b"".join(
        entry(serial, extensions=wrap(SEQUENCE, extension("1.2.3", serial.to_bytes(2, "big"))))
        for serial in range(1, 1_501)
    )
    assert crl.read(hand_made_crl(CA, entries=entries)).number_of_revoked_entries == 1_500


def _with_date(text: bytes, tag: int = UTC_TIME) -> bytes:
    return hand_made_crl(CA, entries=entry(5, date=wrap(tag, text)))


def _with_serial(content: bytes) -> bytes:
    return wrap(SEQUENCE, wrap(INTEGER, content), der_crl.utc_time(pki.NOW))


def _with_extensions(*encoded: bytes) -> bytes:
    return entry(5, extensions=wrap(SEQUENCE, *encoded))


DATE = der_crl.utc_time(pki.NOW)
WITH_EXTENSION = entry(6, date=DATE, extensions=wrap(SEQUENCE, NULL))
USUAL = b"".join(
    [
        *(entry(serial, date=DATE) for serial in (5, 0x80, 0x8000)),
        entry(6, date=DATE, extensions=der_crl.reason(1)),
        WITH_EXTENSION,
    ]
)
PLACE = "crlEntryExtensions of entry . at offset [0-9]+"


# Each is tried alone, and behind entries of the usual form, whose shape and date the short way of reading has learnt.
@pytest.mark.parametrize("before", [b"", USUAL], ids=["", "2nd"])
@pytest.mark.parametrize(
    ("encoded", "words"),
    [
        pytest.param(wrap(0x31, entry(5)[2:]), "tag 0x31 instead of 0x30", id="not a SEQUENCE"),
        pytest.param(wrap(SEQUENCE), "serial number of entry . is missing", id="empty"),
        pytest.param(wrap(SEQUENCE, wrap(INTEGER, b"\5")), "revocationDate of entry . is missing", id="no date"),
        pytest.param(wrap(SEQUENCE, DATE), "tag 0x17 instead of 0x02", id="no serial"),
        pytest.param(_with_serial(b""), "empty, negative", id="serial of no octets"),
        pytest.param(_with_serial(b"\x80"), "empty, negative", id="negative serial"),
        pytest.param(_with_serial(b"\x80\x80"), "negative", id="negative serial of two octets"),
        pytest.param(_with_serial(b"\0\5"), "not shortest", id="serial with a leading zero"),
        pytest.param(_with_serial(b"\0\5\x80"), "not shortest", id="serial of three octets with a leading zero"),
        pytest.param(b"\x30\x16\x02\x81\x04" + bytes(4) + DATE, "shortest form", id="serial length not shortest"),
        pytest.param(b"\x30\x12\x02\x7f\x05" + DATE, "passes the end", id="serial longer than its entry"),
        pytest.param(b"\x30\x13" + entry(5)[2:], "passes the end", id="entry longer than the list"),
        pytest.param(WITH_EXTENSION[:-1], "passes the end", id="usual entry longer than the list"),
        pytest.param(b"\x30\x11" + entry(5)[2:], "passes the end", id="entry shorter than its parts"),
        pytest.param(b"\x30\x81\x12" + entry(5)[2:], "shortest form", id="entry length not shortest"),
        pytest.param(b"\x30\x80" + entry(5)[2:] + b"\0\0", "indefinite length", id="entry of indefinite length"),
        pytest.param(entry(5) + b"\0", "entry . is missing or cut", id="a byte after the last entry"),
        pytest.param(entry(5, date=wrap(OCTET_STRING, DATE[2:])), "tag 0x04", id="date of another type"),
        pytest.param(entry(5, date=DATE + DATE), "crlEntryExtensions of entry", id="two dates"),
        pytest.param(entry(5, extensions=b"\0"), "crlEntryExtensions of entry", id="a byte after the date"),
        pytest.param(entry(5, extensions=wrap(0x31, NULL)), f"{PLACE} has tag 0x31", id="extensions of another type"),
        pytest.param(_with_extensions(wrap(0x31, NULL[2:])), f"{PLACE} has tag 0x31", id="extension of another type"),
        pytest.param(_with_extensions(wrap(SEQUENCE, b"\2\1\1\4\0")), f"{PLACE} has tag 0x02", id="no identifier"),
        pytest.param(_with_extensions(), "are empty", id="no extensions"),
        pytest.param(entry(5, extensions=wrap(SEQUENCE, NULL) * 2), "end where the entry ends", id="extensions twice"),
        pytest.param(_with_extensions(NULL, NULL), "one extension twice", id="one extension twice"),
        pytest.param(_with_extensions(wrap(SEQUENCE)), "missing", id="empty extension"),
        pytest.param(_with_extensions(wrap(SEQUENCE, NULL[2:], b"\5\0")), "malformed", id="extension with more in it"),
        pytest.param(
            _with_extensions(extension("1.2.3", b"", critical=b"\1\1\0")), f"{PLACE} has tag 0x01", id="critical FALSE"
        ),
        pytest.param(_with_extensions(extension("1.2.3", b"", critical=b"\1\1\1")), "tag 0x01", id="critical not DER"),
        pytest.param(_with_extensions(NULL.replace(b"\x2a\3", b"\x2a\x80")), "malformed", id="identifier unfinished"),
        pytest.param(der_crl.entry(5, extensions=der_crl.reason(7)), f"{PLACE} hold reason 0x0a0107, ", id="reason 7"),
        pytest.param(der_crl.entry(5, extensions=der_crl.reason(11)), "0x0a010b, unknown", id="reason 11"),
        pytest.param(_with_extensions(extension("2.5.29.21", b"\2\1\1")), "0x020101", id="reason of another type"),
        pytest.param(_with_extensions(extension("2.5.29.21", b"")), "reason 0x,", id="no reason"),
    ],
)
def test_malformed_entry(before: bytes, encoded: bytes, words: str) -> None:
    """A malformed entry is refused, whether it comes first or after well-formed ones."""
    with pytest.raises(CrlMalformed, match=words):
        crl.read(hand_made_crl(CA, entries=before + encoded))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"2401010000Z", id="no seconds"),
        pytest.param(b"240101000000", id="no zone"),
        pytest.param(b"240101000000+0100", id="another zone"),
        pytest.param(b"241301000000Z", id="month 13"),
        pytest.param(b"240001000000Z", id="month 0"),
        pytest.param(b"230229000000Z", id="no leap year"),
        pytest.param(b"240132000000Z", id="day 32"),
        pytest.param(b"240101240000Z", id="hour 24"),
        pytest.param(b"240101006000Z", id="minute 60"),
        pytest.param(b"240101000060Z", id="second 60"),
        pytest.param(b"24010100000aZ", id="a letter"),
        pytest.param(b"241301123456Z", id="month 13, at a known time"),
        pytest.param(b"240101243456Z", id="hour 24 of a known day"),
        pytest.param(b"240101126056Z", id="minute 60 of a known hour"),
        pytest.param(b"", id="nothing"),
    ],
)
@pytest.mark.parametrize("before", [b"", entry(5, date=wrap(UTC_TIME, b"240101123456Z"))], ids=["", "2nd"])
def test_malformed_date(before: bytes, text: bytes) -> None:
    """A date that is none, or not in the one form of RFC 5280, is refused."""
    with pytest.raises(CrlMalformed, match="revocationDate of entry"):
        crl.read(hand_made_crl(CA, entries=before + entry(6, date=wrap(UTC_TIME, text))))


@pytest.mark.parametrize("text", [b"20240101000000.5Z", b"00000101000000Z", b"21000229000000Z"])
def test_malformed_generalized_date(text: bytes) -> None:
    """The longer form has no fractions, no year 0, and knows which centuries are leap years."""
    with pytest.raises(CrlMalformed, match="revocationDate of entry 1"):
        crl.read(_with_date(text, GENERALIZED_TIME))


SAMPLES = [
    hand_made_crl(
        CA,
        entries=entry(5)
        + entry(2**127 + 7, extensions=der_crl.reason(1))
        + entry(2**127 + 8, extensions=der_crl.reason(1))
        + entry(9, date=der_crl.generalized_time(pki.NOW))
        + entry(0x80, extensions=wrap(SEQUENCE, NULL, extension("2.5.29.29", b"\x30\0", critical=b"\1\1\xff"))),
    ),
    RSA_CA.crl(
        [5, 6],
        rsa_padding=padding.PSS(padding.MGF1(pki.SHA256), 32),
        extensions=[(x509.DeltaCRLIndicator(3), True)],
    ),
    crl_pem(GOOD),
]
CHANGES = st.lists(st.tuples(st.integers(0, 700), st.integers(0, 2), st.binary(max_size=3)), min_size=1, max_size=3)


# cryptography warns of names and times that it reads although they are wrong.
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400, suppress_health_check=[HealthCheck.differing_executors])
@given(st.sampled_from(SAMPLES), CHANGES)
@example(SAMPLES[0], [(0, 0, b"")])
def test_any_bytes_are_read_or_refused(sample: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    """Changed bytes are refused, or read as cryptography reads them and not taken as issued by any CA."""
    changed = bytearray(sample)
    for at, removed, inserted in changes:
        changed[at : at + removed] = inserted
    try:
        read = crl.read(bytes(changed), wanted=[5, 7])
    except CrlRefused:
        return
    serials = [found.serial_number for found in x509.load_der_x509_crl(read.der)]
    assert (read.number_of_revoked_entries, crl.serial_numbers(read)) == (len(serials), set(serials))
    assert read.held_serials == {5, 7} & set(serials)
    if bytes(changed) != sample and read.der != GOOD:
        assert not crl_checks.is_issued_by(read, CA.certificate)
        assert not crl_checks.is_issued_by(read, RSA_CA.certificate)
