"""Certificates and CRLs in memory whose defaults are valid: a test states only what is wrong with its own."""

import io
from collections.abc import Iterable, Sequence
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

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Serial numbers as CAs issue them: 16 octets, of which the first is not zero.
A, B, C, D = (int(digit * 32, 16) for digit in "abcd")

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
class InMemoryCa(Identity):
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
        next_update: datetime = NOW + 7 * DAY,
        issuer: x509.Name | None = None,
        key_identifier: bytes | None = b"",
        extensions: CrlExtensions = (),
        entry_extensions: CrlExtensions = (),
        key: CertificateIssuerPrivateKeyTypes | None = None,
        algorithm: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None = SHA256,
        rsa_padding: padding.PSS | None = None,
    ) -> bytes:
        """Sign a CRL, at most some thousands of entries; `der_crl.large_crl` is for more.

        None leaves out the number or the authority key identifier (its default is this CA's).
        """
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer or self.certificate.subject)
        builder = builder.last_update(this_update)
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


def certificate_authority(  # noqa: PLR0913, each is one thing that a test may want to be different
    common_name: str = "Example CA",
    *,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    under: InMemoryCa | None = None,
    not_after: datetime = NOW + 3650 * DAY,
    with_key_identifier: bool = True,
    crl_sign: bool = True,
) -> InMemoryCa:
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
        crl_sign=crl_sign,
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
    signer = under.key if under else key
    certificate = builder.sign(
        signer, SHA256 if isinstance(signer, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None
    )
    return InMemoryCa(certificate, key, (under.certificate, *under.chain) if under else ())


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


def crl_pem(der: bytes) -> bytes:
    """Return a CRL as PEM."""
    file = io.BytesIO()
    write_pem(der, file)
    return file.getvalue()
