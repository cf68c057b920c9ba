"""Load balancers of the embedded AWS: mutual authentication of their listeners, and the client keep-alive."""

from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from moto.elbv2.models import elbv2_backends

from infra.local.elbv2.responses import trust_snapshot_of_listener
from infra.local.server import EmbeddedAws
from tests.support.private_ca import LocalCa
from tests.support.services import Services, refused


@pytest.fixture(scope="module")
def store(services: Services) -> str:
    """Return the ARN of a trust store."""
    return services.trust_store(LocalCa.create(services, crl={}).certificate.public_bytes(Encoding.PEM))


@pytest.fixture
def balancer(services: Services, embedded_aws: EmbeddedAws) -> str:
    """Return the ARN of a load balancer."""
    subnets = embedded_aws.client("ec2").describe_subnets()["Subnets"][:2]
    response = services.elb.create_load_balancer(
        Name=uuid4().hex[:20], Type="application", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )
    return response["LoadBalancers"][0]["LoadBalancerArn"]


def _listener(services: Services, balancer: str, protocol: str = "HTTPS", **options: Any) -> str:  # noqa: ANN401
    response = services.elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol=protocol,  # type: ignore[arg-type]
        Port=443,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        **options,
    )
    return response["Listeners"][0]["ListenerArn"]


def _mutual_authentication(services: Services, listener: str) -> dict[str, Any]:
    (described,) = services.elb.describe_listeners(ListenerArns=[listener])["Listeners"]
    return dict(described.get("MutualAuthentication", {}))


def test_a_listener_verifies_against_a_trust_store(services: Services, balancer: str, store: str) -> None:
    """The request's MutualAuthentication is described, and the trust store lists the load balancer."""
    verify = {"Mode": "verify", "TrustStoreArn": store, "IgnoreClientCertificateExpiry": True}
    listener = _listener(services, balancer, MutualAuthentication=verify)
    assert _mutual_authentication(services, listener) == {
        **verify,
        "AdvertiseTrustStoreCaNames": "off",
        "TrustStoreAssociationStatus": "active",
    }
    associations = services.elb.describe_trust_store_associations(TrustStoreArn=store)["TrustStoreAssociations"]
    assert {"ResourceArn": balancer} in associations
    snapshot = trust_snapshot_of_listener(listener)
    assert (len(snapshot.certificates), snapshot.ignore_client_certificate_expiry) == (1, True)


def test_mutual_authentication_is_off_by_default(services: Services, balancer: str) -> None:
    """An HTTPS listener is in mode off; an HTTP listener has no mode."""
    assert _mutual_authentication(services, _listener(services, balancer)) == {"Mode": "off"}
    assert _mutual_authentication(services, _listener(services, balancer, "HTTP")) == {}


def test_modify_listener_turns_it_on_and_off(services: Services, balancer: str, store: str) -> None:
    """A request without MutualAuthentication leaves it unchanged."""
    listener = _listener(services, balancer, Certificates=[{"CertificateArn": _certificate(services)}])
    services.elb.modify_listener(ListenerArn=listener, MutualAuthentication={"Mode": "verify", "TrustStoreArn": store})
    services.elb.modify_listener(ListenerArn=listener, Port=8443)
    assert _mutual_authentication(services, listener)["TrustStoreArn"] == store
    services.elb.modify_listener(ListenerArn=listener, MutualAuthentication={"Mode": "off"})
    assert _mutual_authentication(services, listener) == {"Mode": "off"}


def _certificate(services: Services) -> str:
    account, region = services.settings.account_id, services.settings.region
    return f"arn:aws:iam::{account}:server-certificate/{region}"


def test_invalid_mutual_authentication_is_refused(services: Services, balancer: str, store: str) -> None:
    """The trust store must exist, and the mode must be a valid one."""
    with refused("TrustStoreNotFound"):
        _listener(services, balancer, MutualAuthentication={"Mode": "verify", "TrustStoreArn": f"{store}0"})
    with refused("ValidationError"):
        _listener(services, balancer, MutualAuthentication={"Mode": "sometimes"})
    assert services.elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"] == []


def test_a_trust_store_in_use_is_not_deleted(services: Services, balancer: str) -> None:
    """It can be deleted after its last listener."""
    store = services.trust_store(LocalCa.create(services, crl={}).certificate.public_bytes(Encoding.PEM))
    listener = _listener(services, balancer, MutualAuthentication={"Mode": "verify", "TrustStoreArn": store})
    with refused("TrustStoreInUse"):
        services.elb.delete_trust_store(TrustStoreArn=store)
    services.elb.delete_listener(ListenerArn=listener)
    services.elb.delete_trust_store(TrustStoreArn=store)
    with refused("TrustStoreNotFound"):
        services.elb.describe_trust_stores(TrustStoreArns=[store])


def _keep_alive(services: Services, balancer: str) -> str | None:
    attributes = services.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    return {each.get("Key"): each.get("Value") for each in attributes}.get("client_keep_alive.seconds")


def test_client_keep_alive_is_an_hour_by_default(services: Services, balancer: str) -> None:
    """client_keep_alive.seconds can be set within its bounds."""
    assert _keep_alive(services, balancer) == "3600"
    services.elb.modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": "client_keep_alive.seconds", "Value": "120"}]
    )
    assert _keep_alive(services, balancer) == "120"
    with refused("ValidationError"):
        services.elb.modify_load_balancer_attributes(
            LoadBalancerArn=balancer, Attributes=[{"Key": "client_keep_alive.seconds", "Value": "59"}]
        )


def test_moto_still_lacks_both(services: Services, balancer: str) -> None:
    """When moto has mutual authentication or the default keep-alive, these additions are to be removed."""
    _listener(services, balancer)
    stock = elbv2_backends[services.settings.account_id][services.settings.region].load_balancers[balancer]
    assert "client_keep_alive.seconds" not in stock.attrs
    (listener,) = stock.listeners.values()
    assert "mutual_authentication" not in type(listener)("", "", "HTTPS", "443", "", None, [], None).__dict__
