"""CAs of the embedded Private CA, and the certificates they issue, in files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class AwsClients(Protocol):
    """Whatever has clients of the embedded AWS."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - the client of any service
        """Return the client of a service."""


@dataclass(frozen=True, slots=True)
class Client:
    """A certificate and its key, in files; the certificate is followed by its CA's."""

    name: str
    certificate: Path
    key: Path
    serial: int

    @property
    def certificate_pem(self) -> bytes:
        """The certificate without its CA's."""
        return self.certificate.read_bytes().split(_END)[0] + _END

    @property
    def chain_pem(self) -> bytes:
        """The CA's certificate."""
        return self.certificate.read_bytes().split(_END, 1)[1].lstrip()


_END = b"-----END CERTIFICATE-----\n"


@dataclass(frozen=True, slots=True)
class PrivateCa:
    """A CA of the embedded Private CA, used through the API."""

    aws: AwsClients
    arn: str
    pem: str

    @classmethod
    def create_root(cls, aws: AwsClients, name: str) -> Self:
        """Create a root CA, which signs itself."""
        arn = _create(aws, name, "ROOT")
        return cls._install(aws, arn, arn, "RootCACertificate/V1", years=10)

    @classmethod
    def create_under(cls, parent: "PrivateCa", name: str) -> Self:
        """Create a subordinate CA."""
        arn = _create(parent.aws, name, "SUBORDINATE")
        return cls._install(parent.aws, arn, parent.arn, "SubordinateCACertificate_PathLen0/V1", years=5)

    @classmethod
    def _install(cls, aws: AwsClients, arn: str, signer: str, template: str, *, years: int) -> Self:
        pca = aws.client("acm-pca")
        csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
        pem = _issue(aws, signer, csr.encode(), template, {"Type": "YEARS", "Value": years})
        chain = {}
        if signer != arn:
            parent = pca.get_certificate_authority_certificate(CertificateAuthorityArn=signer)
            chain = {"CertificateChain": (parent["Certificate"] + parent.get("CertificateChain", "")).encode()}
        pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=pem.encode(), **chain)
        return cls(aws, arn, pem)

    def publish_crls_to(self, bucket: str, **configuration: object) -> None:
        """Enable the CRL, with further fields of the CrlConfiguration."""
        self.aws.client("acm-pca").update_certificate_authority(
            CertificateAuthorityArn=self.arn,
            RevocationConfiguration={
                "CrlConfiguration": {
                    "Enabled": True,
                    "ExpirationInDays": 7,
                    "S3BucketName": bucket,
                    "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
                    **configuration,
                }
            },
        )

    def issue_client(self, folder: Path, name: str, validity: dict[str, object] | None = None) -> Client:
        """Issue a client certificate; its file holds the certificate, then this CA."""
        template = "EndEntityClientAuthCertificate/V1"
        return self._issue_to(folder, name, template, validity or {"Type": "DAYS", "Value": 30}, [])

    def issue_server(self, folder: Path, name: str) -> Client:
        """Issue a server certificate for localhost."""
        names: list[x509.GeneralName] = [x509.DNSName("localhost")]
        validity: dict[str, object] = {"Type": "DAYS", "Value": 30}
        return self._issue_to(folder, name, "EndEntityServerAuthCertificate/V1", validity, names)

    def _issue_to(
        self, folder: Path, name: str, template: str, validity: dict[str, object], names: list[x509.GeneralName]
    ) -> Client:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject)
        if names:
            request = request.add_extension(x509.SubjectAlternativeName(names), critical=False)
        csr = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pem = _issue(self.aws, self.arn, csr, template, validity)
        serial = x509.load_pem_x509_certificate(pem.encode()).serial_number
        client = Client(name, folder / f"{name}.pem", folder / f"{name}.key", serial)
        client.certificate.write_text(pem + self.pem)
        client.key.touch(mode=0o600)
        client.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return client


def _create(aws: AwsClients, name: str, kind: str) -> str:
    response = aws.client("acm-pca").create_certificate_authority(
        CertificateAuthorityType=kind,
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": name, "Organization": "Embedded AWS"},
        },
    )
    return str(response["CertificateAuthorityArn"])


def _issue(aws: AwsClients, signer: str, csr: bytes, template: str, validity: dict[str, object]) -> str:
    pca = aws.client("acm-pca")
    arn = pca.issue_certificate(
        CertificateAuthorityArn=signer,
        Csr=csr,
        SigningAlgorithm="SHA256WITHECDSA",
        TemplateArn=f"arn:{signer.split(':')[1]}:acm-pca:::template/{template}",
        Validity=validity,
    )["CertificateArn"]
    pem = str(pca.get_certificate(CertificateAuthorityArn=signer, CertificateArn=arn)["Certificate"])
    return pem if pem.endswith("\n") else pem + "\n"
