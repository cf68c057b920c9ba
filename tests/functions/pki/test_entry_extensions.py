"""Malformed entries and extensions of entries are refused; any other bytes are read as cryptography reads them."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.errors import CrlMalformed, CrlRefused
from functions.pki import crl, crl_checks
from tests.support import der_crl, pki
from tests.support.der_crl import (
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    entry,
    extension,
    hand_made_crl,
    wrap,
)
from tests.support.pki import crl_pem

CA = pki.certificate_authority()
RSA_CA = pki.certificate_authority(key=pki.rsa_key())
GOOD = hand_made_crl(CA, entries=entry(5))
NULL = extension("1.2.3", b"\5\0")


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
        entry(6, date=DATE, extensions=wrap(SEQUENCE, NULL)),
    ]
)
PLACE = "crlEntryExtensions of entry [16]"
AFTER_OTHERS = pytest.mark.parametrize("before", [b"", USUAL], ids=["", "2nd"])


@AFTER_OTHERS
@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        pytest.param(wrap(SEQUENCE), f"{PLACE} are empty", id="none"),
        pytest.param(wrap(SEQUENCE, NULL, NULL), f"{PLACE} hold the extension 1.2.3 twice", id="one extension twice"),
        pytest.param(der_crl.reason(7), f"{PLACE} hold reason 0x0a0107, ", id="reason 7"),
        pytest.param(der_crl.reason(11), "0x0a010b, unknown", id="reason 11"),
        pytest.param(wrap(SEQUENCE, extension("2.5.29.21", b"\2\1\1")), "0x020101", id="reason of another type"),
        pytest.param(wrap(SEQUENCE, extension("2.5.29.21", b"")), "reason 0x,", id="no reason"),
        pytest.param(wrap(SEQUENCE, extension("2.5.29.21", b"\x0a\2\0\1")), "0x0a020001", id="reason of two octets"),
        pytest.param(wrap(SEQUENCE, extension("2.5.29.21", b"\x0a\1\1\0")), "0x0a010100", id="an octet after it"),
    ],
)
def test_extensions_that_cryptography_reads(before: bytes, extensions: bytes, words: str) -> None:
    """RFC 5280 does not allow them, and AWS-LC, which load balancers use, loads no list with such a reason."""
    with pytest.raises(CrlMalformed, match=words):
        crl.read(hand_made_crl(CA, entries=before + entry(7, extensions=extensions)))


@AFTER_OTHERS
@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(wrap(0x31, entry(5)[2:]), id="not a SEQUENCE"),
        pytest.param(wrap(SEQUENCE), id="empty"),
        pytest.param(wrap(SEQUENCE, wrap(INTEGER, b"\5")), id="no date"),
        pytest.param(wrap(SEQUENCE, DATE), id="no serial"),
        pytest.param(_with_serial(b""), id="serial of no octets"),
        pytest.param(_with_serial(b"\0\5"), id="serial with a leading zero"),
        pytest.param(_with_serial(b"\0\5\x80"), id="serial of three octets with a leading zero"),
        pytest.param(b"\x30\x16\x02\x81\x04" + bytes(4) + DATE, id="serial length not shortest"),
        pytest.param(b"\x30\x12\x02\x7f\x05" + DATE, id="serial longer than its entry"),
        pytest.param(b"\x30\x13" + entry(5)[2:], id="entry longer than the list"),
        pytest.param(b"\x30\x11" + entry(5)[2:], id="entry shorter than its parts"),
        pytest.param(b"\x30\x81\x12" + entry(5)[2:], id="entry length not shortest"),
        pytest.param(b"\x30\x80" + entry(5)[2:] + b"\0\0", id="entry of indefinite length"),
        pytest.param(entry(5) + b"\0", id="a byte after the last entry"),
        pytest.param(entry(5, date=wrap(OCTET_STRING, DATE[2:])), id="date of another type"),
        pytest.param(entry(5, date=DATE + DATE), id="two dates"),
        pytest.param(entry(5, extensions=b"\0"), id="a byte after the date"),
        pytest.param(entry(5, extensions=wrap(0x31, NULL)), id="extensions of another type"),
        pytest.param(_with_extensions(wrap(0x31, NULL[2:])), id="extension of another type"),
        pytest.param(_with_extensions(wrap(SEQUENCE, b"\2\1\1\4\0")), id="no identifier"),
        pytest.param(entry(5, extensions=wrap(SEQUENCE, NULL) * 2), id="extensions twice"),
        pytest.param(_with_extensions(wrap(SEQUENCE)), id="empty extension"),
        pytest.param(_with_extensions(wrap(SEQUENCE, NULL[2:], b"\5\0")), id="extension with more in it"),
        pytest.param(_with_extensions(extension("1.2.3", b"", critical=b"\1\1\0")), id="critical FALSE"),
        pytest.param(_with_extensions(extension("1.2.3", b"", critical=b"\1\1\1")), id="critical not DER"),
        pytest.param(_with_extensions(NULL.replace(b"\x2a\3", b"\x2a\x80")), id="identifier unfinished"),
    ],
)
def test_not_der(before: bytes, encoded: bytes) -> None:
    """A malformed entry is refused, whether it comes first or after well-formed ones."""
    with pytest.raises(CrlMalformed, match="the CRL cannot be read: "):
        crl.read(hand_made_crl(CA, entries=before + encoded))


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        pytest.param(UTC_TIME, b"2401010000Z", id="no seconds"),
        pytest.param(UTC_TIME, b"240101000000", id="no zone"),
        pytest.param(UTC_TIME, b"240101000000+0100", id="another zone"),
        pytest.param(UTC_TIME, b"241301000000Z", id="month 13"),
        pytest.param(UTC_TIME, b"240001000000Z", id="month 0"),
        pytest.param(UTC_TIME, b"230229000000Z", id="no leap year"),
        pytest.param(UTC_TIME, b"240132000000Z", id="day 32"),
        pytest.param(UTC_TIME, b"240101240000Z", id="hour 24"),
        pytest.param(UTC_TIME, b"240101006000Z", id="minute 60"),
        pytest.param(UTC_TIME, b"240101000060Z", id="second 60"),
        pytest.param(UTC_TIME, b"24010100000aZ", id="a letter"),
        pytest.param(UTC_TIME, b"", id="nothing"),
        pytest.param(GENERALIZED_TIME, b"20240101000000.5Z", id="a fraction"),
        pytest.param(GENERALIZED_TIME, b"00000101000000Z", id="year 0"),
        pytest.param(GENERALIZED_TIME, b"21000229000000Z", id="no leap year in 2100"),
    ],
)
def test_malformed_date(tag: int, text: bytes) -> None:
    """A date that is none, or not in the one form of RFC 5280, 5.1.2.6, is refused."""
    with pytest.raises(CrlMalformed):
        crl.read(hand_made_crl(CA, entries=entry(5) + entry(6, date=wrap(tag, text))))


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
