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
from functions.errors import CrlMalformed, CrlTooLarge, CrlVersionUnsupported
from functions.pki.certificate_list import Outline, element, integer_octets, outline, walk
from functions.pki.crl_pem import to_der
from functions.pki.entry_extensions import EntryExtensions
from functions.pki.unreadable import refuse_unreadable

# A message goes into a state's output, and what it quotes from a CRL may have any length.
_MAX_SHOWN = 200

# Besides those of partial CRLs, the only extension that TLS libraries process when it is critical. They refuse every
# client of a CA whose list has another one, even the CRL number, which must not be critical (RFC 5280, 5.2.3).
_MAY_BE_CRITICAL = x509.OID_AUTHORITY_KEY_IDENTIFIER
_PARTIAL = {
    x509.DeltaCRLIndicator.oid: "delta CRL indicator",
    # Indirect, partitioned, or limited to some certificates or reasons: none speaks for all of a CA.
    x509.IssuingDistributionPoint.oid: "issuing distribution point",
}

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Crl:
    """A well-formed CRL."""

    der: bytes = field(repr=False)
    sha256: str
    version: int
    crl_number: int | None
    authority_key_identifier: bytes | None
    this_update: datetime
    next_update: datetime | None
    number_of_revoked_entries: int
    held_serials: frozenset[int]  # of those that were asked for
    partial: str | None  # what shows that it does not speak for all certificates of the CA
    critical: str | None  # the first critical extension that load balancers do not process
    outline: Outline = field(repr=False)
    parsed: x509.CertificateRevocationList = field(repr=False)

    @property
    def issuer_der(self) -> bytes:
        """The issuer as it is encoded, for `names`: cryptography cannot decode each name that CRLs have."""
        return self.der[self.outline.issuer]


def read(data: bytes, *, wanted: Collection[int] = (), max_entries: int = limits.MAX_REVOCATION_ENTRIES) -> Crl:
    """Read one CRL, DER or PEM, and which of the wanted serials it holds.

    Raises CrlTooLarge, CrlVersionUnsupported (a version that RFC 5280 does not define) and CrlMalformed.
    """
    der = to_der(data)
    with refuse_unreadable(CrlMalformed, "the CRL cannot be read"):
        try:
            parsed = x509.load_der_x509_crl(der)
        except x509.InvalidVersion as error:
            raise CrlVersionUnsupported(f"the CRL's version is not 1 or 2 (RFC 5280, 5.1.2.1): {error}") from None
        if len(parsed) > max_entries:
            raise CrlTooLarge(f"the CRL holds {len(parsed):,} entries, more than the limit of {max_entries:,}")
        return _read(der, parsed, {integer_octets(serial) for serial in wanted})


def _read(der: bytes, parsed: x509.CertificateRevocationList, wanted: set[bytes]) -> Crl:
    parts = outline(der)
    held, extensions = set[bytes](), EntryExtensions()
    for number, (at, serial, encoded) in enumerate(walk(der, parts.entries), 1):
        if serial in wanted:
            held.add(serial)
        if encoded not in extensions.checked:
            extensions.check(element(der, at), number)
            extensions.remember(encoded)
    crl_number = find_extension(parsed, x509.CRLNumber)
    key = find_extension(parsed, x509.AuthorityKeyIdentifier)
    if crl_number and crl_number.crl_number.bit_length() > 8 * limits.MAX_CRL_NUMBER_OCTETS:
        bits = crl_number.crl_number.bit_length()
        raise CrlMalformed(f"the CRL number has {bits} bits, at most {limits.MAX_CRL_NUMBER_OCTETS} octets are allowed")
    return Crl(
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        version=parts.version,
        crl_number=crl_number.crl_number if crl_number else None,
        authority_key_identifier=key.key_identifier if key else None,
        this_update=parsed.last_update_utc,
        next_update=parsed.next_update_utc,
        number_of_revoked_entries=len(parsed),
        held_serials=frozenset(int.from_bytes(octets, "big") for octets in held),
        partial=_partial(parsed) or extensions.partial,
        critical=_critical(parsed) or extensions.critical,
        outline=parts,
        parsed=parsed,
    )


def find_extension(parsed: x509.CertificateRevocationList, kind: type[_Extension]) -> _Extension | None:
    """Return the extension of this kind, or None.

    Raises CrlMalformed.
    """
    with refuse_unreadable(CrlMalformed, "the CRL cannot be read"):
        extensions = parsed.extensions
    return next((each.value for each in extensions if isinstance(each.value, kind)), None)


def _partial(parsed: x509.CertificateRevocationList) -> str | None:
    for extension in parsed.extensions:
        if extension.oid in _PARTIAL:
            return f"{_PARTIAL[extension.oid]} ({extension.oid.dotted_string}): {extension.value}"[:_MAX_SHOWN]
    return None


def _critical(parsed: x509.CertificateRevocationList) -> str | None:
    for extension in parsed.extensions:
        if extension.critical and extension.oid != _MAY_BE_CRITICAL:
            return f"critical extension {extension.oid.dotted_string}"
    return None


def serial_numbers(crl: Crl) -> set[int]:
    """Return all serial numbers in a CRL."""
    return {int.from_bytes(serial, "big") for _, serial, _ in walk(crl.der, crl.outline.entries)}
