"""A CRL of a third-party CA, which is found in the trust stores' bundles by the CRL's signature."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from functions import limits
from functions.aws.s3 import GetObject
from functions.environment import environment
from functions.errors import CertificateAuthorityNotTrusted, CrlRefused, CrlSignatureInvalid, CrlSignatureUnsupported
from functions.intake.certificate_authority import CertificateAuthority
from functions.intake.collect import fetch
from functions.models.base import ObjectLocation
from functions.models.stored import CrlLocation
from functions.pki import crl, crl_checks, names
from functions.pki.chain import readable_certificates, subject_public_key_info


@dataclass(frozen=True, slots=True)
class ThirdPartyCrl:
    """A CRL that the input names, in one exact version."""

    location: CrlLocation
    parsed: crl.Crl


def read(source: ObjectLocation, get_object: GetObject) -> ThirdPartyCrl:
    """Read the CRL that the input names.

    Raises:
        InputObjectNotFound, InputObjectTooLarge: it cannot be read from S3.
        CrlRefused: a subclass of it, if it is not a CRL that can be read.

    """
    fetched = fetch(source, limits.MAX_CRL_BYTES, get_object)
    location = CrlLocation(
        bucket=source.bucket, key=source.key, etag=fetched.etag, version_id=fetched.version.version_id
    )
    try:
        return ThirdPartyCrl(location, crl.read(fetched.body, max_entries=environment().max_revocation_entries))
    except CrlRefused as error:
        raise type(error)(f"{source}: {error}") from error


def find_certificate_authority(third_party: ThirdPartyCrl, bundles: Sequence[bytes]) -> CertificateAuthority:
    """Return the CA that signed the CRL, one of the certificates in the bundles.

    A CRL without an authority key identifier is accepted if exactly one of them has signed it.

    Raises:
        CertificateAuthorityNotTrusted: no certificate has the issuer's name.
        CrlAuthorityKeyMismatch, CrlSignatureInvalid, CrlSignatureUnsupported: none with that name has signed it.

    """
    parsed = third_party.parsed
    trusted = {ca.public_bytes(Encoding.DER): ca for bundle in bundles for ca in readable_certificates(bundle)}
    candidates = [ca for ca in trusted.values() if names.are_equal(names.subject(ca), parsed.issuer_der)]
    if not candidates:
        raise CertificateAuthorityNotTrusted(
            f"the CRL's issuer is {names.quote(parsed.issuer_der)}, and no certificate in the bundles of "
            f"{len(bundles)} trust stores has that name, so the load balancer accepts none of its certificates"
        )
    signers, unsupported = {}, None
    for ca in candidates:
        try:
            crl_checks.check_signature(parsed, ca)
        except CrlSignatureInvalid:
            continue
        except CrlSignatureUnsupported as error:
            unsupported = error
            continue
        if crl_checks.is_issued_by(parsed, ca):
            signers[subject_public_key_info(ca)] = ca
    if len(signers) == 1:
        (signer,) = signers.values()
        return CertificateAuthority(None, signer.public_bytes(Encoding.PEM).decode(), "", third_party.location)
    crl_checks.check_issuer(parsed, candidates[0], require_key_identifier=False)
    if unsupported:
        raise unsupported
    raise CrlSignatureInvalid(
        f"the CRL is signed by none of the {len(candidates)} certificates named "
        f"{names.quote(parsed.issuer_der)} in the bundles of the trust stores"
    )
