"""Reads a CRL (RFC 5280, 5), DER or PEM: well-formed, which is not yet good (`crl_checks` decides that).

Whatever the bytes are, `read` raises a subclass of CrlRefused and nothing else.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from cryptography import x509

from functions import limits
from functions.errors import CrlMalformed
from functions.pki.certificate_list import Outline, outline
from functions.pki.crl_pem import to_der
from functions.pki.der import integer_octets
from functions.pki.revoked_certificates import Entries

# A message goes into a state's output, and what it quotes from a CRL may have any length.
_MAX_SHOWN = 200

# What a reader of complete base CRLs understands; any other extension must not be critical (RFC 5280, 5.2).
_UNDERSTOOD = frozenset({x509.OID_AUTHORITY_KEY_IDENTIFIER, x509.CRLNumber.oid})
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


@dataclass(frozen=True, slots=True)
class Crl:
    """A well-formed CRL."""

    der: bytes = field(repr=False)
    sha256: str
    version: int
    issuer: x509.Name
    crl_number: int | None
    authority_key_identifier: bytes | None
    this_update: datetime
    next_update: datetime | None
    number_of_revoked_entries: int
    held_serials: frozenset[int]  # of the wanted ones
    unsupported: str | None  # the first part of it that a reader of complete base CRLs must not ignore
    outline: Outline = field(repr=False)
    stub: x509.CertificateRevocationList = field(repr=False)


def read(data: bytes, *, wanted: Collection[int] = (), max_entries: int = limits.MAX_REVOCATION_ENTRIES) -> Crl:
    """Read one CRL, DER or PEM, and which of the wanted serials it holds.

    Raises CrlTooLarge, CrlVersionUnsupported (a version that RFC 5280 does not define) and CrlMalformed.
    """
    der = to_der(data)
    parts = outline(der)
    entries = Entries(der, parts.entries, max_entries)
    wanted_octets = {integer_octets(serial) for serial in wanted}
    held_octets = {octets for octets in entries if octets in wanted_octets}
    held_serials = frozenset(int.from_bytes(octets, "big") for octets in held_octets)
    try:
        return _read_header(der, parts, entries, held_serials)
    except _UNREADABLE as error:
        raise CrlMalformed(f"the CRL's header or extensions cannot be read: {str(error)[:_MAX_SHOWN]}") from error


def _read_header(der: bytes, parts: Outline, entries: Entries, held_serials: frozenset[int]) -> Crl:
    stub = x509.load_der_x509_crl(parts.stub)
    number = _extension(stub, x509.CRLNumber)
    key = _extension(stub, x509.AuthorityKeyIdentifier)
    if number and number.crl_number.bit_length() > 8 * limits.MAX_CRL_NUMBER_OCTETS:
        raise CrlMalformed(
            f"the CRL number has {number.crl_number.bit_length()} bits, at most {limits.MAX_CRL_NUMBER_OCTETS} octets "
            "are allowed"
        )
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
        held_serials=held_serials,
        unsupported=_unsupported(stub) or entries.unsupported,
        outline=parts,
        stub=stub,
    )


def _extension(stub: x509.CertificateRevocationList, kind: type[_Extension]) -> _Extension | None:
    try:
        return stub.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _unsupported(stub: x509.CertificateRevocationList) -> str | None:
    for extension in stub.extensions:
        if extension.oid in _PARTIAL:
            return f"{_PARTIAL[extension.oid]} ({extension.oid.dotted_string}): {extension.value}"[:_MAX_SHOWN]
        if extension.critical and extension.oid not in _UNDERSTOOD:
            return f"critical extension {extension.oid.dotted_string}"
    return None


def serial_numbers(crl: Crl) -> set[int]:
    """Return all serial numbers in a CRL."""
    entries = Entries(crl.der, crl.outline.entries, crl.number_of_revoked_entries)
    return {int.from_bytes(octets, "big") for octets in entries}
