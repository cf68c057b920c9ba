"""Whatever variant of a CA and its CRL is taken, openssl lets the innocent in and refuses the revoked."""

import json
import os
from pathlib import Path

import pytest

from functions.errors import CrlAuthorityKeyMismatch
from functions.pki import bundle_checks, crl
from tests.functions.pki.agreement import changes, variants
from tests.functions.pki.agreement.verdicts import Verdict, openssl, refusal

# `make variants` tries 20,000.
RANDOM_VARIANTS = int(os.environ.get("RANDOM_VARIANTS", "100"))

NAMED = changes.named()

TAKEN = [label for label, variant in NAMED.items() if refusal(variant) is None]

# What this product refuses on purpose although OpenSSL works with it.
STRICTER = {
    "no CRL number": "it cannot be distinguished from an older CRL",
    "CRL number negative": "RFC 5280, 5.2.3",
    "version 1": "it has no CRL number",
    "version 3": "no RFC defines it",
    "version 1 with extensions": "RFC 5280, 5.1.2.1",
    "delta": "it says only what changed",
    "delta not critical": "it says only what changed",
    "for user certificates": "it does not speak for all certificates of the CA",
    "no next update": "RFC 5280, 5.1.2.5: nobody can see that it is out of date",
    "signed with SHA-1": "load balancers accept SHA-256, SHA-384 and SHA-512",
    "signed with SHA-224": "load balancers accept SHA-256, SHA-384 and SHA-512",
    "two signature algorithms": "RFC 5280, 5.1.1.2",
    "reason unused": "RFC 5280, 5.3.1",
    "reason INTEGER": "AWS-LC cannot load such a list",
    "reason of two octets": "AWS-LC cannot load such a list",
    "reason empty": "AWS-LC cannot load such a list",
    "reason twice": "RFC 5280, 4.2",
    "names with an ampersand as PrintableString": "cryptography cannot read such a list",
    "authority with a TeletexString in the issuer": "cryptography cannot read such an extension",
}


@pytest.mark.parametrize("label", NAMED)
def test_decides_as_openssl_does(label: str, tmp_path: Path) -> None:
    """A list is taken where OpenSSL works with it, but for what is refused on purpose."""
    works, refused = openssl(NAMED[label], tmp_path) is Verdict.WORKS, refusal(NAMED[label])
    if label in STRICTER:
        assert (works, refused is not None) == (True, True), refused
    else:
        assert works == (refused is None), refused


# What AWS-LC, the library under load balancers' s2n-tls, did with each variant when it was built beside this project:
# WORKS as above, LOCKS_OUT the innocent client, or CANNOT_LOAD the list.
AWS_LC = json.loads((Path(__file__).parent / "agreement" / "aws-lc.json").read_text())


@pytest.mark.parametrize("label", NAMED)
def test_nothing_taken_is_refused_by_aws_lc(label: str) -> None:
    """A variant has been judged by AWS-LC, and what is taken works there."""
    (verdict,) = [each for each, labels in AWS_LC.items() if label in labels and each != "AWS-LC"]
    assert verdict == "WORKS" or refusal(NAMED[label]) is not None


def test_another_key_identifier_in_the_bundle() -> None:
    """The CA's certificate in a bundle may have another key identifier than the one that Private CA returns."""
    crl_of_ca = crl.read(variants.Variant().crl(5))
    other = variants.certificate(variants.Variant(ca_key_identifier=b"\x22" * 20).ca)
    with pytest.raises(CrlAuthorityKeyMismatch, match=r"bundle of clients: key identifier 11:.*, there 22:"):
        bundle_checks.check_authority(crl_of_ca, [variants.certificate(variants.Variant().ca), other], "clients")


@pytest.mark.parametrize("seed", range(RANDOM_VARIANTS))
def test_nothing_taken_locks_anyone_out(seed: int, tmp_path: Path) -> None:
    """With several changes at once, whatever is taken works in OpenSSL, or its clients never got in.

    One in four variants has any of the changes; the others have such as are taken one by one, since few lists with the
    former are taken at all.
    """
    label, variant = changes.at_random(seed, list(NAMED) if seed % 4 == 0 else TAKEN)
    if refusal(variant) is None:
        assert openssl(variant, tmp_path) in (Verdict.WORKS, Verdict.UNTRUSTED), label
