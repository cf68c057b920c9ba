"""Load balancers of the embedded AWS: mutual authentication of their listeners, and how long clients stay."""

from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from moto.elbv2.models import elbv2_backends

from infra.local.elbv2 import responses as elbv2
from infra.local.server import EmbeddedAws
from tests.support.services import Authority, Services, refused


@pytest.fixture(scope="module")
def store(services: Services) -> str:
    """Give the ARN of a trust store."""
    return services.trust_store(Authority.create(services, crl={}).certificate.public_bytes(Encoding.PEM))


@pytest.fixture
def balancer(services: Services, embedded_aws: EmbeddedAws) -> str:
    """Give the ARN of a load balancer."""
    subnets = embedded_aws.client("ec2").describe_subnets()["Subnets"][:2]
    answer = services.elb.create_load_balancer(
        Name=uuid4().hex[:20], Type="application", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )
    return answer["LoadBalancers"][0]["LoadBalancerArn"]


def _listener(services: Services, balancer: str, protocol: str = "HTTPS", **options: Any) -> str:  # noqa: ANN401
    answer = services.elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol=protocol,  # type: ignore[arg-type]
        Port=443,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        **options,
    )
    return answer["Listeners"][0]["ListenerArn"]


def _mutual_authentication(services: Services, listener: str) -> dict[str, Any]:
    (described,) = services.elb.describe_listeners(ListenerArns=[listener])["Listeners"]
    return dict(described.get("MutualAuthentication", {}))


def test_a_listener_verifies_against_a_trust_store(services: Services, balancer: str, store: str) -> None:
    """What CreateListener was given is described, and tells the trust store who uses it."""
    verify = {"Mode": "verify", "TrustStoreArn": store, "IgnoreClientCertificateExpiry": True}
    listener = _listener(services, balancer, MutualAuthentication=verify)
    assert _mutual_authentication(services, listener) == {
        **verify,
        "AdvertiseTrustStoreCaNames": "off",
        "TrustStoreAssociationStatus": "active",
    }
    associations = services.elb.describe_trust_store_associations(TrustStoreArn=store)["TrustStoreAssociations"]
    assert {"ResourceArn": balancer} in associations
    trust = elbv2.trust_snapshot_of_listener(listener)
    assert (len(trust.certificates), trust.ignore_client_certificate_expiry) == (1, True)


def test_mutual_authentication_is_off_unless_asked_for(services: Services, balancer: str) -> None:
    """An HTTPS listener is in mode off, and the plain one in none."""
    assert _mutual_authentication(services, _listener(services, balancer)) == {"Mode": "off"}
    assert _mutual_authentication(services, _listener(services, balancer, "HTTP")) == {}


def test_modify_listener_turns_it_on_and_off(services: Services, balancer: str, store: str) -> None:
    """A change that does not mention mutual authentication leaves it as it is."""
    listener = _listener(services, balancer, Certificates=[{"CertificateArn": _certificate(services)}])
    services.elb.modify_listener(ListenerArn=listener, MutualAuthentication={"Mode": "verify", "TrustStoreArn": store})
    services.elb.modify_listener(ListenerArn=listener, Port=8443)
    assert _mutual_authentication(services, listener)["TrustStoreArn"] == store
    services.elb.modify_listener(ListenerArn=listener, MutualAuthentication={"Mode": "off"})
    assert _mutual_authentication(services, listener) == {"Mode": "off"}


def _certificate(services: Services) -> str:
    account, region = services.settings.account_id, services.settings.region
    return f"arn:aws:iam::{account}:server-certificate/{region}"


def test_a_listener_cannot_verify_against_nothing(services: Services, balancer: str, store: str) -> None:
    """The trust store must exist, and the mode must be one that there is."""
    with refused("TrustStoreNotFound"):
        _listener(services, balancer, MutualAuthentication={"Mode": "verify", "TrustStoreArn": f"{store}0"})
    with refused("ValidationError"):
        _listener(services, balancer, MutualAuthentication={"Mode": "sometimes"})
    assert services.elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"] == []


def test_a_trust_store_in_use_is_not_deleted(services: Services, balancer: str) -> None:
    """Only when its last listener is gone can it go."""
    store = services.trust_store(Authority.create(services, crl={}).certificate.public_bytes(Encoding.PEM))
    listener = _listener(services, balancer, MutualAuthentication={"Mode": "verify", "TrustStoreArn": store})
    with refused("TrustStoreInUse"):
        services.elb.delete_trust_store(TrustStoreArn=store)
    services.elb.delete_listener(ListenerArn=listener)
    services.elb.delete_trust_store(TrustStoreArn=store)
    with refused("TrustStoreNotFound"):
        services.elb.describe_trust_stores(TrustStoreArns=[store])


def _keep_alive(services: Services, balancer: str) -> str | None:
    attributes = services.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    return {one.get("Key"): one.get("Value") for one in attributes}.get("client_keep_alive.seconds")


def test_clients_stay_for_an_hour_unless_told_otherwise(services: Services, balancer: str) -> None:
    """client_keep_alive.seconds has its default, and can be set."""
    assert _keep_alive(services, balancer) == "3600"
    services.elb.modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": "client_keep_alive.seconds", "Value": "120"}]
    )
    assert _keep_alive(services, balancer) == "120"
    with refused("ValidationError"):
        services.elb.modify_load_balancer_attributes(
            LoadBalancerArn=balancer, Attributes=[{"Key": "client_keep_alive.seconds", "Value": "59"}]
        )


def test_this_moto_leaves_both_out(services: Services, balancer: str) -> None:
    """Once moto has mutual authentication or the keep-alive's default, these additions give way."""
    _listener(services, balancer)
    stock = elbv2_backends[services.settings.account_id][services.settings.region].load_balancers[balancer]
    assert "client_keep_alive.seconds" not in stock.attrs
    (listener,) = stock.listeners.values()
    assert "mutual_authentication" not in type(listener)("", "", "HTTPS", "443", "", None, [], None).__dict__
