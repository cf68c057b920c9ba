"""A CRL of a CA that is not Private CA's: whose it is, found in the trust stores' bundles by its signature."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from functions import limits
from functions.environment import environment
from functions.errors import CertificateAuthorityNotTrusted, CrlRefused, CrlSignatureInvalid
from functions.intake import collect as intake
from functions.intake.certificate_authority import Authority
from functions.models.base import ObjectLocation
from functions.models.stored import CrlLocation
from functions.pki import crl, crl_checks
from functions.pki.chain import readable_certificates, subject_public_key_info


@dataclass(frozen=True, slots=True)
class ThirdPartyCrl:
    """A CRL that the input names, at one version."""

    location: CrlLocation
    parsed: crl.Crl


def read(given: ObjectLocation, get_object: intake.GetObject) -> ThirdPartyCrl:
    """Read the CRL that the input names.

    Raises:
        InputObjectNotFound, InputObjectTooLarge: it cannot be read from S3.
        CrlRefused: a subclass of it, when it is no CRL.

    """
    fetched = intake.fetch(given, limits.MAX_CRL_BYTES, get_object)
    location = CrlLocation(bucket=given.bucket, key=given.key, etag=fetched.etag, version_id=fetched.version.version_id)
    try:
        return ThirdPartyCrl(location, crl.read(fetched.body, max_entries=environment().max_revocation_entries))
    except CrlRefused as refusal:
        raise type(refusal)(f"{given}: {refusal}") from refusal


def authority_of(third_party: ThirdPartyCrl, bundles: Sequence[bytes]) -> Authority:
    """Find the CA among the certificates that these trust stores trust.

    A list without an authority key identifier is accepted when it is signed by exactly one of them.

    Raises:
        CertificateAuthorityNotTrusted: none of them has the issuer's name.
        CrlAuthorityKeyMismatch, CrlSignatureInvalid, CrlSignatureUnsupported: … and none of these has signed it.

    """
    parsed = third_party.parsed
    trusted = {each.public_bytes(Encoding.DER): each for bundle in bundles for each in readable_certificates(bundle)}
    named = [each for each in trusted.values() if each.subject == parsed.issuer]
    if not named:
        raise CertificateAuthorityNotTrusted(
            f"the CRL's issuer is {parsed.issuer.rfc4514_string()[:200]!r}, and no certificate in the bundles of "
            f"{len(bundles)} trust stores has that name, so the load balancer accepts none of its certificates"
        )
    signers = {subject_public_key_info(each): each for each in named if crl_checks.is_issued_by(parsed, each)}
    if len(signers) == 1:
        (found,) = signers.values()
        return Authority(None, found.public_bytes(Encoding.PEM).decode(), "", third_party.location)
    crl_checks.check_issuer(parsed, named[0], require_key_identifier=False)
    raise CrlSignatureInvalid(
        f"the CRL is signed by none of the {len(named)} certificates named {parsed.issuer.rfc4514_string()[:200]!r} in "
        "the bundles of the trust stores"
    )
