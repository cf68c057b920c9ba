"""Certificates in an input: PEM or DER, several to a file, and nothing of a private key is ever shown."""

import base64
import json
import subprocess
import textwrap
import urllib.parse
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from functions import limits
from functions.errors import CertificateExpired, CertificateIssuerMismatch, InvalidCertificate, PrivateKeyGiven
from functions.pki import certificate_extensions, certificates
from functions.pki.certificate_list import integer_octets
from tests.support import pki
from tests.support.der_crl import INTEGER, wrap
from tests.support.pki import DAY, NOW

ROOT = pki.certificate_authority("Root")
CA = pki.certificate_authority("Issuing CA", under=ROOT)
ONE, TWO = CA.issue("one"), CA.issue("two")
DER = ONE.certificate.public_bytes(Encoding.DER)
PEM = ONE.certificate_pem
# "URL-encoded PEM format, with +=/ as safe characters" (aws: application/mutual-authentication).
HEADER = urllib.parse.quote(PEM, safe="+=/").encode()


def _openssl(command: str, given: bytes) -> bytes:
    return subprocess.run(["openssl", *command.split()], input=given, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("data", "serials"),
    [
        pytest.param(PEM, [ONE.serial], id="PEM"),
        pytest.param(DER, [ONE.serial], id="DER"),
        pytest.param(base64.b64encode(DER), [ONE.serial], id="base64 of DER"),
        pytest.param(base64.encodebytes(DER), [ONE.serial], id="base64 of DER, in lines"),
        pytest.param(PEM + TWO.certificate_pem, [ONE.serial, TWO.serial], id="two in a file"),
        pytest.param(PEM.replace(b"\n", b"\r\n"), [ONE.serial], id="Windows line ends"),
        pytest.param(b"subject=CN=one\n" + PEM + b"more\n", [ONE.serial], id="text around it"),
        pytest.param(PEM.replace(b"CERTIFICATE", b"X509 CERTIFICATE"), [ONE.serial], id="OpenSSL's old label"),
        pytest.param(HEADER, [ONE.serial], id="X-Amzn-Mtls-Clientcert-Leaf"),
        pytest.param(b"X-Amzn-Mtls-Clientcert: " + HEADER * 2, [ONE.serial] * 2, id="a chain's header, with its name"),
        pytest.param(
            PEM + _openssl("crl", CA.crl([5])) + _openssl("x509 -pubkey -noout", PEM),
            [ONE.serial],
            id="CRL and key beside",
        ),
        pytest.param(json.dumps({"Certificate": PEM.decode()}).encode(), [ONE.serial], id="as GetCertificate answers"),
    ],
)
def test_read(data: bytes, serials: list[int]) -> None:
    """Every certificate of a file is read, in its order."""
    assert [each.serial_number for each in certificates.read(data, "it")] == serials


def test_pem_inside_a_certificate_is_a_part_of_it() -> None:
    """Whatever its owner had written into it, DER is one certificate."""
    name = x509.UniformResourceIdentifier(PEM.decode())
    der = CA.issue("three", serial=0xDD04, names=[name]).certificate.public_bytes(Encoding.DER)
    assert PEM in der
    assert [each.serial_number for each in certificates.read(der, "it")] == [0xDD04]


def test_what_openssl_writes(tmp_path: Path) -> None:
    """A file with openssl's print-out before the PEM is read, and so is its DER."""
    (tmp_path / "c.pem").write_bytes(PEM)
    for form in (["-text"], ["-outform", "DER"]):
        run = subprocess.run(["openssl", "x509", "-in", tmp_path / "c.pem", *form], check=True, capture_output=True)
        assert [each.serial_number for each in certificates.read(run.stdout, "it")] == [ONE.serial]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "it is empty", id="nothing"),
        pytest.param(b"\x30\x82\x01\x00\x02\x01\x03\x30", "PKCS #12", id="PKCS #12"),
        pytest.param(b"hello", "not a readable X.509 certificate", id="a word"),
        pytest.param(DER[:-1], "not a readable X.509 certificate", id="cut DER"),
        pytest.param(DER + b"\0", "not a readable X.509 certificate", id="DER and more"),
        pytest.param(PEM[:-30], "cut off", id="cut PEM"),
        pytest.param(PEM + PEM[:100], "cut off", id="a second one cut"),
        pytest.param(HEADER[:-60], "cut off", id="a cut header"),
        *(
            pytest.param(text, "may hold more than the 1 that can be read", id=f"beside one, {what}")
            for what, text in {
                "OpenSSL's trusted": PEM + _openssl("x509 -trustout -addtrust clientAuth", TWO.certificate_pem),
                "PKCS #7": PEM + _openssl("crl2pkcs7 -nocrl -certfile /dev/stdin", TWO.certificate_pem),
                "DER": PEM + TWO.certificate.public_bytes(Encoding.DER),
                "base64": PEM + b"\n".join(TWO.certificate_pem.splitlines()[1:-1]),
                "base64 in short lines": PEM + textwrap.fill(base64.b64encode(DER).decode(), 48).encode(),
                "a plus for a space": PEM + urllib.parse.quote_plus(TWO.certificate_pem, safe="/=").encode(),
                "JSON's escapes": PEM + TWO.certificate_pem.replace(b" ", rb"\u0020"),
                "a hyphen lost": PEM + TWO.certificate_pem.replace(b"-----", b"----"),
                "lower case": PEM + TWO.certificate_pem.replace(b"BEGIN CERT", b"begin cert"),
                "its head cut off": TWO.certificate_pem[60:] + PEM,
                "its first hyphens cut off": TWO.certificate_pem[6:] + PEM,
            }.items()
        ),
        pytest.param(PEM.replace(b"MII", b"M I", 1), "certificate 1 of it", id="damaged base64"),
        pytest.param(PEM.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST"), "only CERTIFICATE REQUEST", id="a request"),
        pytest.param(PEM.replace(b"CERTIFICATE", b"X509 CRL"), "only X509 CRL", id="a CRL"),
        pytest.param(b" " * (limits.MAX_CERTIFICATE_FILE_BYTES + 1), "at most", id="too large"),
    ],
)
def test_refused(data: bytes, words: str) -> None:
    """A file without a certificate, or with an unreadable one, is refused with the reason."""
    with pytest.raises(InvalidCertificate, match=words) as error:
        certificates.read(data, "it")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("where", ["before", "after", "alone"])
def test_private_key_is_refused_and_not_shown(where: str) -> None:
    """No part of the key is in the message, which says that the key is to be treated as known."""
    key = ONE.key_pem
    data = {"before": key + PEM, "after": PEM + key, "alone": key}[where]
    with pytest.raises(PrivateKeyGiven, match="treat this key as known") as error:
        certificates.read(data, "it")
    for line in key.splitlines()[1:-1]:
        assert line.decode() not in str(error.value)
    assert error.value.__cause__ is None


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=40).map(lambda cut: DER[: len(cut) * 9] + cut)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Any bytes give certificates or InvalidCertificate, no other error."""
    with suppress(InvalidCertificate):
        assert certificates.read(data, "it")


def test_a_negative_serial_number() -> None:
    """Load balancers cannot revoke it, and Private CA issues none."""
    issued = CA.issue(serial=0x10 << 144)
    der = issued.certificate.public_bytes(Encoding.DER)
    at = der.index(wrap(INTEGER, integer_octets(issued.serial))) + 2
    negative = der[:at] + bytes([der[at] | 0x80]) + der[at + 1 :]
    with pytest.raises(InvalidCertificate, match=r"serial number -.*must be positive"):
        certificates.read(negative, "it")


@example(at=15, change=128)
@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_a_changed_byte_is_read_or_refused(at: int, change: int) -> None:
    """A certificate with any one byte changed is refused, or not this CA's, unless what is signed is the same.

    Of a signature that ends in a zero bit, this bit may be marked as unused.
    """
    changed = bytearray(DER)
    changed[at] ^= change
    with suppress(InvalidCertificate, CertificateIssuerMismatch):
        (read,) = certificates.read(bytes(changed), "it")
        certificates.check(read, CA.certificate, NOW)
        assert read.tbs_certificate_bytes == ONE.certificate.tbs_certificate_bytes


def test_full_chain() -> None:
    """Of a full chain the client's certificate counts; the CA's own and those above it are left out."""
    in_file = certificates.read(PEM + CA.certificate_pem + ROOT.certificate_pem, "it")
    clients = certificates.client_certificates(in_file, CA.certificate, [ROOT.certificate], "it")
    assert [each.serial_number for each in clients] == [ONE.serial]


def test_the_cas_own_certificate_alone() -> None:
    """A file with only the CA's own certificate is refused; it must not revoke the CA."""
    in_file = certificates.read(CA.certificate_pem, "it")
    with pytest.raises(InvalidCertificate, match="own certificates alone"):
        certificates.client_certificates(in_file, CA.certificate, [ROOT.certificate], "it")


def test_good_certificate() -> None:
    """One that the CA issued and that has not expired is taken, also before its time."""
    certificates.check(ONE.certificate, CA.certificate, NOW)
    certificates.check(CA.issue(not_before=NOW + DAY).certificate, CA.certificate, NOW)


def test_subordinate_ca_certificate() -> None:
    """Refused: revoking it would block every certificate it issued."""
    below = pki.certificate_authority("CA below", under=CA)
    with pytest.raises(InvalidCertificate, match=r"CA below.*every client.*Serials"):
        certificates.check(below.certificate, CA.certificate, NOW)


def test_another_cas_certificate() -> None:
    """Both issuers are shown."""
    other = pki.certificate_authority("Other CA").issue()
    with pytest.raises(CertificateIssuerMismatch, match=r"Other CA.*Issuing CA"):
        certificates.check(other.certificate, CA.certificate, NOW)


def test_certificate_of_a_ca_of_the_same_name() -> None:
    """An issuer is a name and a key."""
    twin = pki.certificate_authority("Issuing CA", under=ROOT).issue()
    with pytest.raises(CertificateIssuerMismatch, match="another CA of the same name"):
        certificates.check(twin.certificate, CA.certificate, NOW)


def test_expired_certificate() -> None:
    """The message says when it expired, and what to do."""
    expired = CA.issue(not_before=NOW - 2 * DAY, not_after=NOW - timedelta(seconds=1))
    with pytest.raises(CertificateExpired, match="Leave it out"):
        certificates.check(expired.certificate, CA.certificate, NOW)


def test_certificate_without_basic_constraints() -> None:
    """RFC 5280 does not require them of an end entity (4.2.1.9)."""
    key = pki.ec_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(pki.name("client"))
        .issuer_name(CA.certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(CA.key, pki.SHA256)
    )
    assert not certificate_extensions.is_ca_certificate(certificate)
