"""A CRL of a CA outside Private CA: read in one version, and its CA found by the signature."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.environment import environment
from functions.errors import (
    CertificateAuthorityNotTrusted,
    CrlAuthorityKeyMismatch,
    CrlMalformed,
    CrlSignatureInvalid,
    CrlSignatureUnsupported,
    InputObjectNotFound,
    RevocationError,
)
from functions.intake import third_party_crl
from functions.intake.third_party_crl import ThirdPartyCrl
from functions.models.base import ObjectLocation
from tests.functions.intake.files import Files
from tests.support import pki

CA = pki.certificate_authority("Partner CA")
TWIN = pki.certificate_authority("Partner CA")
OTHER = pki.certificate_authority("Other CA")


@pytest.fixture(autouse=True)
def few_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a function's environment has."""
    monkeypatch.setenv("WORKFLOW_BUCKET", "bkt")
    environment.cache_clear()


def read(body: bytes, key: str = "list.crl") -> ThirdPartyCrl:
    """Read a CRL that the input names."""
    return third_party_crl.read(ObjectLocation(bucket="bkt", key=key), Files(**{"list.crl": body}).get_object)


@pytest.mark.parametrize("write", [lambda der: der, pki.crl_pem], ids=["DER", "PEM"])
def test_crl_is_read(write: Callable[[bytes], bytes]) -> None:
    """It may be DER or PEM; its exact version is remembered."""
    crl = read(write(CA.crl([1, 2], number=5)))
    assert (crl.parsed.crl_number, crl.parsed.number_of_revoked_entries) == (5, 2)
    assert (crl.location.key, crl.location.etag, crl.location.version_id) == ("list.crl", '"etag"', "v1")


@pytest.mark.parametrize("body", [b"", b"hello", b"-----BEGIN X509 CRL-----\n"])
def test_object_that_is_not_a_crl(body: bytes) -> None:
    """The refusal names the object."""
    with pytest.raises(CrlMalformed, match=r"^s3://bkt/list\.crl: "):
        read(body)


def test_object_that_does_not_exist() -> None:
    """The refusal names the object."""
    with pytest.raises(InputObjectNotFound, match=r"s3://bkt/none\.crl"):
        read(b"", "none.crl")


def bundle(*authorities: pki.InMemoryCa) -> bytes:
    """Return a trust store's bundle."""
    return b"".join(each.certificate_pem for each in authorities)


def test_ca_is_found_by_the_signature() -> None:
    """Beside others, one of the same name among them, and in two trust stores."""
    found = third_party_crl.find_certificate_authority(read(CA.crl()), [bundle(OTHER, TWIN, CA), bundle(CA)])
    assert (found.certificate, found.arn) == (CA.certificate, None)


def test_crl_without_a_key_identifier() -> None:
    """Of two CAs of its issuer's name, the one that signed it is found."""
    crl = read(CA.crl(key_identifier=None))
    assert third_party_crl.find_certificate_authority(crl, [bundle(TWIN, CA)]).certificate == CA.certificate


@pytest.mark.parametrize(
    ("crl", "error", "message"),
    [
        pytest.param(OTHER.crl(), CertificateAuthorityNotTrusted, "Other CA.* 1 trust stores", id="no such name"),
        pytest.param(TWIN.crl(), CrlAuthorityKeyMismatch, "the CA's subject key identifier", id="another CA"),
        pytest.param(
            TWIN.crl(key_identifier=CA.key_identifier), CrlSignatureInvalid, "none of the 1 certificates", id="forged"
        ),
        pytest.param(
            TWIN.crl(key_identifier=None), CrlSignatureInvalid, "none of the 1", id="forged, without key identifier"
        ),
    ],
)
def test_ca_that_is_not_trusted(crl: bytes, error: type[RevocationError], message: str) -> None:
    """Each case has its own error."""
    with pytest.raises(error, match=message):
        third_party_crl.find_certificate_authority(read(crl), [bundle(CA)])


def test_ca_of_an_algorithm_that_load_balancers_do_not_accept() -> None:
    """The algorithm is named, beside a CA of the same name that has not signed it."""
    ca = pki.certificate_authority("Partner CA", key=Ed25519PrivateKey.generate())
    crl = read(ca.crl(algorithm=None, key_identifier=None))
    with pytest.raises(CrlSignatureUnsupported, match=r"1\.3\.101\.112 is not one of SHA-256"):
        third_party_crl.find_certificate_authority(crl, [bundle(ca, CA)])


def test_another_key_identifier() -> None:
    """The signature is the CA's, but load balancers would not find the CA by the key identifier."""
    with pytest.raises(CrlAuthorityKeyMismatch):
        third_party_crl.find_certificate_authority(read(CA.crl(key_identifier=b"\x22" * 20)), [bundle(CA)])
