"""Checks the extensions of a CRL's entries (RFC 5280, 5.3), which a CA writes alike into many entries."""

from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1

from functions.errors import CrlMalformed

_ENUMERATED = b"\x0a\x01"  # with its length
_REMOVE_FROM_CRL = 8
_REASONS = frozenset(range(11)) - {7}  # RFC 5280, 5.3.1: 7 is not used

# A CA may write another invalidityDate into each entry, and this must not fill the memory.
_MAX_REMEMBERED = 1_000


@asn1.sequence
class Extension:
    """One extension (RFC 5280, 4.1): its value is the DER of its own type."""

    extn_id: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    extn_value: bytes


@asn1.sequence
class _RevokedCertificate:
    user_certificate: asn1.TLV
    revocation_date: asn1.TLV
    crl_entry_extensions: list[Extension] | None


class EntryExtensions:
    """Checks entries, and names the first feature of each kind that makes a list unusable.

    Attributes:
        partial: the list speaks for other CAs' certificates too, or changes another list.
        critical: an extension is critical, and TLS libraries then refuse every client of the CA, even a reason.

    """

    def __init__(self) -> None:
        """Start with no entry checked."""
        self.partial: str | None = None
        self.critical: str | None = None
        self.checked = {b""}  # extensions that were checked, in DER

    def remember(self, encoded: bytes) -> None:
        """Keep extensions that were checked, up to a maximum number of them."""
        if len(self.checked) < _MAX_REMEMBERED:
            self.checked.add(encoded)

    def check(self, entry: bytes, number: int) -> None:
        """Check the extensions of the entry with this number in a list, which is given in DER.

        Raises CrlMalformed for extensions that are empty, occur twice, or hold no reason of RFC 5280.
        """
        what, seen = f"crlEntryExtensions of entry {number}", set[str]()
        extensions = asn1.decode_der(_RevokedCertificate, entry).crl_entry_extensions
        if not extensions:
            raise CrlMalformed(f"{what} are empty, and must be absent then (RFC 5280, 5.1.2.6)")
        for extension in extensions:
            oid = extension.extn_id.dotted_string
            if oid in seen:
                raise CrlMalformed(f"{what} hold the extension {oid} twice")
            seen.add(oid)
            if extension.extn_id == x509.CRLReason.oid:
                self._check_reason(extension.extn_value, what, number)
            if extension.extn_id == x509.CertificateIssuer.oid:
                self.partial = self.partial or f"entry extension {oid} in entry {number}"
            elif extension.critical:
                self.critical = self.critical or f"critical entry extension {oid} in entry {number}"

    def _check_reason(self, value: bytes, what: str, number: int) -> None:
        """Refuse what is not exactly one ENUMERATED of a known reason; cryptography also reads other values."""
        if len(value) != len(_ENUMERATED) + 1 or not value.startswith(_ENUMERATED) or value[-1] not in _REASONS:
            raise CrlMalformed(f"{what} hold reason 0x{value[:8].hex()}, unknown to RFC 5280, 5.3.1")
        if value[-1] == _REMOVE_FROM_CRL:
            self.partial = self.partial or f"entry with reason removeFromCRL in entry {number}"
