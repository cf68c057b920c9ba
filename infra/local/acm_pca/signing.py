"""What AWS Private CA signs with: keys, names, algorithms and certificate templates, as real X.509."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from dateutil.relativedelta import relativedelta

from infra.local.core.requests import ServiceError

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_CURVES: dict[str, ec.EllipticCurve] = {
    "EC_prime256v1": ec.SECP256R1(),
    "EC_secp384r1": ec.SECP384R1(),
    "EC_secp521r1": ec.SECP521R1(),
}
_RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
# ASN1Subject of the API, in the order in which Private CA writes the name.
_NAME_FIELDS = {
    "Country": NameOID.COUNTRY_NAME,
    "State": NameOID.STATE_OR_PROVINCE_NAME,
    "Locality": NameOID.LOCALITY_NAME,
    "Organization": NameOID.ORGANIZATION_NAME,
    "OrganizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DistinguishedNameQualifier": NameOID.DN_QUALIFIER,
    "CommonName": NameOID.COMMON_NAME,
    "SerialNumber": NameOID.SERIAL_NUMBER,
    "Title": NameOID.TITLE,
    "Surname": NameOID.SURNAME,
    "GivenName": NameOID.GIVEN_NAME,
    "Initials": NameOID.INITIALS,
    "Pseudonym": NameOID.PSEUDONYM,
    "GenerationQualifier": NameOID.GENERATION_QUALIFIER,
}


def generate_key(algorithm: str) -> PrivateKey:
    """Generate a key for a `KeyAlgorithm` of the API; ML-DSA and SM2 are not available."""
    if curve := _CURVES.get(algorithm):
        return ec.generate_private_key(curve)
    if bits := _RSA_BITS.get(algorithm):
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    raise ServiceError("InvalidArgsException", f"KeyAlgorithm {algorithm} is not available here")


def distinguished_name(subject: Mapping[str, Any]) -> x509.Name:
    """Return an `ASN1Subject` of the API as a name."""
    custom = subject.get("CustomAttributes") or []
    return x509.Name(
        [x509.NameAttribute(oid, subject[field]) for field, oid in _NAME_FIELDS.items() if subject.get(field)]
        + [x509.NameAttribute(x509.ObjectIdentifier(a["ObjectIdentifier"]), a["Value"]) for a in custom]
    )


@dataclass(frozen=True)
class Signature:
    """A `SigningAlgorithm` of the API, as the X.509 builders of cryptography take it."""

    algorithm: hashes.SHA256 | hashes.SHA384 | hashes.SHA512
    rsa_padding: padding.PSS | None

    @classmethod
    def named(cls, name: str, key: PrivateKey) -> "Signature":
        """Return the algorithm called `name`.

        Raises:
            ServiceError: InvalidArgsException if it is unknown, or `key` is of another family.

        """
        digest, _, scheme = name.partition("WITH")
        family = "RSA" if isinstance(key, rsa.RSAPrivateKey) else "ECDSA"
        if digest not in _HASHES or scheme.removesuffix("_PSS") != family or scheme == "ECDSA_PSS":
            raise ServiceError("InvalidArgsException", f"SigningAlgorithm {name} does not fit the CA's {family} key")
        pss = padding.PSS(padding.MGF1(_HASHES[digest]), padding.PSS.DIGEST_LENGTH)
        return cls(_HASHES[digest], pss if scheme.endswith("_PSS") else None)


@dataclass(frozen=True)
class Template:
    """A certificate template: https://docs.aws.amazon.com/privateca/latest/userguide/template-definitions.html."""

    name: str
    is_ca: bool = False
    is_self_signed: bool = False
    path_length: int | None = None
    extended_key_usage: Sequence[x509.ObjectIdentifier] = ()

    @property
    def key_usage(self) -> x509.KeyUsage:
        """The key usage: to sign certificates and CRLs for a CA, and encipherment for an end entity."""
        return x509.KeyUsage(
            digital_signature=True,
            key_encipherment=not self.is_ca,
            key_cert_sign=self.is_ca,
            crl_sign=self.is_ca,
            content_commitment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )


_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_TEMPLATES = [
    Template("RootCACertificate/V1", is_ca=True, is_self_signed=True),
    *(Template(f"SubordinateCACertificate_PathLen{n}/V1", is_ca=True, path_length=n) for n in range(4)),
    Template("EndEntityCertificate/V1", extended_key_usage=(_SERVER, _CLIENT)),
    Template("EndEntityClientAuthCertificate/V1", extended_key_usage=(_CLIENT,)),
    Template("EndEntityServerAuthCertificate/V1", extended_key_usage=(_SERVER,)),
]
TEMPLATES = {template.name: template for template in _TEMPLATES}


def find_template(arn: str | None) -> Template:
    """Return the template of a `TemplateArn`; the default is EndEntityCertificate/V1, as on AWS."""
    name = (arn or "EndEntityCertificate/V1").rpartition(":template/")[2]
    if name not in TEMPLATES:
        raise ServiceError("InvalidArgsException", f"TemplateArn {arn} is not available here")
    return TEMPLATES[name]


def point_in_time(validity: Mapping[str, Any], starts: datetime) -> datetime:
    """Return the time that a `Validity` of the API means; DAYS, MONTHS and YEARS count from `starts`."""
    kind, value = validity["Type"], int(validity["Value"])
    try:
        if kind == "DAYS":
            return starts + timedelta(days=value)
        if kind in {"MONTHS", "YEARS"}:
            end: datetime = starts + relativedelta(months=value * (12 if kind == "YEARS" else 1))
            return end
        if kind == "ABSOLUTE":
            return datetime.fromtimestamp(value, UTC)
        if kind == "END_DATE":  # UTCTime or GeneralizedTime, written as a number
            digits = f"{value:014d}" if value >= 10**12 else f"{value:012d}"
            return datetime.strptime(digits, "%Y%m%d%H%M%S" if len(digits) == 14 else "%y%m%d%H%M%S").replace(  # noqa: PLR2004
                tzinfo=UTC
            )
    except (ValueError, OverflowError) as error:
        raise ServiceError("ValidationException", f"Validity {kind} {value} is not a valid time") from error
    raise ServiceError("ValidationException", f"Validity type {kind} is unknown")


@dataclass(frozen=True)
class Issuer:
    """The issuer of a certificate or CRL; `crl_url` becomes the CRL distribution point of its certificates."""

    name: x509.Name
    key: PrivateKey
    signing_algorithm: str
    crl_url: str | None = None

    @property
    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """The authority key identifier of certificates and CRLs of this issuer."""
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())


def sign_certificate(
    issuer: Issuer, csr: x509.CertificateSigningRequest, template: Template, starts: datetime, ends: datetime
) -> x509.Certificate:
    """Return a certificate for the CSR's subject and key, with a random serial number of 128 bits.

    Of the CSR's extensions only the subject alternative name is copied, as on AWS.
    """
    signature = Signature.named(issuer.signing_algorithm, issuer.key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(issuer.name)
        .public_key(csr.public_key())
        .serial_number(secrets.randbits(128) or 1)
        .not_valid_before(starts)
        .not_valid_after(ends)
    )
    for extension, critical in _extensions(issuer, csr, template):
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, signature.algorithm, rsa_padding=signature.rsa_padding)


def _extensions(
    issuer: Issuer, csr: x509.CertificateSigningRequest, template: Template
) -> list[tuple[x509.ExtensionType, bool]]:
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=template.is_ca, path_length=template.path_length), True),
        (x509.SubjectKeyIdentifier.from_public_key(csr.public_key()), False),
        (template.key_usage, True),
    ]
    if template.extended_key_usage:
        extensions.append((x509.ExtendedKeyUsage(template.extended_key_usage), False))
    if not template.is_self_signed:
        extensions.append((issuer.key_identifier, False))
        if issuer.crl_url:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(issuer.crl_url)], None, None, None)
            extensions.append((x509.CRLDistributionPoints([point]), False))
    if not template.is_ca:
        extensions += [
            (extension.value, extension.critical)
            for extension in csr.extensions
            if isinstance(extension.value, x509.SubjectAlternativeName)
        ]
    return extensions
