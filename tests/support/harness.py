"""What harnesses of the deployed stack share: the lab, and a trust store of the test's own."""

import uuid
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca import service as acm_pca
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.lab.lab import BaseLab, HasCertificate, create_trust_store
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from tests.support import pki


@dataclass
class Harness:
    """A lab and one trust store in it, created unless its ARN is passed."""

    lab: BaseLab
    trust_store_arn: str = ""

    def __post_init__(self) -> None:
        """Create the trust store."""
        self.trust_store_arn = self.trust_store_arn or self.another_trust_store()

    @property
    def aws(self) -> EmbeddedAws:
        """The embedded AWS that it all runs on."""
        return self.lab.aws

    @property
    def bucket(self) -> str:
        """The workflow's own bucket."""
        return self.lab.outputs["WorkflowBucketName"]

    def another_trust_store(self, *authorities: HasCertificate) -> str:
        """Create a trust store with these CAs in its bundle, or with the lab's CA and root; return its ARN."""
        bundle = list(authorities) or [self.lab.authority, self.lab.root]
        return create_trust_store(self.aws, f"t{uuid.uuid4().hex[:20]}", bundle)

    def with_key(self, authority: PrivateCa) -> pki.InMemoryCa:
        """Return a CA of the embedded Private CA with its key, to sign CRLs that Private CA would not."""
        ca = acm_pca.certificate_authority(authority.arn)
        assert ca.certificate is not None
        return pki.InMemoryCa(ca.certificate, ca.key)

    def add(self, der: bytes, trust_store_arn: str | None = None) -> int:
        """Add a CRL to the trust store as somebody else would; return its RevocationId."""
        key = f"elsewhere/{uuid.uuid4()}.pem"
        pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=pem)
        response = self.aws.client("elbv2").add_trust_store_revocations(
            TrustStoreArn=trust_store_arn or self.trust_store_arn,
            RevocationContents=[{"S3Bucket": self.bucket, "S3Key": key, "RevocationType": "CRL"}],
        )
        return int(response["TrustStoreRevocations"][0]["RevocationId"])

    def lists(self, trust_store_arn: str | None = None) -> dict[int, x509.CertificateRevocationList]:
        """Return the lists that the trust store shows, by RevocationId, as parsed by cryptography."""
        visible = embedded_elbv2.trust_store(trust_store_arn or self.trust_store_arn).visible_lists
        return {each.revocation_id: each.crl for each in visible}

    def held(self, trust_store_arn: str | None = None) -> set[int]:
        """Return all serials that the trust store refuses."""
        return {entry.serial_number for crl in self.lists(trust_store_arn).values() for entry in crl}
