"""Decides whether load balancers would accept a CA's CRLs with the CA's certificate in their bundle.

If they would not, they refuse every client of the CA once such a list is attached.
"""

from collections.abc import Iterator, Sequence

from cryptography import x509

from functions.errors import CrlAuthorityKeyMismatch, CrlSignNotAllowed
from functions.pki import names
from functions.pki.certificate_extensions import may_sign_crls, subject_key_identifier
from functions.pki.chain import subject_public_key_info
from functions.pki.crl import Crl, find_extension


def check_key_usage(certificate: x509.Certificate, label: str) -> None:
    """Refuse a certificate that may not sign CRLs; one without a key usage may (RFC 5280, 6.3.3 (f)).

    Raises CrlSignNotAllowed, or CertificateAuthorityUnusable if its key usage cannot be read.
    """
    if not may_sign_crls(certificate, label):
        raise CrlSignNotAllowed(
            f"{label} (serial number {certificate.serial_number:x}) has a key usage without cRLSign: with a CRL "
            "attached, load balancers would refuse every client of this CA. Have the certificate issued again with "
            "keyCertSign and cRLSign, and replace it in the bundle"
        )


def check_authority(crl: Crl, certificates: Sequence[x509.Certificate], trust_store_arn: str) -> None:
    """Refuse a CRL whose authority key identifier does not fit each of the CA's certificates (RFC 5280, 5.2.1).

    It may name the CA certificate's key, issuer and serial number. The latter two change when the CA is renewed with
    the same key, and load balancers compare them all.

    Raises CrlAuthorityKeyMismatch.
    """
    authority = find_extension(crl.parsed, x509.AuthorityKeyIdentifier)
    if authority is None:
        return
    for certificate in certificates:
        if differences := "; ".join(_differences(authority, certificate)):
            raise CrlAuthorityKeyMismatch(
                f"the authority key identifier of CRL number {crl.crl_number} does not fit the CA's certificate in the "
                f"bundle of {trust_store_arn}: {differences}. With this CRL attached, its load balancers would refuse "
                "every client of this CA. Have the CA write the key identifier alone (openssl.cnf: "
                "authorityKeyIdentifier = keyid:always), or replace that certificate by the CA's present one"
            )


def describe_namesakes(
    ca_certificate: x509.Certificate, bundle: Sequence[x509.Certificate], trust_store_arn: str
) -> str | None:
    """Return what may happen, and what to do, if a bundle holds a CA of the same name with another key; else None.

    Lists are found by their issuer's name (s2n-tls). Whether the key identifier decides between two is not documented.
    """
    subject, key = names.subject(ca_certificate), subject_public_key_info(ca_certificate)
    others = [
        each
        for each in bundle
        if names.are_equal(names.subject(each), subject) and subject_public_key_info(each) != key
    ]
    if not others:
        return None
    shown = " and ".join(
        f"serial number {each.serial_number:x}, valid until {each.not_valid_after_utc:%Y-%m-%d}"
        for each in (ca_certificate, *others)
    )
    return (
        f"{trust_store_arn} trusts CAs of one name, {names.quote_subject(ca_certificate)}, with different keys "
        f"({shown}): its load balancers may refuse every client of one because of the other's CRL. Remove the one that "
        "is not needed from the bundle"
    )


def _differences(authority: x509.AuthorityKeyIdentifier, certificate: x509.Certificate) -> Iterator[str]:
    key = subject_key_identifier(certificate)
    if key is not None and authority.key_identifier not in (None, key):
        yield f"key identifier {(authority.key_identifier or b'')[:32].hex(':')}, there {key[:32].hex(':')}"
    if authority.authority_cert_serial_number not in (None, certificate.serial_number):
        yield f"serial number {authority.authority_cert_serial_number:x}, there {certificate.serial_number:x}"
    issuers = [each.value for each in authority.authority_cert_issuer or () if isinstance(each, x509.DirectoryName)]
    # Of several names the first counts (openssl v3_purp.c: X509_check_akid).
    if issuers and not names.are_equal(issuers[0].public_bytes(), names.issuer(certificate)):
        yield f"issuer {names.quote(issuers[0].public_bytes())}, there {names.quote(names.issuer(certificate))}"
