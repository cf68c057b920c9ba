"""Whatever bytes a certificate, a bundle or a CRL has, nothing but the project's errors leaves functions/pki/."""

import contextlib
import os
import random
import ssl
import warnings
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from cryptography.hazmat.primitives.serialization import Encoding

from functions.errors import (
    CertificateAuthorityUnusable,
    CrlSignatureUnsupported,
    InvalidCertificate,
    RevocationError,
)
from functions.pki import bundle_checks, certificate_extensions, certificates, chain, crl, crl_checks, names
from tests.functions.pki.agreement.changes import names_ca
from tests.functions.pki.agreement.variants import (
    COMMON_NAME,
    PRINTABLE,
    SET,
    TELETEX,
    UTF8,
    Variant,
    common_name,
    name,
)
from tests.support import pki
from tests.support.der_crl import SEQUENCE, extension, wrap

# At length: HOSTILE_BYTES=200000 .venv/bin/python -m pytest tests/functions/pki/test_hostile_bytes.py
MUTATIONS = int(os.environ.get("HOSTILE_BYTES", "400"))

CA = pki.certificate_authority()
ODD = {
    "TeletexString": common_name("Zürich CA".encode("latin-1"), TELETEX),
    "ampersand": common_name("R&D", PRINTABLE),
    "twice in one RDN": name(((COMMON_NAME, UTF8, b"CA"),) * 2),
    "not UTF-8": common_name(b"\xff", UTF8),
    "BIT STRING": common_name(b"\0a", 0x03),
    "tag of two octets": wrap(SEQUENCE, wrap(SET, wrap(SEQUENCE, COMMON_NAME, b"\x9f\x81\x01\x01a"))),
}


def pem(der: bytes) -> bytes:
    """Return a certificate as a bundle holds it."""
    return ssl.DER_cert_to_PEM_cert(der).encode()


def judge(certificate_der: bytes, crl_der: bytes, other: x509.Certificate) -> None:
    """Call what a step calls with a bundle and a CRL; each call may refuse."""
    bundle = pem(certificate_der) + other.public_bytes(Encoding.PEM)
    every: list[Callable[[], object]] = [
        lambda: certificates.read(certificate_der, "a file"),
        lambda: chain.is_trusted(other, bundle.decode(), bundle),
    ]
    for each in chain.readable_certificates(bundle):
        every += calls(each, crl_der, bundle, other)
    for call in every:
        with contextlib.suppress(RevocationError):
            call()


def calls(ca: x509.Certificate, crl_der: bytes, bundle: bytes, other: x509.Certificate) -> list[Callable[[], object]]:
    """Return what is done with a certificate of a bundle."""
    return [
        lambda: chain.is_trusted(ca, "", bundle),
        lambda: bundle_checks.check_key_usage(ca, "it"),
        lambda: bundle_checks.describe_namesakes(ca, [other, ca], "a store"),
        lambda: certificates.check(ca, other, pki.NOW),
        lambda: certificate_extensions.is_ca_certificate(ca),
        lambda: chain.ca_id_from_key(ca),
        lambda: names.quote(names.issuer(ca)),
        lambda: crl_checks.is_issued_by(crl.read(crl_der), ca),
        lambda: crl_checks.check(crl.read(crl_der), issuer=ca, now=pki.NOW, require_key_identifier=False),
        lambda: bundle_checks.check_authority(crl.read(crl_der), [ca], "a store"),
    ]


def test_mutations() -> None:
    """One to three octets of a certificate or a CRL are other ones, or are missing, or doubled."""
    chance = random.Random(16)  # noqa: S311 - a test wants the same every time
    rich = Variant(authority=names_ca(), ca_key_identifier=b"\x11" * 20)
    seeds = [(rich.ca, rich.crl(5)), (CA.certificate.public_bytes(Encoding.DER), CA.crl([1, 2]))]
    odd = [Variant(subject=each, ca_issuer=each, issuer=each, leaf_issuer=each) for each in ODD.values()]
    seeds += [(variant.ca, variant.crl(5)) for variant in odd]
    seeds += [(pki.certificate_authority(key=pki.rsa_key()).certificate.public_bytes(Encoding.DER), CA.crl())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(MUTATIONS):
            pair = list(chance.choice(seeds))
            pair[number % 2] = mutate(pair[number % 2], chance)
            judge(pair[0], pair[1], CA.certificate)


def mutate(der: bytes, chance: random.Random) -> bytes:
    """Return bytes that differ in one to three places."""
    changed = bytearray(der)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed))
        kind = chance.random()
        if kind < 0.9:
            changed[at] = chance.choice((chance.randrange(256), changed[at] ^ 1 << chance.randrange(8)))
        else:
            changed[at : at + 1] = changed[at : at + 1] * chance.choice((0, 2))
    return bytes(changed)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_certificate_of_another_ca(odd: bytes) -> None:
    """It is not needed, so it does not matter, whether cryptography can load it or not."""
    bundle = pem(Variant(subject=odd, ca_issuer=odd).ca) + CA.certificate_pem
    assert chain.is_trusted(CA.certificate, "", bundle)
    assert chain.certificates_of(CA.certificate, bundle) == [CA.certificate]
    assert bundle_checks.describe_namesakes(CA.certificate, chain.readable_certificates(bundle), "a store") is None


def test_which_certificates_cannot_be_read() -> None:
    """They are named by their place in the bundle."""
    bundle = CA.certificate_pem + pem(Variant(subject=ODD["ampersand"]).ca)
    assert [fault[:35] for fault in chain.read_bundle(bundle)[1]] == ["certificate 2 of 2 cannot be read: "]


def test_a_ca_with_an_odd_name() -> None:
    """Its CRLs are checked as any other's, and messages show its name."""
    odd = ODD["TeletexString"]
    variant = Variant(subject=odd, ca_issuer=odd, issuer=odd)
    ca = chain.load(pem(variant.ca), "it")
    crl_checks.check(crl.read(variant.crl(5)), issuer=ca, now=pki.NOW, require_key_identifier=True)
    with pytest.raises(RevocationError, match="'CN=Zürich CA,O=Example Org'"):
        crl_checks.check(crl.read(CA.crl()), issuer=ca, now=pki.NOW, require_key_identifier=True)


ODD_EXTENSIONS = {
    "TLS feature 6": extension("1.3.6.1.5.5.7.1.24", wrap(SEQUENCE, wrap(0x02, b"\x06"))),
    "general name": extension("2.5.29.17", wrap(SEQUENCE, wrap(0xA5, wrap(0x0C, b"x")))),
    "not what it should be": extension("2.5.29.37", b"\x05\0"),
    "twice": extension("1.2.3", b"\x05\0") * 2,
}


@pytest.mark.parametrize("odd", ODD_EXTENSIONS.values(), ids=ODD_EXTENSIONS)
def test_an_odd_extension_that_is_not_needed(odd: bytes) -> None:
    """It does not matter, in a client's certificate or a CA's."""
    variant = Variant(more_in_ca=odd)
    ca = chain.load(pem(variant.ca), "it")
    bundle_checks.check_key_usage(ca, "it")
    crl_checks.check(crl.read(variant.crl(5)), issuer=ca, now=pki.NOW, require_key_identifier=False)
    assert certificate_extensions.is_ca_certificate(certificates.read(variant.ca, "a file")[0])


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(Variant(key_usage=b"\x05\0"), id="NULL"),
        pytest.param(Variant(more_in_ca=extension("2.5.29.15", b"\x03\x02\x01\x06")), id="twice"),
    ],
)
def test_a_key_usage_that_cannot_be_read(variant: Variant) -> None:
    """The certificate and the place where it was found are named."""
    message = r"of the CA in store 1, 'CN=.*serial number 1001.*cannot be"
    with pytest.raises(CertificateAuthorityUnusable, match=message):
        bundle_checks.check_key_usage(chain.load(pem(variant.ca), "it"), "the CA in store 1")


def test_other_needed_extensions_that_cannot_be_read() -> None:
    """A key identifier that is not an OCTET STRING, and basic constraints that occur twice, are refused by name."""
    variant = Variant(ca_key_identifier=None, more_in_ca=extension("2.5.29.14", b"\x05\0"))
    with pytest.raises(CertificateAuthorityUnusable, match=r"extensions of the CA's certificate, 'CN=.*cannot be read"):
        certificate_extensions.subject_key_identifier(chain.load(pem(variant.ca), "it"))
    (twice,) = certificates.read(Variant(more_in_ca=extension("2.5.29.19", b"\x30\0")).ca, "a file")
    with pytest.raises(InvalidCertificate, match=r"basic constraints of certificate 1001"):
        certificate_extensions.is_ca_certificate(twice)


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), mldsa.MLDSA44PrivateKey.generate()])
def test_an_algorithm_that_load_balancers_do_not_accept(key: ed25519.Ed25519PrivateKey) -> None:
    """It is named as such, and not as a wrong signature."""
    ca = pki.certificate_authority(key=key)
    parsed = crl.read(ca.crl(algorithm=None))
    with pytest.raises(CrlSignatureUnsupported):
        crl_checks.check(parsed, issuer=ca.certificate, now=pki.NOW, require_key_identifier=True)
