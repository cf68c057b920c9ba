"""Names are equal or not as in OpenSSL; test_bundle_checks.py asks openssl itself."""

from types import SimpleNamespace

import pytest
from cryptography import x509

from functions.pki import names
from functions.pki.certificate_list import content, end_of
from tests.functions.pki.agreement.variants import (
    BMP,
    NUMERIC,
    PRINTABLE,
    ROOT,
    TELETEX,
    UTF8,
    Variant,
    certificate,
    common_name,
)
from tests.support import pki

CA = pki.certificate_authority(under=pki.certificate_authority("Example Root"))


def test_names_of_a_certificate() -> None:
    """Subject and issuer are found where the certificate has them."""
    assert names.subject(CA.certificate) == CA.certificate.subject.public_bytes()
    assert names.issuer(CA.certificate) == CA.certificate.issuer.public_bytes() != names.subject(CA.certificate)


def test_names_of_a_certificate_of_version_1() -> None:
    """Without a version, a certificate begins with its serial number."""
    first = certificate(Variant(ca_issuer=ROOT).ca)
    tbs = first.tbs_certificate_bytes
    at, _ = content(tbs, 0)
    version_1 = SimpleNamespace(tbs_certificate_bytes=tbs[:at] + tbs[end_of(tbs, at) :])
    assert names.issuer(version_1) == ROOT  # type: ignore[arg-type]
    assert names.subject(version_1) == Variant().subject  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "equal", "only_form"),
    [
        (common_name("CA"), common_name("ca"), True, False),
        (common_name("Ä"), common_name("ä"), False, True),
        (common_name("CA"), common_name("\uff23\uff21"), False, True),
        (common_name("CA"), common_name("CB"), False, False),
        (common_name("1", NUMERIC), common_name("1", PRINTABLE), False, True),
        (common_name(b"\xff\xfe\xfd"), common_name(b"\xff\xfe\xfd"), True, False),
        (common_name(b"\xff A", UTF8), common_name(b"\xff a", UTF8), False, True),
        (common_name(b"\0A\0b", BMP), common_name("aB"), True, False),
    ],
)
def test_equality(one: bytes, other: bytes, *, equal: bool, only_form: bool) -> None:
    """ASCII letters may differ in case, blanks in number, and text in its type; what is not text, in nothing."""
    assert (names.are_equal(one, other), names.differ_only_in_form(one, other)) == (equal, only_form)


def test_name_of_cryptography() -> None:
    """A name that cryptography encodes is the same name."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "example  org"), *pki.name("x").rdns[1]])
    assert names.are_equal(name.public_bytes(), common_name("X"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (common_name("CA"), "CN=CA,O=Example Org"),
        (common_name("Zürich CA".encode("latin-1"), TELETEX), "CN=Zürich CA,O=Example Org"),
        (common_name(' a,b+c"d\\e;<f>\0 '), 'CN=\\ a\\,b\\+c\\"d\\\\e\\;\\<f\\>\\00\\ ,O=Example Org'),
        (common_name("#1"), "CN=\\#1,O=Example Org"),
        (common_name(b"\xff", UTF8), "CN=\ufffd,O=Example Org"),
        (common_name("42", NUMERIC), "CN=42,O=Example Org"),
        (common_name(b"\0a", 0x03), "CN=#03020061,O=Example Org"),
        (common_name("x" * 300), "CN=" + "x" * 197),
        (b"\x30\0", ""),
    ],
)
def test_text(name: bytes, text: str) -> None:
    """A name is written as RFC 4514 says, whatever its values are, and not longer than messages allow."""
    assert names.text(name) == text


def test_text_is_that_of_cryptography() -> None:
    """It is the same where cryptography can decode the name."""
    assert names.text(names.subject(CA.certificate)) == CA.certificate.subject.rfc4514_string()
