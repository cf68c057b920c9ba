"""A CA is trusted if its key, or that of a CA above it, is in the bundle."""

import base64
import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from functions.pki import certificates
from functions.pki.chain import ca_id_from_key, certificates_of, is_issued_by, is_trusted, read_bundle
from tests.functions.pki.agreement import variants
from tests.functions.pki.agreement.variants import PRINTABLE, certificate, common_name
from tests.support import pki
from tests.support.pki import InMemoryCa, certificate_authority

ROOT = certificate_authority("Root")
MIDDLE = certificate_authority("Middle", under=ROOT)
ISSUING = certificate_authority("Issuing", under=MIDDLE)
OTHER = certificate_authority("Other")
NAMESAKE = certificate_authority("Root")
RSA = certificate_authority("RSA", key=pki.rsa_key())


def trusted(authority: InMemoryCa, *bundle: InMemoryCa, chain: bytes | None = None) -> bool:
    """Call is_trusted, by default with the chain that Private CA returns."""
    chain_pem = (authority.chain_pem if chain is None else chain).decode()
    return is_trusted(authority.certificate, chain_pem, b"".join(each.certificate_pem for each in bundle))


@pytest.mark.parametrize("in_bundle", [ISSUING, MIDDLE, ROOT])
def test_certificate_of_its_chain_in_the_bundle(in_bundle: InMemoryCa) -> None:
    """Any certificate of its chain will do, beside others in the bundle."""
    assert trusted(ISSUING, OTHER, in_bundle)


def test_root_without_a_chain() -> None:
    """A root has no chain."""
    assert trusted(ROOT, ROOT)


def test_only_another_ca_in_the_bundle() -> None:
    """Another CA in the bundle does not make it trusted."""
    assert not trusted(ISSUING, OTHER)


def test_issuer_in_the_bundle_and_no_chain() -> None:
    """The direct issuer is found without the chain."""
    assert trusted(ISSUING, MIDDLE, chain=b"")


def test_issuer_named_in_another_string_type() -> None:
    """A certificate is issued by a CA that it names in another type of string or letter case, as in OpenSSL."""
    ca = certificate(variants.Variant().ca)
    for leaf_issuer in (common_name("EXAMPLE ca"), common_name("Example CA", PRINTABLE)):
        leaf = certificate(variants.Variant(leaf_issuer=leaf_issuer).client(5))
        assert is_issued_by(leaf, ca)
        certificates.check(leaf, ca, pki.NOW)
    assert not is_issued_by(certificate(variants.Variant(leaf_issuer=common_name("Example")).client(5)), ca)


def test_signature_of_another_key_under_a_name_in_another_case() -> None:
    """The name alone does not make an issuer."""
    stranger = certificate_authority("EXAMPLE ca")
    ca = certificate(variants.Variant(subject=pki.name("Example CA").public_bytes()).ca)
    assert not is_issued_by(stranger.issue().certificate, ca)


def test_certificates_that_verify_its_crls() -> None:
    """Each certificate of its name and key in the bundle counts, even an earlier one; otherwise the CA's own."""
    renewed = certificate_authority("Issuing", key=ISSUING.key)
    twin = certificate_authority("Issuing")
    bundle = b"".join(each.certificate_pem for each in (ROOT, renewed, twin, ISSUING))
    assert certificates_of(ISSUING.certificate, bundle) == [renewed.certificate, ISSUING.certificate]
    assert certificates_of(ISSUING.certificate, ROOT.certificate_pem) == [ISSUING.certificate]


def test_chain_broken() -> None:
    """Without the certificates between, nothing leads to the root."""
    assert not trusted(ISSUING, ROOT, chain=b"")


def test_name_without_the_key() -> None:
    """An issuer is a name and a key, not a name alone."""
    assert not trusted(MIDDLE, NAMESAKE)


def test_unsupported_curve_in_the_bundle() -> None:
    """A certificate of an unsupported curve does not matter."""
    der = OTHER.certificate.public_bytes(Encoding.DER)
    odd = der.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106"))
    assert odd != der
    block = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(odd) + b"-----END CERTIFICATE-----\n"
    bundle = block + ROOT.certificate_pem
    assert is_trusted(ISSUING.certificate, ISSUING.chain_pem.decode(), bundle)
    assert not is_trusted(ISSUING.certificate, ISSUING.chain_pem.decode(), block)


def test_key_of_another_kind() -> None:
    """A bundle may hold keys that could not have signed it."""
    assert not trusted(ISSUING, RSA)


def test_certificate_renewed() -> None:
    """The same name and key in a new certificate are the same issuer."""
    renewed = certificate_authority("Root", key=ROOT.key, not_after=pki.NOW + timedelta(days=9_000))
    assert renewed.certificate != ROOT.certificate
    assert trusted(ROOT, renewed)
    assert ca_id_from_key(renewed.certificate) == ca_id_from_key(ROOT.certificate) != ca_id_from_key(OTHER.certificate)


def test_chain_too_long() -> None:
    """A load balancer builds chains of four certificates at most, the client's among them."""
    deep = ISSUING
    for depth in range(4):
        deep = certificate_authority(f"Deep {depth}", under=deep)
    assert not trusted(deep, ROOT)


def test_chain_without_an_end() -> None:
    """Certificates that have issued each other are followed to a limit."""
    again = certificate_authority("Root", key=ROOT.key, under=MIDDLE)
    chain = MIDDLE.certificate_pem + again.certificate_pem
    assert not trusted(ISSUING, OTHER, chain=chain)


@pytest.mark.parametrize("line", [b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"-"])
def test_bundle_is_read_in_linear_time(line: bytes) -> None:
    """Four megabytes of lines that begin certificates and end none once took half an hour."""
    text = line * (4_000_000 // len(line))
    started = time.process_time()
    assert read_bundle(text) == ([], [])
    assert time.process_time() - started < 1
