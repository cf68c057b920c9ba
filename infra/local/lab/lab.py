"""What `make up`, `make demo` and the tests stand on: a CA under a root, clients, a trust store, a listener, the stack.

All of it is made through the endpoint with boto3, as a user would make it on AWS.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.local.cloudformation.deploy import deploy
from infra.local.elbv2 import responses as elbv2
from infra.local.lab.pki import Authority, Client
from infra.local.listener.listener import Listener, ServerCertificate
from infra.local.server import EmbeddedAws

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "infra" / "template.yaml"
CLIENTS = ("alice", "bob", "mallory")
STACK = "mtls-revocation"


@dataclass
class Laboratory:
    """An embedded AWS with everything in it that a revocation needs."""

    aws: EmbeddedAws
    folder: Path
    root: Authority
    authority: Authority
    trust_store_arn: str
    listener: Listener
    outputs: dict[str, str]
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def chain(self) -> Path:
        """The file with the CA and its root, which clients check the listener with."""
        return self.folder / "ca.pem"

    @property
    def crl_object(self) -> dict[str, str]:
        """Where Private CA puts its CRL, as the S3 API names it."""
        return {"Bucket": self.outputs["CrlBucketName"], "Key": f"crl/{self.authority.arn.rsplit('/', 1)[1]}.crl"}

    def environment(self) -> dict[str, str]:
        """Give what a shell needs to work with it."""
        return {
            **self.aws.environment(),
            "CERTIFICATE_AUTHORITY_ARN": self.authority.arn,
            "TRUST_STORE_ARN": self.trust_store_arn,
            "STATE_MACHINE_ARN": self.outputs["StateMachineArn"],
            "CRL_BUCKET": self.outputs["CrlBucketName"],
            "WORKFLOW_BUCKET": self.outputs["WorkflowBucketName"],
            "INPUT_BUCKET": self.outputs["InputBucketName"],
            "EVENT_BUS_NAME": self.outputs["EventBusName"],
            "NOTIFICATION_TOPIC_ARN": self.outputs["NotificationTopicArn"],
            "LISTENER_PORT": str(self.listener.port),
        }


@contextlib.contextmanager
def laboratory(
    aws: EmbeddedAws,
    folder: Path,
    *,
    clients: tuple[str, ...] = CLIENTS,
    root_alone: bool = False,
    listener_port: int = 0,
    **parameters: str,
) -> Iterator[Laboratory]:
    """Build everything; `root_alone` leaves the issuing CA out of the trust store, clients then send it along.

    `parameters` go to the template; it looks for the CRL every second, for five minutes, unless told otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = Authority.create_root(aws, "Embedded Root CA")
    authority = Authority.create_under(root, "Embedded Issuing CA")
    bundle = [root] if root_alone else [authority, root]
    trust_store_arn = create_trust_store(aws, "clients", bundle)
    outputs = deploy(
        aws,
        TEMPLATE,
        {
            "CertificateAuthorityArn": authority.arn,
            "TrustStoreArns": trust_store_arn,
            "PollIntervalSeconds": "1",
            "DeadlineSeconds": "300",
            "GiveWaySeconds": "10",
            "UsualCrlSeconds": "2",
            **parameters,
        },
        STACK,
    )
    authority.publish_crls_to(outputs["CrlBucketName"])
    (folder / "ca.pem").write_text(authority.pem + root.pem)
    server = authority.issue_server(folder, "listener")
    listener_arn = create_listener(aws, trust_store_arn, server)
    listener = Listener(
        lambda: elbv2.trust_snapshot_of_listener(listener_arn),
        ServerCertificate(server.certificate.read_bytes(), server.key.read_bytes()),
        aws.settings,
        port=listener_port,
        log=folder.parent / "connection.log",
    )
    with contextlib.closing(listener):
        made = Laboratory(aws, folder, root, authority, trust_store_arn, listener, outputs)
        made.clients |= {name: authority.issue_client(folder, name) for name in clients}
        yield made


class HasCertificate(Protocol):
    """A CA, as far as a trust store needs it."""

    @property
    def pem(self) -> str:
        """Its certificate."""


def create_trust_store(aws: EmbeddedAws, name: str, bundle: Sequence[HasCertificate]) -> str:
    """Create a trust store whose bundle holds these CAs; give its ARN."""
    s3, bucket = aws.client("s3"), "embedded-ca-bundles"
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.settings.region})
    key = f"{name}.pem"
    s3.put_object(Bucket=bucket, Key=key, Body="".join(authority.pem for authority in bundle).encode())
    made = aws.client("elbv2").create_trust_store(
        Name=name, CaCertificatesBundleS3Bucket=bucket, CaCertificatesBundleS3Key=key
    )
    return str(made["TrustStores"][0]["TrustStoreArn"])


def create_listener(aws: EmbeddedAws, trust_store_arn: str, server: Client) -> str:
    """Create a load balancer with an HTTPS listener that verifies clients against the trust store."""
    certificate_arn = aws.client("acm").import_certificate(
        Certificate=server.certificate_pem, PrivateKey=server.key.read_bytes(), CertificateChain=server.chain_pem
    )["CertificateArn"]
    subnets = aws.client("ec2").describe_subnets()["Subnets"][:2]
    elb = aws.client("elbv2")
    balancer = elb.create_load_balancer(
        Name="embedded", Type="application", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    made = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate_arn}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        MutualAuthentication={"Mode": "verify", "TrustStoreArn": trust_store_arn},
    )
    return str(made["Listeners"][0]["ListenerArn"])
