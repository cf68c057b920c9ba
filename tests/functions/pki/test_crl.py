"""Reading a CRL: its fields, and one test for each fault of structure."""

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from functions import limits
from functions.errors import CrlMalformed, CrlTooLarge, CrlVersionUnsupported
from functions.pki import crl, names
from functions.pki.crl_pem import pem_size
from tests.support import der_crl, pki
from tests.support.der_crl import INTEGER, SEQUENCE, UTC_TIME, entry, extension, hand_made_crl, wrap
from tests.support.pki import crl_pem

CA = pki.certificate_authority()


def test_fields_of_a_crl() -> None:
    """The fields of a CRL are read, and its hash is that of the DER."""
    der = CA.crl([5, 2**158 + 1], number=1_700_000_000_000)
    read = crl.read(der)
    assert (read.version, read.crl_number, read.number_of_revoked_entries) == (2, 1_700_000_000_000, 2)
    assert (read.issuer_der, read.authority_key_identifier) == (names.subject(CA.certificate), CA.key_identifier)
    assert (read.this_update, read.next_update) == (pki.NOW - pki.HOUR, pki.NOW + 7 * pki.DAY)
    assert (read.der, read.sha256, read.partial, read.critical) == (der, hashlib.sha256(der).hexdigest(), None, None)


def test_pem_is_read_as_der() -> None:
    """The two forms of one CRL are the same CRL."""
    der = CA.crl([5])
    assert (crl.read(crl_pem(der)).der, crl.read(crl_pem(der)).sha256) == (der, crl.read(der).sha256)


def test_held_serials_are_the_wanted_ones_in_it() -> None:
    """Of the wanted serials those in the CRL are held, as whole numbers and not as parts of others."""
    read = crl.read(CA.crl([0x05, 0xC8, 0x1234, 2**158 + 1]), wanted=[0xC8, 0x12, 0x34, 2**158 + 1, 2**158])
    assert read.held_serials == {0xC8, 2**158 + 1}


def test_serial_numbers() -> None:
    """All serials are returned, each once."""
    assert crl.serial_numbers(crl.read(CA.crl([5, 200, 2**100]))) == {5, 200, 2**100}


def test_longest_number() -> None:
    """A CRL number may have 20 octets (RFC 5280, 5.2.3)."""
    assert crl.read(hand_made_crl(CA, number=2**160 - 1)).crl_number == 2**160 - 1


def test_no_entries() -> None:
    """A CRL without entries holds nothing."""
    read = crl.read(CA.crl(), wanted=[5])
    assert (read.number_of_revoked_entries, read.held_serials, crl.serial_numbers(read)) == (0, frozenset(), set())


def test_entries_up_to_the_limit() -> None:
    """The limit itself is allowed."""
    assert crl.read(CA.crl([5, 6, 7]), max_entries=3).number_of_revoked_entries == 3


def test_too_many_entries() -> None:
    """A CRL with more entries than a trust store accepts is refused."""
    with pytest.raises(CrlTooLarge, match="holds 4 entries, more than the limit of 3"):
        crl.read(CA.crl([5, 6, 7, 8]), max_entries=3)


def test_too_many_bytes() -> None:
    """A file above the service's limit is refused before it is read."""
    with pytest.raises(CrlTooLarge, match="52,428,801 bytes as file"):
        crl.read(bytes(limits.MAX_CRL_BYTES + 1))


def test_too_many_bytes_as_pem() -> None:
    """The limit is one of the PEM, which is a third larger than the DER."""
    size = limits.MAX_CRL_BYTES * 3 // 4
    with pytest.raises(CrlTooLarge, match=f"{pem_size(size):,} bytes as PEM, and a trust store takes 52,428,800"):
        crl.read(bytes(size))


GOOD = hand_made_crl(CA, entries=entry(5))


@pytest.mark.parametrize(
    ("der", "words"),
    [
        pytest.param(b"hello, world", "tag 0x68 instead of 0x30", id="text"),
        pytest.param(b"\xef\xbb\xbf" + crl_pem(GOOD), "tag 0xef instead of 0x30", id="PEM with a byte order mark"),
        pytest.param(b"My CRL:\n" + crl_pem(GOOD), "tag 0x4d instead of 0x30", id="PEM after other text"),
        pytest.param(b"My CRL:\n" + crl_pem(GOOD), "openssl crl -in FILE -out NEW writes", id="how to fix it"),
        pytest.param(b"hello, world", "nor PEM, which begins with -----BEGIN X509 CRL-----", id="no form"),
        pytest.param(CA.certificate_pem, "is a CERTIFICATE, and not an X509 CRL", id="a certificate as PEM"),
        pytest.param(hand_made_crl(CA, revoked=wrap(SEQUENCE)), "5.1.2.6", id="empty revokedCertificates"),
        pytest.param(
            hand_made_crl(CA, extensions=der_crl.crl_extensions(CA, 1, extension("2.5.29.20", b"\2\1\2"))),
            "Duplicate",
            id="two CRL numbers",
        ),
        pytest.param(
            hand_made_crl(CA, outer_algorithm=wrap(SEQUENCE, bytes.fromhex("06082a8648ce3d040304"))),
            "algorithms do not match",
            id="two signature algorithms",
        ),
        pytest.param(
            hand_made_crl(CA, number=2**160),
            "161 bits, at most 20 octets are allowed$",
            id="CRL number of more than 20 octets",
        ),
    ],
)
def test_malformed(der: bytes, words: str) -> None:
    """A fault that a CA's administrator can put right is named."""
    with pytest.raises(CrlMalformed, match=words):
        crl.read(der)


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(GOOD[:-1], id="cut short"),
        pytest.param(GOOD + b"\n", id="a byte more"),
        pytest.param(GOOD + GOOD, id="two CRLs"),
        pytest.param(b"\x30\x80" + GOOD + b"\0\0", id="indefinite length"),
        pytest.param(b"\x30\x83\0" + GOOD[2:], id="length with leading zero"),
        pytest.param(b"\x30\x81\x05" + b"\x30\x03\x02\x01\x01", id="long form of a short length"),
        pytest.param(b"\x30\x85\0\0\0\0\x05", id="length of five octets"),
        pytest.param(b"\x30\x84\0", id="length cut short"),
        pytest.param(b"\x30\xff" + bytes(200), id="length of 127 octets"),
        pytest.param(wrap(SEQUENCE), id="empty"),
        pytest.param(wrap(SEQUENCE, wrap(SEQUENCE)), id="no algorithm"),
        pytest.param(wrap(SEQUENCE, wrap(SEQUENCE), wrap(SEQUENCE)), id="no signature"),
        pytest.param(wrap(SEQUENCE, GOOD[3:], b"\5\0"), id="a part too many"),
        pytest.param(wrap(SEQUENCE, wrap(SEQUENCE), wrap(SEQUENCE), b"\x03\x02\x01\0"), id="signature in bits"),
        pytest.param(wrap(SEQUENCE, wrap(SEQUENCE), wrap(SEQUENCE), b"\x03\x01\0"), id="empty tbsCertList"),
        pytest.param(CA.certificate.public_bytes(Encoding.DER), id="a certificate"),
        pytest.param(hand_made_crl(CA, this_update=b"", next_update=b""), id="no time"),
        pytest.param(hand_made_crl(CA, this_update=wrap(UTC_TIME, b"now")), id="thisUpdate not a time"),
        pytest.param(hand_made_crl(CA, revoked=wrap(INTEGER, b"\5")), id="another part there"),
        pytest.param(hand_made_crl(CA, extensions=wrap(0xA0, wrap(SEQUENCE)) * 2), id="part at the end"),
        pytest.param(hand_made_crl(CA, extensions=wrap(0xA0, b"")), id="no crlExtensions"),
        pytest.param(
            hand_made_crl(CA, extensions=wrap(0xA0, wrap(SEQUENCE, extension("2.5.29.20", b"\5\0")))),
            id="CRL number not a number",
        ),
        pytest.param(hand_made_crl(CA, version=wrap(INTEGER, b"\1\0")), id="version of two octets"),
        pytest.param(hand_made_crl(CA, version=wrap(INTEGER, b"")), id="version of no octets"),
    ],
)
def test_not_der(der: bytes) -> None:
    """Bytes that are not exactly one CertificateList in DER are refused, with cryptography's words."""
    with pytest.raises(CrlMalformed, match="the CRL cannot be read: "):
        crl.read(der)


@pytest.mark.parametrize("version", [0, 2])
def test_version_out_of_range(version: int) -> None:
    """A version field that says anything but 2 is refused (RFC 5280, 5.1.2.1)."""
    with pytest.raises(CrlVersionUnsupported, match=f"{version} is not a valid CRL version"):
        crl.read(hand_made_crl(CA, version=wrap(INTEGER, bytes((version,)))))
