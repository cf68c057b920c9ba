"""Certificates and CRLs in memory whose defaults are valid: a test states only what is wrong with its own."""

import io
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from functions.pki.crl_pem import write_pem
from functions.pki.der import (
    BIT_STRING,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    integer_octets,
    wrap,
)

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

V2 = wrap(INTEGER, b"\x01")
EXPLICIT_EXTENSIONS = 0xA0
REASON_CODE = "2.5.29.21"

CrlExtensions = Sequence[tuple[x509.ExtensionType, bool]]
SHA256 = hashes.SHA256()


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Generate a key on a curve, by default P-256."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def rsa_key() -> rsa.RSAPrivateKey:
    """Generate an RSA key of 2048 bits."""
    return rsa.generate_private_key(65537, 2048)


def name(common_name: str) -> x509.Name:
    """Return a distinguished name."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and the certificates above it, the root last."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def serial(self) -> int:
        """The certificate's serial number."""
        return self.certificate.serial_number

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        """The certificates above it, empty for a root."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in self.chain)

    @property
    def key_pem(self) -> bytes:
        """The private key, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Authority(Identity):
    """A certificate authority."""

    @cached_property
    def key_identifier(self) -> bytes:
        """The subject key identifier of the CA's certificate."""
        return self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest

    def issue(  # noqa: PLR0913, each is one thing that a test may want to choose
        self,
        common_name: str = "client",
        *,
        serial: int | None = None,
        not_before: datetime = NOW - DAY,
        not_after: datetime = NOW + 30 * DAY,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        names: Sequence[x509.GeneralName] = (),
    ) -> Identity:
        """Issue an end-entity certificate, by default for a client."""
        key = ec_key()
        builder = _builder(common_name, key, self.certificate.subject, (not_before, not_after), serial)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier(self.key_identifier, None, None), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self.key, SHA256)
        )
        return Identity(certificate, key, (self.certificate, *self.chain))

    def crl(  # noqa: PLR0913, each is one thing that a test may want to be wrong
        self,
        serials: Iterable[int] = (),
        *,
        number: int | None = 1,
        this_update: datetime = NOW - HOUR,
        next_update: datetime | None = NOW + 7 * DAY,
        issuer: x509.Name | None = None,
        key_identifier: bytes | None = b"",
        extensions: CrlExtensions = (),
        entry_extensions: CrlExtensions = (),
        key: CertificateIssuerPrivateKeyTypes | None = None,
        algorithm: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None = SHA256,
        rsa_padding: padding.PSS | None = None,
    ) -> bytes:
        """Sign a CRL, at most some thousands of entries; `large_crl` is for more.

        None leaves out the number or the authority key identifier (its default is this CA's).
        """
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer or self.certificate.subject)
        builder = builder.last_update(this_update)
        # The builder requires a nextUpdate, so a CRL without one is encoded by hand.
        if next_update is None:
            return hand_made_crl(self, entries=b"".join(map(entry, serials)), next_update=b"")
        builder = builder.next_update(next_update)
        if key_identifier is not None:
            identifier = x509.AuthorityKeyIdentifier(key_identifier or self.key_identifier, None, None)
            builder = builder.add_extension(identifier, critical=False)
        if number is not None:
            builder = builder.add_extension(x509.CRLNumber(number), critical=False)
        for value, critical in extensions:
            builder = builder.add_extension(value, critical)
        for serial in serials:
            builder = builder.add_revoked_certificate(_revoked(serial, this_update, entry_extensions))
        return builder.sign(key or self.key, algorithm, rsa_padding=rsa_padding).public_bytes(Encoding.DER)


def certificate_authority(
    common_name: str = "Example CA",
    *,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    under: Authority | None = None,
    not_after: datetime = NOW + 3650 * DAY,
    with_key_identifier: bool = True,
) -> Authority:
    """Create a CA, by default a root."""
    key = key or ec_key()
    issuer = under.certificate.subject if under else name(common_name)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(common_name, key, issuer, (NOW - DAY, not_after), None)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    if with_key_identifier:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if under:
        above = x509.AuthorityKeyIdentifier(under.key_identifier, None, None)
        builder = builder.add_extension(above, critical=False)
    certificate = builder.sign(under.key if under else key, SHA256)
    return Authority(certificate, key, (under.certificate, *under.chain) if under else ())


def _builder(
    common_name: str,
    key: CertificateIssuerPrivateKeyTypes,
    issuer: x509.Name,
    validity: tuple[datetime, datetime],
    serial: int | None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() if serial is None else serial)
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
    )


def _revoked(serial: int, date: datetime, extensions: CrlExtensions) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.build()


# By hand: what the builder refuses, and what would take it hours (it copies its list at every entry).

_ALGORITHMS = {
    ec.EllipticCurvePrivateKey: wrap(SEQUENCE, bytes.fromhex("06082a8648ce3d040302")),  # ecdsa-with-SHA256
    rsa.RSAPrivateKey: wrap(SEQUENCE, bytes.fromhex("06092a864886f70d01010b0500")),  # sha256WithRSAEncryption
}


def utc_time(moment: datetime) -> bytes:
    """Encode a UTCTime."""
    return wrap(UTC_TIME, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    """Encode a GeneralizedTime."""
    return wrap(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def extension(dotted: str, value: bytes, *, critical: bytes = b"") -> bytes:
    """Encode an Extension; `critical` is the whole BOOLEAN."""
    oid = wrap(OBJECT_IDENTIFIER, _identifier(dotted))
    return wrap(SEQUENCE, oid, critical, wrap(OCTET_STRING, value))


def _identifier(dotted: str) -> bytes:
    # cryptography has no encoder of its own to call: a name's attribute carries one, and it is read back from there.
    attribute = x509.NameAttribute(x509.ObjectIdentifier(dotted), "")
    encoded = x509.Name([attribute]).public_bytes()
    return encoded[encoded.index(OBJECT_IDENTIFIER) + 2 :][:-2]


def reason(code: int) -> bytes:
    """Encode the extensions of an entry with a reason code."""
    return wrap(SEQUENCE, extension(REASON_CODE, wrap(ENUMERATED, bytes((code,)))))


def entry(serial: int, *, date: bytes = utc_time(NOW - HOUR), extensions: bytes = b"") -> bytes:
    """Encode an entry of revokedCertificates."""
    return wrap(SEQUENCE, wrap(INTEGER, integer_octets(serial)), date, extensions)


def hand_made_crl(  # noqa: PLR0913, these are the parts of a CRL
    authority: Authority,
    *,
    version: bytes = V2,
    this_update: bytes = utc_time(NOW - HOUR),
    next_update: bytes = utc_time(NOW + 7 * DAY),
    entries: bytes = b"",
    revoked: bytes | None = None,
    extensions: bytes | None = None,
    number: int = 1,
    outer_algorithm: bytes | None = None,
    inner_algorithm: bytes | None = None,
) -> bytes:
    """Sign a CRL put together from encoded parts; `revoked` is the whole revokedCertificates."""
    algorithm = next(found for kind, found in _ALGORITHMS.items() if isinstance(authority.key, kind))
    if revoked is None:
        revoked = wrap(SEQUENCE, entries) if entries else b""
    tbs = wrap(
        SEQUENCE,
        version,
        inner_algorithm or algorithm,
        authority.certificate.subject.public_bytes(),
        this_update,
        next_update,
        revoked,
        crl_extensions(authority, number) if extensions is None else extensions,
    )
    return wrap(SEQUENCE, tbs, outer_algorithm or algorithm, wrap(BIT_STRING, b"\0", _signature(authority, tbs)))


def crl_extensions(authority: Authority, number: int = 1, *more: bytes) -> bytes:
    """Encode the extensions of a good CRL, and more."""
    key = extension("2.5.29.35", wrap(SEQUENCE, wrap(0x80, authority.key_identifier)))
    return wrap(
        EXPLICIT_EXTENSIONS,
        wrap(SEQUENCE, key, extension("2.5.29.20", wrap(INTEGER, integer_octets(number))), *more),
    )


def _signature(authority: Authority, tbs: bytes) -> bytes:
    if isinstance(authority.key, rsa.RSAPrivateKey):
        return authority.key.sign(tbs, padding.PKCS1v15(), SHA256)
    if isinstance(authority.key, ec.EllipticCurvePrivateKey):
        return authority.key.sign(tbs, ec.ECDSA(SHA256))
    raise TypeError(type(authority.key))


def crl_pem(der: bytes) -> bytes:
    """Return a CRL as PEM."""
    file = io.BytesIO()
    write_pem(der, file)
    return file.getvalue()


def random_serials(count: int, *, octets: int = 16, seed: int = 1) -> list[int]:
    """Return distinct serials as CAs issue them, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311, a test wants the same every time
    serials: dict[int, None] = {}
    while len(serials) < count:
        serials[chance.getrandbits(8 * octets) | 1] = None
    return list(serials)


def large_crl(authority: Authority, serials: Collection[int], *, number: int = 1, seed: int = 1) -> bytes:
    """Sign a CRL of any size, as Private CA fills them: a date and mostly a reason for each entry."""
    chance = random.Random(seed)  # noqa: S311, a test wants the same every time
    reasons = [b"", *(reason(code) for code in (1, 2, 3, 4, 5, 9, 10) for _ in range(3))]
    first = NOW - 365 * DAY
    dates = [
        utc_time(first + timedelta(seconds=chance.randrange(365 * 86_400))) for _ in range(min(len(serials), 100_000))
    ]
    entries = b"".join(
        entry(serial, date=chance.choice(dates), extensions=chance.choice(reasons)) for serial in serials
    )
    return hand_made_crl(authority, entries=entries, number=number)
