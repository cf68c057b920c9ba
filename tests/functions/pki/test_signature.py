"""Which CA signed a CRL: accepted algorithms, and every kind of wrong signature."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions.errors import CrlSignatureInvalid, CrlSignatureUnsupported
from functions.pki import crl, crl_checks
from tests.support import der_crl, pki
from tests.support.der_crl import SEQUENCE, wrap

CA = pki.certificate_authority()
RSA_CA = pki.certificate_authority(key=pki.rsa_key())
NAMESAKE = pki.certificate_authority()


def check(der: bytes, *, issuer: x509.Certificate = CA.certificate) -> None:
    """Read and check a CRL against this module's CA."""
    crl_checks.check(crl.read(der), issuer=issuer, now=pki.NOW)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda each: each.name)
def test_ecdsa_passes(curve: ec.EllipticCurve, algorithm: hashes.SHA256) -> None:
    """ECDSA on the curves, and with the hashes, that load balancers accept passes."""
    authority = pki.certificate_authority(key=pki.ec_key(curve))
    check(authority.crl([5], algorithm=algorithm), issuer=authority.certificate)


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda each: each.name)
@pytest.mark.parametrize("salt", [None, 20, 32], ids=["PKCS1v15", "PSS-20", "PSS-32"])
def test_rsa_passes(algorithm: hashes.SHA256, salt: int | None) -> None:
    """RSA, with PKCS #1 v1.5 or PSS padding, passes."""
    rsa_padding = None if salt is None else padding.PSS(padding.MGF1(algorithm), salt)
    check(RSA_CA.crl([5], algorithm=algorithm, rsa_padding=rsa_padding), issuer=RSA_CA.certificate)


def test_weak_hash() -> None:
    """A hash that load balancers do not take is refused."""
    with pytest.raises(CrlSignatureUnsupported, match=r"1\.2\.840\.10045\.4\.3\.1 is not one of SHA-256"):
        check(CA.crl(algorithm=hashes.SHA224()))


def test_unknown_signature_algorithm() -> None:
    """An unknown algorithm is refused."""
    unknown = wrap(SEQUENCE, bytes.fromhex("06022a03"))
    with pytest.raises(CrlSignatureUnsupported):
        check(der_crl.hand_made_crl(CA, inner_algorithm=unknown, outer_algorithm=unknown))


def test_other_curve() -> None:
    """A curve that load balancers do not take is refused."""
    authority = pki.certificate_authority(key=pki.ec_key(ec.SECP256K1()))
    with pytest.raises(CrlSignatureUnsupported, match="secp256k1"):
        check(authority.crl(), issuer=authority.certificate)


def test_other_kind_of_key() -> None:
    """An algorithm that does not go with the CA's key is refused."""
    impostor = CA.crl(key_identifier=RSA_CA.key_identifier)
    with pytest.raises(CrlSignatureUnsupported, match=r"the CA's key \(RSAPublicKey\)"):
        check(impostor, issuer=RSA_CA.certificate)


def test_ed25519() -> None:
    """Ed25519, which load balancers do not take, is refused."""
    with pytest.raises(CrlSignatureUnsupported, match=r"1\.3\.101\.112"):
        check(CA.crl(key=ed25519.Ed25519PrivateKey.generate(), algorithm=None))


def test_signed_by_another_key() -> None:
    """A CRL that claims to be the CA's but is signed by another key is refused."""
    with pytest.raises(CrlSignatureInvalid, match="does not verify with the key of 'CN=Example CA"):
        check(CA.crl(key=NAMESAKE.key))


def test_altered_entry() -> None:
    """One serial exchanged for another breaks the signature."""
    good, other = der_crl.entry(0x1234), der_crl.entry(0x1235)
    with pytest.raises(CrlSignatureInvalid):
        check(der_crl.hand_made_crl(CA, entries=good).replace(good, other))


def test_is_issued_by_its_ca() -> None:
    """A CRL is its CA's."""
    assert crl_checks.is_issued_by(crl.read(CA.crl([5])), CA.certificate)


def test_is_issued_by_without_key_identifier() -> None:
    """Without a key identifier, the signature decides."""
    assert crl_checks.is_issued_by(crl.read(CA.crl(key_identifier=None)), CA.certificate)


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(NAMESAKE.crl(), id="same name, other key"),
        pytest.param(CA.crl(key=NAMESAKE.key), id="same name and key identifier, other signature"),
        pytest.param(CA.crl(issuer=pki.name("Other")), id="same key, other name"),
        pytest.param(CA.crl(key_identifier=b"other"), id="same name and signature, other key identifier"),
        pytest.param(CA.crl(algorithm=hashes.SHA224()), id="algorithm not supported"),
        pytest.param(CA.crl(key=pki.rsa_key()), id="algorithm of another kind of key"),
        pytest.param(CA.crl(key=ed25519.Ed25519PrivateKey.generate(), algorithm=None), id="Ed25519"),
    ],
)
def test_is_not_issued_by(der: bytes) -> None:
    """An issuer is a name and a key: a CRL that is foreign in any of them is not this CA's."""
    assert not crl_checks.is_issued_by(crl.read(der), CA.certificate)


def test_key_that_cannot_be_read() -> None:
    """A CA's certificate whose key is not a point of its curve verifies nothing."""
    point = CA.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    modified = CA.certificate.public_bytes(Encoding.DER).replace(point, point[:1] + bytes(64))
    issuer = x509.load_der_x509_certificate(modified)
    with pytest.raises(CrlSignatureUnsupported, match="cannot be read"):
        check(CA.crl(), issuer=issuer)
    assert not crl_checks.is_issued_by(crl.read(CA.crl()), issuer)
