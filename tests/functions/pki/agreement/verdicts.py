"""What this product and OpenSSL decide about a CA's CRL, and whether clients get in with it."""

import subprocess
from enum import Enum
from pathlib import Path

from functions.errors import RevocationError
from functions.pki import bundle_checks, crl, crl_checks
from functions.pki.chain import load
from functions.pki.crl_pem import write_pem
from tests.functions.pki.agreement.variants import Variant
from tests.support import pki

INNOCENT, REVOKED = 0x51, 0x61


class Verdict(Enum):
    """What OpenSSL does with the innocent and the revoked client."""

    WORKS = "the innocent client gets in, and the revoked one does not"
    LOCKS_OUT = "the innocent client is refused"
    LETS_IN = "the revoked client gets in"
    UNTRUSTED = "the innocent client is refused without the CRL too"


def refusal(variant: Variant) -> str | None:
    """Return the error with which this product refuses the CRL, or None."""
    try:
        ca = load(_pem("CERTIFICATE", variant.ca).encode(), "the CA's certificate cannot be read")
        bundle_checks.check_key_usage(ca, "the CA")
        parsed = crl.read(variant.crl(REVOKED))
        crl_checks.check(parsed, issuer=ca, now=pki.NOW, require_key_identifier=False)
        bundle_checks.check_authority(parsed, [ca], "a trust store")
    except RevocationError as error:
        return type(error).__name__
    return None


def openssl(variant: Variant, folder: Path) -> Verdict:
    """Ask openssl verify."""
    bundle, revocations = folder / "bundle.pem", folder / "crl.pem"
    bundle.write_text(_pem("CERTIFICATE", variant.ca))
    with revocations.open("wb") as file:
        write_pem(variant.crl(REVOKED), file)
    for serial in (INNOCENT, REVOKED):
        (folder / f"{serial}.pem").write_text(_pem("CERTIFICATE", variant.client(serial)))
    if not _verifies(folder, INNOCENT):
        return Verdict.UNTRUSTED
    if not _verifies(folder, INNOCENT, "-crl_check", "-CRLfile", "crl.pem"):
        return Verdict.LOCKS_OUT
    return Verdict.LETS_IN if _verifies(folder, REVOKED, "-crl_check", "-CRLfile", "crl.pem") else Verdict.WORKS


def _verifies(folder: Path, serial: int, *options: str) -> bool:
    command = ["openssl", "verify", "-partial_chain", "-CAfile", "bundle.pem", *options, f"{serial}.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _pem(label: str, der: bytes) -> str:
    text = subprocess.run(["openssl", "base64"], input=der, capture_output=True, check=True).stdout.decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"
