"""Private CA of the embedded AWS: its keys, and the certificates that it issues."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import moto
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from moto.acmpca.models import ACMPCABackend
from moto.acmpca.models import CertificateAuthority as StockAuthority
from mypy_boto3_acm_pca.literals import KeyAlgorithmType, SigningAlgorithmType, ValidityPeriodTypeType

from infra.local.acm_pca.service import PrivateCaBackend
from tests.support.openssl import openssl
from tests.support.private_ca import LocalCa
from tests.support.services import Services, refused

UNKNOWN_SERIAL = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def authority(services: Services) -> LocalCa:
    """Return an active root CA without a CRL."""
    return LocalCa.create(services, crl={})


def test_openssl_accepts_a_certificate_of_the_ca(authority: LocalCa, tmp_path: Path) -> None:
    """An issued certificate verifies with the CA's own, for a TLS client."""
    certificate, _ = authority.issue().write(tmp_path)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    assert "OK" in openssl("verify", "-purpose", "sslclient", "-x509_strict", "-CAfile", ca, certificate)


@pytest.mark.parametrize(
    ("key", "signing", "oid"),
    [
        ("EC_prime256v1", "SHA256WITHECDSA", x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256),
        ("EC_secp384r1", "SHA384WITHECDSA", x509.SignatureAlgorithmOID.ECDSA_WITH_SHA384),
        ("RSA_2048", "SHA256WITHRSA", x509.SignatureAlgorithmOID.RSA_WITH_SHA256),
        ("RSA_2048", "SHA512WITHRSA_PSS", x509.SignatureAlgorithmOID.RSASSA_PSS),
    ],
)
def test_ca_signs_with_its_configured_algorithm(
    services: Services, key: KeyAlgorithmType, signing: SigningAlgorithmType, oid: x509.ObjectIdentifier
) -> None:
    """Certificates have the signing algorithm of the CA's configuration."""
    authority = LocalCa.create(services, crl={}, keys=(key, signing))
    leaf = authority.issue().certificate
    leaf.verify_directly_issued_by(authority.certificate)
    assert leaf.signature_algorithm_oid == oid


def test_an_algorithm_of_another_family_is_refused(services: Services) -> None:
    """An RSA signature cannot come from an EC key."""
    with refused("InvalidArgsException"):
        LocalCa.create(services, crl={}, keys=("EC_prime256v1", "SHA256WITHRSA"))


def test_a_subordinate_ca_chains_to_its_root(services: Services, authority: LocalCa, tmp_path: Path) -> None:
    """A CA that another signs becomes active, and its chain can be read."""
    subordinate = authority.subordinate()
    leaf, _ = subordinate.issue().write(tmp_path)
    response = services.pca.get_certificate_authority_certificate(CertificateAuthorityArn=subordinate.arn)
    root, own = tmp_path / "root.pem", tmp_path / "own.pem"
    root.write_text(response["CertificateChain"])
    own.write_text(response["Certificate"])
    assert "OK" in openssl("verify", "-x509_strict", "-CAfile", root, "-untrusted", own, leaf)


def test_the_arn_ends_in_the_serial_number(authority: LocalCa) -> None:
    """Serial numbers are positive, of 128 bits, and the certificate's ARN ends in their 32 hex digits."""
    leaf = authority.issue()
    assert leaf.arn == f"{authority.arn}/certificate/{leaf.serial:032x}"
    assert 0 < leaf.serial < 2**128


@pytest.mark.parametrize(
    ("kind", "value", "min_days", "max_days"),
    [("DAYS", 3, 3, 3), ("MONTHS", 2, 59, 62), ("YEARS", 1, 365, 366)],
)
def test_validity_counts_from_now(
    authority: LocalCa, kind: ValidityPeriodTypeType, value: int, min_days: int, max_days: int
) -> None:
    """Days, months and years count from the time of issuance."""
    before = datetime.now(UTC).replace(microsecond=0)
    ends = authority.issue(validity={"Type": kind, "Value": value}).certificate.not_valid_after_utc
    assert before + timedelta(days=min_days) <= ends <= datetime.now(UTC) + timedelta(days=max_days)


@pytest.mark.parametrize("kind", ["ABSOLUTE", "END_DATE"])
def test_validity_can_be_absolute(authority: LocalCa, kind: ValidityPeriodTypeType) -> None:
    """An end in epoch seconds, or as a date, is exact to the second."""
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=90)
    value = int(ends.timestamp()) if kind == "ABSOLUTE" else int(f"{ends:%Y%m%d%H%M%S}")
    assert authority.issue(validity={"Type": kind, "Value": value}).certificate.not_valid_after_utc == ends


def test_no_certificate_outlives_its_ca(authority: LocalCa) -> None:
    """A validity that ends after the CA's own is refused."""
    with refused("ValidationException"):
        authority.issue(validity={"Type": "YEARS", "Value": 11})


@pytest.mark.parametrize(
    ("template", "purposes"),
    [
        ("EndEntityCertificate/V1", [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
        ("EndEntityClientAuthCertificate/V1", [ExtendedKeyUsageOID.CLIENT_AUTH]),
        ("EndEntityServerAuthCertificate/V1", [ExtendedKeyUsageOID.SERVER_AUTH]),
    ],
)
def test_template_decides_the_extended_key_usage(
    authority: LocalCa, template: str, purposes: list[x509.ObjectIdentifier]
) -> None:
    """Client, server or both, as the template says."""
    usage = authority.issue(template=template).certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == purposes


def test_subject_and_alternative_names_come_from_the_csr(authority: LocalCa) -> None:
    """The certificate has the names of its CSR."""
    certificate = authority.issue("gateway", dns_names=("a.example", "b.example")).certificate
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert certificate.subject.rfc4514_string() == "CN=gateway,O=Example"
    assert names.get_values_for_type(x509.DNSName) == ["a.example", "b.example"]


def test_malformed_csr_is_refused(authority: LocalCa) -> None:
    """No certificate is issued for bytes that are not a certificate signing request."""
    with refused("MalformedCSRException"):
        authority.issue_csr(b"nonsense", "EndEntityCertificate/V1", {"Type": "DAYS", "Value": 1})


def test_a_pending_ca_issues_nothing(services: Services) -> None:
    """A CA whose certificate is not imported yet cannot issue certificates to others."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pending = LocalCa(services, _create_pending_ca(services), None, "SHA256WITHECDSA")
    with refused("InvalidStateException"):
        pending.issue_csr(csr.public_bytes(Encoding.PEM), "EndEntityCertificate/V1", {"Type": "DAYS", "Value": 1})


def _create_pending_ca(services: Services) -> str:
    arn: str = services.pca.create_certificate_authority(
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Pending"},
        },
        CertificateAuthorityType="ROOT",
    )["CertificateAuthorityArn"]
    return arn


def test_the_certificate_of_another_ca_is_not_imported(services: Services, authority: LocalCa) -> None:
    """A CA accepts only a certificate for its own key."""
    with refused("CertificateMismatchException"):
        services.pca.import_certificate_authority_certificate(
            CertificateAuthorityArn=_create_pending_ca(services),
            Certificate=authority.certificate.public_bytes(Encoding.PEM),
        )


def test_a_revoked_certificate_can_still_be_read(services: Services, authority: LocalCa) -> None:
    """GetCertificate returns it like any other."""
    leaf = authority.issue()
    authority.revoke(leaf)
    response = services.pca.get_certificate(CertificateAuthorityArn=authority.arn, CertificateArn=leaf.arn)
    assert x509.load_pem_x509_certificate(response["Certificate"].encode()) == leaf.certificate


def test_an_unknown_certificate_is_not_found(services: Services, authority: LocalCa) -> None:
    """GetCertificate finds only certificates of this CA."""
    with refused("ResourceNotFoundException"):
        services.pca.get_certificate(
            CertificateAuthorityArn=authority.arn, CertificateArn=f"{authority.arn}/certificate/{UNKNOWN_SERIAL}"
        )


def test_moto_still_lacks_what_is_replaced() -> None:
    """Each replaced class exists in this version of moto, with the behaviour that made replacing it necessary."""
    assert moto.__version__ == "5.2.5"
    assert issubclass(PrivateCaBackend, ACMPCABackend)
    stock = StockAuthority("eu-central-1", "123456789012", {"KeyAlgorithm": "EC_prime256v1"}, "ROOT", {}, None)
    assert stock.key.key_size == 2048, "moto honours KeyAlgorithm now"
    assert stock.usage_mode == "SHORT_LIVED_CERTIFICATE", "moto honours UsageMode now"
    backend = ACMPCABackend("eu-central-1", "123456789012")
    backend.certificate_authorities[stock.arn] = stock
    stock.status = "ACTIVE"
    backend.revoke_certificate(stock.arn, "no serial at all", "NO_REASON")
    assert stock.revoked_certificates, "moto checks serial numbers now"


def test_idempotency_tokens(services: Services, authority: LocalCa) -> None:
    """The same token makes one CA; the serial number of a CA's own certificate is described."""
    described = services.pca.describe_certificate_authority(CertificateAuthorityArn=authority.arn)
    assert described["CertificateAuthority"]["Serial"] == str(authority.certificate.serial_number)

    def create(**token: str) -> str:
        return services.pca.create_certificate_authority(
            CertificateAuthorityType="ROOT",
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": "EC_prime256v1",
                "SigningAlgorithm": "SHA256WITHECDSA",
                "Subject": {"CommonName": "Once"},
            },
            **token,  # type: ignore[arg-type] # IdempotencyToken
        )["CertificateAuthorityArn"]

    first = create(IdempotencyToken="a")
    assert create(IdempotencyToken="a") == first
    assert len({first, create(IdempotencyToken="b"), create(), create()}) == 4


def test_a_token_of_another_list(services: Services) -> None:
    """Private CA has a code of its own for it."""
    with refused("InvalidNextTokenException"):
        services.pca.list_certificate_authorities(NextToken="another")
