"""The lab of `make up`, `make demo` and the tests: a CA below a root, clients, a trust store, a listener, the stack.

Everything is created through the endpoint with boto3, as a user would create it on AWS.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.local.cloudformation.deploy import deploy
from infra.local.core.clients import create_bucket
from infra.local.elbv2.responses import trust_snapshot_of_listener
from infra.local.lab.pki import Client, PrivateCa
from infra.local.listener.listener import Listener, ServerCertificate
from infra.local.server import EmbeddedAws
from infra.template import TEMPLATE

CLIENTS = ("alice", "bob", "mallory")
STACK = "mtls-revocation"
_QUICK = {"PollIntervalSeconds": "1", "DeadlineSeconds": "300", "GiveWaySeconds": "10", "UsualCrlSeconds": "2"}
STARTING = "Starting the embedded AWS: Private CA, trust store, listener, and the stack of infra/template.yaml."


@dataclass
class BaseLab:
    """An embedded AWS with a CA below a root, a trust store for them, and the outputs of a stack."""

    aws: EmbeddedAws
    folder: Path
    root: PrivateCa
    authority: PrivateCa
    trust_store_arn: str
    outputs: dict[str, str]


@dataclass
class Lab(BaseLab):
    """An embedded AWS with everything that a revocation needs."""

    listener: Listener
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def ca_file(self) -> Path:
        """The file with the CA and its root, with which clients verify the listener."""
        return self.folder / "ca.pem"

    @property
    def crl_object(self) -> dict[str, str]:
        """Bucket and key of the CA's CRL, as arguments of the S3 API."""
        return {"Bucket": self.outputs["CrlBucketName"], "Key": f"crl/{self.authority.arn.rsplit('/', 1)[1]}.crl"}

    def environment(self) -> dict[str, str]:
        """Return the environment variables of a shell that works with the lab."""
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
def deployed_lab(
    aws: EmbeddedAws,
    folder: Path,
    *,
    clients: tuple[str, ...] = CLIENTS,
    root_alone: bool = False,
    listener_port: int = 0,
    **parameters: str,
) -> Iterator[Lab]:
    """Yield a lab; `root_alone` leaves the issuing CA out of the trust store, so that clients must send it.

    `parameters` are those of the template; by default the stack looks for the CRL every second, for five minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = PrivateCa.create_root(aws, "Embedded Root CA")
    authority = PrivateCa.create_under(root, "Embedded Issuing CA")
    bundle = [root] if root_alone else [authority, root]
    trust_store_arn = create_trust_store(aws, "clients", bundle)
    named = {"CertificateAuthorityArn": authority.arn, "TrustStoreArns": trust_store_arn}
    outputs = deploy(aws, TEMPLATE, {**named, **_QUICK, **parameters}, STACK)
    authority.publish_crls_to(outputs["CrlBucketName"])
    (folder / "ca.pem").write_text(authority.pem + root.pem)
    server = authority.issue_server(folder, "listener")
    listener_arn = create_listener(aws, trust_store_arn, server)
    listener = Listener(
        lambda: trust_snapshot_of_listener(listener_arn),
        ServerCertificate(server.certificate.read_bytes(), server.key.read_bytes()),
        aws.settings,
        port=listener_port,
        log=folder.parent / "connection.log",
    )
    with contextlib.closing(listener):
        lab = Lab(aws, folder, root, authority, trust_store_arn, outputs, listener)
        lab.clients |= {name: authority.issue_client(folder, name) for name in clients}
        yield lab


class HasCertificate(Protocol):
    """A CA with a certificate, which a trust store can hold."""

    @property
    def pem(self) -> str:
        """The CA's certificate."""


def create_trust_store(aws: EmbeddedAws, name: str, bundle: Sequence[HasCertificate]) -> str:
    """Create a trust store with these CAs in its bundle; return its ARN."""
    s3, bucket = aws.client("s3"), "embedded-ca-bundles"
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        create_bucket(s3, bucket)
    key = f"{name}.pem"
    s3.put_object(Bucket=bucket, Key=key, Body="".join(ca.pem for ca in bundle).encode())
    response = aws.client("elbv2").create_trust_store(
        Name=name, CaCertificatesBundleS3Bucket=bucket, CaCertificatesBundleS3Key=key
    )
    return str(response["TrustStores"][0]["TrustStoreArn"])


def create_listener(aws: EmbeddedAws, trust_store_arn: str, server: Client, balancer_name: str = "embedded") -> str:
    """Create a load balancer whose HTTPS listener verifies clients by the trust store; return the listener's ARN."""
    certificate_arn = aws.client("acm").import_certificate(
        Certificate=server.certificate_pem, PrivateKey=server.key.read_bytes(), CertificateChain=server.chain_pem
    )["CertificateArn"]
    subnets = aws.client("ec2").describe_subnets()["Subnets"][:2]
    elb = aws.client("elbv2")
    balancer = elb.create_load_balancer(
        Name=balancer_name, Type="application", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    response = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate_arn}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        MutualAuthentication={"Mode": "verify", "TrustStoreArn": trust_store_arn},
    )
    return str(response["Listeners"][0]["ListenerArn"])
