"""What a CRL is and whether it is known to be good: RFC 5280 only, no AWS.

`read` takes the bytes apart, `check` decides. Whatever the bytes are, both refuse with a subclass of
CrlRefused and nothing else. The order of the checks is fixed: what a CRL is, whose it is, whether it is signed,
whether it is timely.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from functions import limits
from functions.errors import (
    CrlAuthorityKeyMismatch,
    CrlExpired,
    CrlExtensionUnsupported,
    CrlIssuerMismatch,
    CrlMalformed,
    CrlNotYetValid,
    CrlNumberLower,
    CrlNumberMissing,
    CrlNumberReused,
    CrlSignatureInvalid,
    CrlSignatureUnsupported,
    CrlVersionUnsupported,
)
from functions.pki.certificate_list import Outline, outline
from functions.pki.crl_form import der_of
from functions.pki.crl_pem import write_pem
from functions.pki.der import integer_octets
from functions.pki.revoked_certificates import Entries
from functions.pki.signature import verify

__all__ = [
    "Crl",
    "Numbered",
    "check",
    "check_issuer",
    "is_complete_base",
    "is_issued_by",
    "read",
    "serial_numbers",
    "write_pem",
]

_V2 = 2

# A message goes into a state's output, and what it quotes from a CRL may have any length.
_SHOWN = 200

# What a reader of complete base CRLs understands; any other extension must not be critical (RFC 5280, 5.2).
_UNDERSTOOD = frozenset({x509.OID_AUTHORITY_KEY_IDENTIFIER, x509.CRLNumber.oid})
# openssl ca -gencrl writes version 1, without any extension, unless its configuration says otherwise.
_OPENSSL = (
    "If openssl ca -gencrl wrote it, add to openssl.cnf, in the section of the CA: crlnumber = $dir/crlnumber (a file "
    "that holds 01) and crl_extensions = crl_ext; and a section [ crl_ext ] with authorityKeyIdentifier = keyid:always"
)
_PARTIAL = {
    x509.DeltaCRLIndicator.oid: "delta CRL indicator",
    # Indirect, partitioned, or limited to some certificates or reasons: none speaks for all of a CA.
    x509.IssuingDistributionPoint.oid: "issuing distribution point",
}

# All that cryptography raises for a header it cannot read (TypeError: a name of an odd string type).
_UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Numbered(Protocol):
    """What has a CRL number and, to tell it from another of that number, the hash of its DER."""

    @property
    def crl_number(self) -> int | None:
        """The CRL number, or None where there is none to compare with."""

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the DER in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Crl:
    """A CRL that was read: well-formed, which is not yet good."""

    der: bytes = field(repr=False)
    sha256: str
    version: int
    issuer: x509.Name
    crl_number: int | None
    authority_key_identifier: bytes | None
    this_update: datetime
    next_update: datetime | None
    number_of_revoked_entries: int
    held: frozenset[int]
    unsupported: str | None  # the first thing in it that a reader of complete base CRLs must not ignore
    outline: Outline = field(repr=False)
    stub: x509.CertificateRevocationList = field(repr=False)


def read(data: bytes, *, wanted: Collection[int] = (), max_entries: int = limits.MAX_REVOCATION_ENTRIES) -> Crl:
    """Read one CRL, DER or PEM, and tell which of the wanted serials it holds.

    Raises CrlTooLarge, CrlVersionUnsupported (a version that RFC 5280 does not know) and CrlMalformed.
    """
    der = der_of(data)
    parts = outline(der)
    entries = Entries(der, parts.entries, max_entries)
    sought = {integer_octets(serial) for serial in wanted}
    held = {octets for octets in entries if octets in sought}
    try:
        return _described(der, parts, entries, frozenset(int.from_bytes(octets, "big") for octets in held))
    except _UNREADABLE as error:
        raise CrlMalformed(f"the CRL's header or extensions cannot be read: {str(error)[:_SHOWN]}") from error


def _described(der: bytes, parts: Outline, entries: Entries, held: frozenset[int]) -> Crl:
    stub = x509.load_der_x509_crl(parts.stub)
    number = _extension(stub, x509.CRLNumber)
    key = _extension(stub, x509.AuthorityKeyIdentifier)
    if number and number.crl_number.bit_length() > 8 * limits.MAX_CRL_NUMBER_OCTETS:
        raise CrlMalformed(f"the CRL number has {number.crl_number.bit_length()} bits, at most 20 octets are allowed")
    return Crl(
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        version=parts.version,
        issuer=stub.issuer,
        crl_number=number.crl_number if number else None,
        authority_key_identifier=key.key_identifier if key else None,
        this_update=stub.last_update_utc,
        next_update=stub.next_update_utc,
        number_of_revoked_entries=entries.number,
        held=held,
        unsupported=_unsupported(stub) or entries.unsupported,
        outline=parts,
        stub=stub,
    )


def _extension(source: x509.CertificateRevocationList | x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return source.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _unsupported(stub: x509.CertificateRevocationList) -> str | None:
    for extension in stub.extensions:
        if extension.oid in _PARTIAL:
            return f"{_PARTIAL[extension.oid]} ({extension.oid.dotted_string}): {extension.value}"[:_SHOWN]
        if extension.critical and extension.oid not in _UNDERSTOOD:
            return f"critical extension {extension.oid.dotted_string}"
    return None


def serial_numbers(crl: Crl) -> set[int]:
    """Return all serial numbers of a CRL that was read."""
    entries = Entries(crl.der, crl.outline.entries, crl.number_of_revoked_entries)
    return {int.from_bytes(octets, "big") for octets in entries}


def is_complete_base(crl: Crl) -> bool:
    """Tell whether a CRL speaks for all certificates of its issuer, and so may be compared with another."""
    return crl.version == _V2 and crl.unsupported is None and crl.crl_number is not None


def is_issued_by(crl: Crl, issuer: x509.Certificate) -> bool:
    """Tell whether a CRL is this issuer's, which is a name and a key; False for whatever cannot be told."""
    if crl.issuer != issuer.subject:
        return False
    key_identifier = _key_identifier(issuer)
    if None not in (crl.authority_key_identifier, key_identifier) and crl.authority_key_identifier != key_identifier:
        return False
    try:
        _check_signature(crl, issuer)
    except (CrlSignatureUnsupported, CrlSignatureInvalid):
        return False
    return True


def check(
    crl: Crl,
    *,
    issuer: x509.Certificate,
    now: datetime,
    attached: Numbered | None = None,
    key_identifier_needed: bool = True,
) -> None:
    """Refuse a CRL that is not known to be good and newest; `attached` is the issuer's newest attached list.

    Where it is known that no other certificate has signed it, the authority key identifier may be absent.

    Raises, in this order: CrlVersionUnsupported, CrlExtensionUnsupported, CrlNumberMissing,
    CrlIssuerMismatch, CrlAuthorityKeyMismatch, CrlSignatureUnsupported, CrlSignatureInvalid, CrlNotYetValid,
    CrlExpired, CrlNumberLower, CrlNumberReused.
    """
    number = _check_kind(crl)
    check_issuer(crl, issuer, key_identifier_needed=key_identifier_needed)
    _check_signature(crl, issuer)
    _check_time(crl, now)
    if attached is not None and attached.crl_number is not None:
        _check_number(crl, number, attached.crl_number, attached.sha256)


def _check_kind(crl: Crl) -> int:
    if crl.version != _V2:
        raise CrlVersionUnsupported(
            f"the CRL is version {crl.version}, and must be version {_V2} (RFC 5280, 5.1.2.1; {_named(crl)}). "
            f"{_OPENSSL}"
        )
    if crl.unsupported is not None:
        raise CrlExtensionUnsupported(
            f"the CRL is no complete base CRL that is understood in full: {crl.unsupported} ({_named(crl)})"
        )
    if crl.crl_number is None:
        raise CrlNumberMissing(
            f"the CRL has no CRL number (RFC 5280, 5.2.3) to tell it from an older one ({_named(crl)}). {_OPENSSL}"
        )
    return crl.crl_number


def check_issuer(crl: Crl, issuer: x509.Certificate, *, key_identifier_needed: bool) -> None:
    """Compare the CRL's issuer with a CA, by name and by key identifier.

    Raises CrlIssuerMismatch, CrlAuthorityKeyMismatch.
    """
    if crl.issuer != issuer.subject:
        raise CrlIssuerMismatch(f"the CRL's issuer is {_quoted(crl.issuer)}, and the CA is {_quoted(issuer.subject)}")
    key_identifier = _key_identifier(issuer)
    if not key_identifier_needed and None in (crl.authority_key_identifier, key_identifier):
        return
    if crl.authority_key_identifier is None or crl.authority_key_identifier != key_identifier:
        raise CrlAuthorityKeyMismatch(
            f"the CRL's authority key identifier is {_hexadecimal(crl.authority_key_identifier)}, "
            f"and the CA's subject key identifier is {_hexadecimal(key_identifier)} ({_named(crl)})"
        )


def _check_signature(crl: Crl, issuer: x509.Certificate) -> None:
    try:
        verify(memoryview(crl.der)[crl.outline.tbs], crl.stub, issuer)
    except InvalidSignature as error:
        raise CrlSignatureInvalid(
            f"the CRL's signature does not verify with the key of {_quoted(issuer.subject)} ({_named(crl)})"
        ) from error
    except UnsupportedAlgorithm as error:
        raise CrlSignatureUnsupported(
            f"the CRL's signature algorithm, or the CA's key, cannot be used: {error} ({_named(crl)})"
        ) from error


def _check_time(crl: Crl, now: datetime) -> None:
    if crl.this_update > now:
        raise CrlNotYetValid(
            f"the CRL's thisUpdate is {crl.this_update}, it must not be after now, {now} ({_named(crl)})"
        )
    if crl.next_update is None or crl.next_update <= now:
        raise CrlExpired(
            f"the CRL's nextUpdate is {crl.next_update or 'absent'}, it must be after now, {now} ({_named(crl)})"
        )


def _check_number(crl: Crl, number: int, attached: int, attached_sha256: str | None) -> None:
    if number < attached:
        raise CrlNumberLower(
            f"CRL number {number} is lower than the attached {attached} (issuer {_quoted(crl.issuer)})"
        )
    if number == attached and crl.sha256 != attached_sha256:
        raise CrlNumberReused(
            f"CRL number {number} is attached with other bytes: SHA-256 {attached_sha256} is attached, "
            f"{crl.sha256} was read (issuer {_quoted(crl.issuer)})"
        )


def _key_identifier(issuer: x509.Certificate) -> bytes | None:
    found = _extension(issuer, x509.SubjectKeyIdentifier)
    return found.digest if found else None


def _named(crl: Crl) -> str:
    return f"CRL number {crl.crl_number}, issuer {_quoted(crl.issuer)}"


def _quoted(name: x509.Name) -> str:
    return repr(name.rfc4514_string()[:_SHOWN])


def _hexadecimal(identifier: bytes | None) -> str:
    return "absent" if identifier is None else identifier[:32].hex(":")
