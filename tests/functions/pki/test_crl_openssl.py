"""The same CRLs as read and verified by openssl, for comparison."""

import subprocess
from pathlib import Path

import pytest

from functions.errors import CrlSignatureInvalid
from functions.pki import crl, crl_checks, serial_number
from tests.support import der_crl, pki

CA = pki.certificate_authority(under=pki.certificate_authority("Example Root"))
RSA_CA = pki.certificate_authority(key=pki.rsa_key())
NAMESAKE = pki.certificate_authority(under=pki.certificate_authority("Example Root"))
AUTHORITIES = pytest.mark.parametrize("authority", [CA, RSA_CA], ids=["EC", "RSA"])


def openssl(der: bytes, *options: str) -> str:
    """Run `openssl crl` and return its output of both streams."""
    command = ["openssl", "crl", "-inform", "DER", "-noout", *options]
    done = subprocess.run(command, input=der, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode()


def verdict(der: bytes, authority: pki.InMemoryCa, folder: Path) -> str:
    """Verify a CRL's signature with openssl."""
    trusted = folder / "ca.pem"
    trusted.write_bytes(authority.certificate_pem + authority.chain_pem)
    return openssl(der, "-CAfile", str(trusted))


@AUTHORITIES
@pytest.mark.parametrize("entries", [0, 1, 1_000])
def test_good_signature(authority: pki.InMemoryCa, entries: int, tmp_path: Path) -> None:
    """A CRL that passes our checks verifies with openssl, whether built by hand or by cryptography."""
    made = der_crl.random_serials(entries, octets=19)
    for der in (der_crl.large_crl(authority, made), authority.crl(made)):
        crl_checks.check(crl.read(der), issuer=authority.certificate, now=pki.NOW)
        assert "verify OK" in verdict(der, authority, tmp_path)


def test_bad_signature(tmp_path: Path) -> None:
    """A CRL whose signature we refuse fails with openssl too."""
    der = CA.crl([5], key=NAMESAKE.key)
    with pytest.raises(CrlSignatureInvalid):
        crl_checks.check(crl.read(der), issuer=CA.certificate, now=pki.NOW)
    assert "verify failure" in verdict(der, CA, tmp_path)


@AUTHORITIES
def test_serials_and_number(authority: pki.InMemoryCa) -> None:
    """The serials and the CRL number are those that openssl prints."""
    made = der_crl.random_serials(200, octets=20)
    der = der_crl.large_crl(authority, made, number=1_700_000_000_000)
    output = openssl(der, "-text", "-crlnumber")
    lines = (line.split() for line in output.splitlines() if "Serial Number:" in line)
    assert crl.serial_numbers(crl.read(der)) == {serial_number.parse("0x" + line[-1]) for line in lines} == set(made)
    assert f"crlNumber=0x{1_700_000_000_000:X}" in output.replace("=0x0", "=0x")
