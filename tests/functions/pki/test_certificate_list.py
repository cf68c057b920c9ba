"""The parts of a CertificateList: each is found, and named where it is not what it must be."""

import pytest

from functions.errors import CrlMalformed
from functions.pki.certificate_list import outline
from functions.pki.der import BIT_STRING, OCTET_STRING, SEQUENCE, wrap
from tests.support import der_crl, pki
from tests.support.der_crl import V2, entry

ALGORITHM = wrap(SEQUENCE, bytes.fromhex("06082a8648ce3d040302"))
NAME = pki.name("CA").public_bytes()
TIME, NULL = der_crl.utc_time(pki.NOW), b"\5\0"
SET = 0x31
SIGNATURE = wrap(BIT_STRING, b"\0")


def certificate_list(*parts: bytes) -> bytes:
    """Return a list with these parts and an empty signature."""
    return wrap(SEQUENCE, wrap(SEQUENCE, *parts), ALGORITHM, SIGNATURE)


@pytest.mark.parametrize(
    ("der", "fault"),
    [
        (wrap(SET), "CertificateList at offset 0 has tag 0x31 instead of 0x30"),
        (wrap(SEQUENCE, wrap(SET)), "tbsCertList at offset 2 has tag 0x31 instead of 0x30"),
        (wrap(SEQUENCE, wrap(SEQUENCE), wrap(SET)), "signatureAlgorithm at offset 4 has tag 0x31 instead of 0x30"),
        (
            wrap(SEQUENCE, wrap(SEQUENCE), wrap(SEQUENCE), wrap(OCTET_STRING, b"\0")),
            "signatureValue at offset 6 has tag 0x04 instead of 0x03",
        ),
        (certificate_list(NULL), "version or signature at offset 4 has tag 0x05 instead of 0x02 or 0x30"),
        (certificate_list(V2, NULL), "signature at offset 7 has tag 0x05 instead of 0x30"),
        (certificate_list(V2, ALGORITHM, NULL), "issuer at offset 19 has tag 0x05 instead of 0x30"),
        (certificate_list(V2, ALGORITHM, NAME, NULL), "thisUpdate at offset 52 has tag 0x05 instead of 0x17 or 0x18"),
        (
            certificate_list(V2, ALGORITHM, NAME, TIME, b"\x17\x7f"),
            "nextUpdate at offset 67 has length 127, which passes the end 69 of what it is part of",
        ),
        (
            certificate_list(V2, ALGORITHM, NAME, TIME, TIME, b"\x30\x7f"),
            "revokedCertificates at offset 82 has length 127, which passes the end 84 of what it is part of",
        ),
        (
            certificate_list(V2, ALGORITHM, NAME, TIME, TIME, wrap(SEQUENCE, entry(5)), NULL),
            "crlExtensions at offset 104 has tag 0x05 instead of 0xa0",
        ),
        (
            certificate_list(V2, ALGORITHM, NAME, TIME, TIME, wrap(0xA0), NULL),
            "2 bytes follow crlExtensions at offset 84",
        ),
    ],
)
def test_part_that_is_something_else(der: bytes, fault: str) -> None:
    """Each part is named as RFC 5280, 5.1 names it."""
    with pytest.raises(CrlMalformed) as raised:
        outline(der)
    assert str(raised.value) == fault


def test_two_algorithms() -> None:
    """The one that is signed must be the one that is used."""
    with pytest.raises(CrlMalformed) as raised:
        outline(certificate_list(V2, wrap(SEQUENCE), NAME, TIME))
    different = "signature at offset 7 and signatureAlgorithm at offset 57 are two different algorithms"
    assert str(raised.value) == f"{different} (RFC 5280, 5.1.1.2)"


@pytest.mark.parametrize("this_update", [TIME, der_crl.generalized_time(pki.NOW)])
def test_shortest_list(this_update: bytes) -> None:
    """Version 1 without any optional part; the time may be in either form."""
    der = certificate_list(ALGORITHM, NAME, this_update)
    parts = outline(der)
    assert (parts.version, der[parts.entries], parts.stub) == (1, b"", der)


def test_entries_are_left_out_of_the_stub() -> None:
    """All else stays, byte for byte."""
    before, after = (V2, ALGORITHM, NAME, TIME, TIME), wrap(0xA0, wrap(SEQUENCE))
    der = certificate_list(*before, wrap(SEQUENCE, entry(5), entry(6)), after)
    parts = outline(der)
    assert (parts.version, der[parts.entries]) == (2, entry(5) + entry(6))
    assert der[parts.tbs] == wrap(SEQUENCE, *before, wrap(SEQUENCE, entry(5), entry(6)), after)
    assert parts.stub == certificate_list(*before, after)
