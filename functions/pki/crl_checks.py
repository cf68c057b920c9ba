"""Decides whether a CRL that was read is known to be good: RFC 5280 alone, no AWS.

The order of the checks is fixed: what a CRL is, whose it is, whether it is signed, whether it is timely. Each refuses
with its own subclass of CrlRefused.
"""

from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from functions.errors import (
    CrlAuthorityKeyMismatch,
    CrlExpired,
    CrlExtensionUnsupported,
    CrlIssuerMismatch,
    CrlNotYetValid,
    CrlNumberLower,
    CrlNumberMissing,
    CrlNumberReused,
    CrlSignatureInvalid,
    CrlSignatureUnsupported,
    CrlVersionUnsupported,
)
from functions.pki import names
from functions.pki.certificate_extensions import subject_key_identifier
from functions.pki.crl import Crl
from functions.pki.signature import verify

_V2 = 2

# openssl ca -gencrl writes version 1, without any extension, unless its configuration says otherwise.
_OPENSSL = (
    "If openssl ca -gencrl wrote it, add to openssl.cnf, in the section of the CA: crlnumber = $dir/crlnumber (a file "
    "that holds 01) and crl_extensions = crl_ext; and a section [ crl_ext ] with authorityKeyIdentifier = keyid:always"
)


class HasCrlNumber(Protocol):
    """A CRL, or a record of one: its number and, to tell apart two CRLs of one number, the hash of its DER."""

    @property
    def crl_number(self) -> int | None:
        """The CRL number, or None if the CRL cannot be compared with others."""

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the DER in hexadecimal."""


def is_complete_base(crl: Crl) -> bool:
    """Return whether a CRL covers all certificates of its issuer, so that it may be compared with another."""
    return crl.version == _V2 and crl.partial is None and crl.crl_number is not None


def is_issued_by(crl: Crl, issuer: x509.Certificate) -> bool:
    """Return whether a CRL is this issuer's, by name and key; an issuer that cannot be verified is not."""
    if not names.are_equal(crl.issuer_der, names.subject(issuer)):
        return False
    try:
        check_signature(crl, issuer)
    except (CrlSignatureUnsupported, CrlSignatureInvalid):
        return False
    key_identifier = subject_key_identifier(issuer)  # which matters only of a certificate that has signed it
    return None in (crl.authority_key_identifier, key_identifier) or crl.authority_key_identifier == key_identifier


def check(
    crl: Crl,
    *,
    issuer: x509.Certificate,
    now: datetime,
    attached: HasCrlNumber | None = None,
    require_key_identifier: bool = True,
) -> None:
    """Refuse a CRL that is not known to be good and newest; `attached` is the issuer's newest attached list.

    `require_key_identifier` may be False where it is known that no other certificate has signed the CRL.

    Raises, in this order: CrlVersionUnsupported, CrlExtensionUnsupported, CrlNumberMissing,
    CrlIssuerMismatch, CrlAuthorityKeyMismatch, CrlSignatureUnsupported, CrlSignatureInvalid, CrlNotYetValid,
    CrlExpired, CrlNumberLower, CrlNumberReused.
    """
    number = _check_kind(crl)
    check_issuer(crl, issuer, require_key_identifier=require_key_identifier)
    check_signature(crl, issuer)
    _check_time(crl, now)
    if attached is not None and attached.crl_number is not None:
        _check_number(crl, number, attached.crl_number, attached.sha256)


def _check_kind(crl: Crl) -> int:
    if crl.version != _V2:
        raise CrlVersionUnsupported(
            f"the CRL is version {crl.version}, and must be version {_V2} (RFC 5280, 5.1.2.1; {_describe(crl)}). "
            f"{_OPENSSL}"
        )
    if crl.partial is not None:
        raise CrlExtensionUnsupported(f"the CRL is not a complete base CRL: {crl.partial} ({_describe(crl)})")
    if crl.critical is not None:
        raise CrlExtensionUnsupported(
            f"the CRL has a {crl.critical} ({_describe(crl)}): load balancers would refuse every client of this CA. "
            "Configure the CA not to mark it as critical"
        )
    if crl.crl_number is None:
        raise CrlNumberMissing(
            f"the CRL has no CRL number (RFC 5280, 5.2.3) to distinguish it from an older one ({_describe(crl)}). "
            f"{_OPENSSL}"
        )
    return crl.crl_number


def check_issuer(crl: Crl, issuer: x509.Certificate, *, require_key_identifier: bool) -> None:
    """Refuse a CRL whose issuer, by name or by key identifier, is another CA.

    Raises CrlIssuerMismatch, CrlAuthorityKeyMismatch.
    """
    if not names.are_equal(crl.issuer_der, names.subject(issuer)):
        reason = ""
        if names.differ_only_in_form(crl.issuer_der, names.subject(issuer)):
            reason = (
                ". Load balancers treat these names as different, since they ignore the case of ASCII letters alone. "
                "Configure the CA to write its subject into its CRLs as it is in its certificate"
            )
        raise CrlIssuerMismatch(
            f"the CRL's issuer is {names.quote(crl.issuer_der)}, and the CA is {names.quote_subject(issuer)}{reason}"
        )
    key_identifier = subject_key_identifier(issuer)
    if not require_key_identifier and None in (crl.authority_key_identifier, key_identifier):
        return
    if crl.authority_key_identifier is None or crl.authority_key_identifier != key_identifier:
        raise CrlAuthorityKeyMismatch(
            f"the CRL's authority key identifier is {_to_hex(crl.authority_key_identifier)}, "
            f"and the CA's subject key identifier is {_to_hex(key_identifier)} ({_describe(crl)})"
        )


def check_signature(crl: Crl, issuer: x509.Certificate) -> None:
    """Refuse a CRL that this issuer's key has not signed, or with an algorithm that load balancers do not accept.

    Raises CrlSignatureInvalid, CrlSignatureUnsupported.
    """
    try:
        verify(memoryview(crl.der)[crl.outline.tbs], crl.parsed, issuer)
    except InvalidSignature as error:
        raise CrlSignatureInvalid(
            f"the CRL's signature does not verify with the key of {names.quote_subject(issuer)} ({_describe(crl)})"
        ) from error
    except UnsupportedAlgorithm as error:
        raise CrlSignatureUnsupported(
            f"the CRL's signature algorithm, or the CA's key, cannot be used: {error} ({_describe(crl)})"
        ) from error


def _check_time(crl: Crl, now: datetime) -> None:
    if crl.this_update > now:
        raise CrlNotYetValid(
            f"the CRL's thisUpdate is {crl.this_update}, it must not be after now, {now} ({_describe(crl)})"
        )
    if crl.next_update is None or crl.next_update <= now:
        raise CrlExpired(
            f"the CRL's nextUpdate is {crl.next_update or 'absent'}, it must be after now, {now} ({_describe(crl)})"
        )


def _check_number(crl: Crl, number: int, attached: int, attached_sha256: str | None) -> None:
    if number < attached:
        raise CrlNumberLower(
            f"CRL number {number} is lower than the attached {attached} (issuer {names.quote(crl.issuer_der)})"
        )
    if number == attached and crl.sha256 != attached_sha256:
        raise CrlNumberReused(
            f"CRL number {number} is attached with other bytes: SHA-256 {attached_sha256} is attached, "
            f"{crl.sha256} was read (issuer {names.quote(crl.issuer_der)})"
        )


def _describe(crl: Crl) -> str:
    return f"CRL number {crl.crl_number}, issuer {names.quote(crl.issuer_der)}"


def _to_hex(identifier: bytes | None) -> str:
    return "absent" if identifier is None else identifier[:32].hex(":")
