"""PEM: written byte for byte as openssl writes it, read only if it is exactly one CRL and nothing else."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import CrlMalformed
from functions.pki.crl_pem import is_pem, pem_size, read_pem
from tests.support import der_crl, pki

CA = pki.certificate_authority()
DER = CA.crl([5, 2**100])


PEM = pki.crl_pem(DER)


@pytest.mark.parametrize("entries", [0, 1, 2, 3, 10, 251, 252, 253, 5_000])
def test_openssl_writes_the_same(entries: int) -> None:
    """`openssl crl` makes the same bytes of the same CRL."""
    der = der_crl.large_crl(CA, der_crl.random_serials(entries))
    command = ["openssl", "crl", "-inform", "DER", "-outform", "PEM"]
    assert pki.crl_pem(der) == subprocess.run(command, input=der, capture_output=True, check=True).stdout


@given(st.binary(min_size=1, max_size=50), st.sampled_from([1, 2, 3, 48, 12_287, 12_288, 12_289, 24_576, 30_000]))
def test_what_is_written_is_read(pattern: bytes, size: int) -> None:
    """Any bytes are read back, and the size is as computed."""
    der = (pattern * size)[:size]
    written = pki.crl_pem(der)
    assert read_pem(written) == der
    assert len(written) == pem_size(len(der))


def test_pem_is_distinguished_from_der() -> None:
    """The first bytes tell the two forms apart."""
    assert (is_pem(PEM), is_pem(DER)) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PEM.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(PEM.rstrip(b"\n"), id="no final line end"),
        pytest.param(PEM + b"\r\n\n", id="more final line ends"),
    ],
)
def test_line_ends_do_not_matter(text: bytes) -> None:
    """Line ends are those of the system that wrote the file."""
    assert read_pem(text) == DER


BODY = PEM.splitlines()[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(PEM + PEM, "2 blocks", id="two CRLs"),
        pytest.param(PEM + CA.certificate_pem, "2 blocks", id="a certificate after it"),
        pytest.param(b"----- no block", "0 blocks", id="no block"),
        pytest.param(CA.certificate_pem, "X509 CRL", id="a certificate"),
        pytest.param(PEM + b"more", "nothing else", id="text after it"),
        pytest.param(PEM.replace(b"-----END X509 CRL-----\n", b""), "nothing else", id="no end"),
        pytest.param(PEM.replace(BODY, b"Proc-Type: 4,ENCRYPTED"), "nothing else", id="header lines"),
        pytest.param(PEM.replace(BODY, BODY + b" "), "nothing else", id="a space"),
        pytest.param(PEM.replace(BODY, BODY[:-1]), "base64 cannot be read", id="a character missing"),
        pytest.param(PEM.replace(BODY, BODY[:-1] + b"="), "base64 cannot be read", id="padding in the middle"),
    ],
)
def test_refused(text: bytes, words: str) -> None:
    """Anything but exactly one CRL is refused."""
    with pytest.raises(CrlMalformed, match=words):
        read_pem(text)
