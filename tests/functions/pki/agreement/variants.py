"""A CA's certificate, its CRL and its clients, encoded by hand so that any field can be wrong."""

from dataclasses import dataclass, field
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions.pki.certificate_list import integer_octets
from tests.support import pki
from tests.support.der_crl import (
    BIT_STRING,
    EXPLICIT_EXTENSIONS,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    V2,
    extension,
    utc_time,
    wrap,
)

UTF8, NUMERIC, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP = 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1C, 0x1E
SET = 0x31
CRITICAL = b"\x01\x01\xff"
COMMON_NAME, ORGANIZATION = bytes.fromhex("0603550403"), bytes.fromhex("060355040a")
SERIAL_NUMBER = bytes.fromhex("0603550405")
_ECDSA = {
    hash_name: wrap(SEQUENCE, bytes.fromhex(oid))
    for hash_name, oid in {
        "sha1": "06072a8648ce3d0401",
        "sha224": "06082a8648ce3d040301",
        "sha256": "06082a8648ce3d040302",
        "sha384": "06082a8648ce3d040303",
    }.items()
}

Attribute = tuple[bytes, int, bytes]


def name(*rdns: Attribute | tuple[Attribute, ...]) -> bytes:
    """Encode a name of RDNs, each of one attribute or several."""
    sets = [(rdn,) if isinstance(rdn[0], bytes) else rdn for rdn in rdns]
    return wrap(
        SEQUENCE,
        *(
            wrap(SET, *sorted(wrap(SEQUENCE, kind, wrap(tag, value)) for kind, tag, value in attributes))
            for attributes in sets
        ),
    )


def common_name(value: str | bytes, tag: int = UTF8) -> bytes:
    """Encode a name that has an organization and this common name."""
    text = value if isinstance(value, bytes) else value.encode()
    return name((ORGANIZATION, PRINTABLE, b"Example Org"), (COMMON_NAME, tag, text))


SUBJECT = common_name("Example CA")
ROOT, OTHER = common_name("Example Root"), common_name("Another CA")


@dataclass(frozen=True)
class Variant:
    """A CA, its certificate in the bundle, and its CRL; the fields are encoded."""

    subject: bytes = SUBJECT
    ca_issuer: bytes = SUBJECT
    ca_serial: int = 0x1001
    key_usage: bytes | None = b"\x03\x02\x01\x06"  # keyCertSign and cRLSign
    usage_critical: bytes = CRITICAL
    ca_key_identifier: bytes | None = b"\x11" * 20
    issuer: bytes = SUBJECT
    leaf_issuer: bytes = SUBJECT
    version: bytes = V2
    this_update: bytes = utc_time(pki.NOW - pki.HOUR)
    next_update: bytes = utc_time(pki.NOW + pki.DAY)
    authority: bytes | None = wrap(0x80, b"\x11" * 20)
    authority_critical: bytes = b""
    number: bytes | None = wrap(INTEGER, b"\x05")
    number_critical: bytes = b""
    more: bytes = b""
    more_in_ca: bytes = b""
    entry_date: bytes = utc_time(pki.NOW - pki.HOUR)
    entry_extensions: bytes = b""
    first_entry: bytes = b""
    inner_hash: HashAlgorithm = field(default_factory=lambda: pki.SHA256)
    outer_hash: HashAlgorithm | None = None
    signed_by: int = 0

    @cached_property
    def ca(self) -> bytes:
        """The CA's certificate."""
        usage = extension("2.5.29.15", self.key_usage, critical=self.usage_critical) if self.key_usage else b""
        identifier = self.ca_key_identifier
        own = extension("2.5.29.14", wrap(OCTET_STRING, identifier)) if identifier is not None else b""
        basic = extension("2.5.29.19", wrap(SEQUENCE, CRITICAL), critical=CRITICAL)
        return _certificate(
            self.ca_issuer, self.subject, self.ca_serial, KEYS[0], basic + usage + own + self.more_in_ca
        )

    def client(self, serial: int) -> bytes:
        """Return a client's certificate."""
        return _certificate(self.leaf_issuer, common_name(f"client {serial}"), serial, KEYS[2], b"")

    def crl(self, revoked: int) -> bytes:
        """Return the CRL, in which one client is revoked."""
        algorithm = _ECDSA[self.inner_hash.name]
        extensions = b"".join(
            (
                extension("2.5.29.35", wrap(SEQUENCE, self.authority), critical=self.authority_critical)
                if self.authority is not None
                else b"",
                extension("2.5.29.20", self.number, critical=self.number_critical) if self.number is not None else b"",
                self.more,
            )
        )
        entry = wrap(
            SEQUENCE,
            wrap(INTEGER, integer_octets(revoked)),
            self.entry_date,
            wrap(SEQUENCE, self.entry_extensions) if self.entry_extensions else b"",
        )
        tbs = wrap(
            SEQUENCE,
            self.version,
            algorithm,
            self.issuer,
            self.this_update,
            self.next_update,
            wrap(SEQUENCE, self.first_entry, entry),
            wrap(EXPLICIT_EXTENSIONS, wrap(SEQUENCE, extensions)) if extensions else b"",
        )
        outer = self.outer_hash or self.inner_hash
        signature = KEYS[self.signed_by].sign(tbs, ec.ECDSA(outer))
        return wrap(SEQUENCE, tbs, _ECDSA[outer.name], wrap(BIT_STRING, b"\0", signature))


KEYS = [pki.ec_key() for _ in range(3)]  # the CA's, a stranger's, the clients'


def _certificate(issuer: bytes, subject: bytes, serial: int, key: ec.EllipticCurvePrivateKey, more: bytes) -> bytes:
    validity = wrap(SEQUENCE, utc_time(pki.NOW - pki.DAY), utc_time(pki.NOW + 30 * pki.DAY))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = _ECDSA["sha256"]
    extensions = wrap(0xA3, wrap(SEQUENCE, more)) if more else b""
    parts = (wrap(INTEGER, integer_octets(serial)), algorithm, issuer, validity, subject, public, extensions)
    tbs = wrap(SEQUENCE, wrap(0xA0, wrap(INTEGER, b"\x02")), *parts)
    return wrap(SEQUENCE, tbs, algorithm, wrap(BIT_STRING, b"\0", KEYS[0].sign(tbs, ec.ECDSA(pki.SHA256))))


def certificate(der: bytes) -> x509.Certificate:
    """Return a certificate that was encoded by hand."""
    return x509.load_der_x509_certificate(der)
