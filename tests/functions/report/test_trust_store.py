"""ReportRevocation tells until when connections opened before may live, or why nobody knows."""

from datetime import timedelta
from typing import Any

import pytest

from infra.local.core import faults
from infra.local.lab.lab import Laboratory
from tests.support.reporting import done, report
from tests.support.steps import Bench


def of_laboratory(bench: Bench, lab: Laboratory) -> dict[str, Any]:
    """Give the state of an execution on the trust store that the laboratory's listener uses."""
    mine = Bench(lab, lab.trust_store_arn, authority=bench.authority, name=bench.name)
    return done(mine)


def clean(bench: Bench, lab: Laboratory) -> None:
    """Leave the laboratory's trust store without our lists."""
    mine = Bench(lab, lab.trust_store_arn, authority=bench.authority, name=bench.name)
    mine.remove(*mine.attached())


@pytest.mark.parametrize("seconds", ["3600", "60"])
def test_open_connections(bench: Bench, seconds: str) -> None:
    """Connections opened before may live as long as the load balancer keeps them."""
    client = bench.lab.aws.client("elbv2")
    (association,) = client.describe_trust_store_associations(TrustStoreArn=bench.lab.trust_store_arn)[
        "TrustStoreAssociations"
    ]
    keep_alive = {"LoadBalancerArn": association["ResourceArn"]}
    client.modify_load_balancer_attributes(
        **keep_alive, Attributes=[{"Key": "client_keep_alive.seconds", "Value": seconds}]
    )
    told = report(bench, **of_laboratory(bench, bench.lab))
    client.modify_load_balancer_attributes(
        **keep_alive, Attributes=[{"Key": "client_keep_alive.seconds", "Value": "3600"}]
    )
    clean(bench, bench.lab)
    (store,) = told.report.trust_stores
    assert store.open_connections is not None
    assert store.verified_at is not None
    assert store.open_connections.until == store.verified_at + timedelta(seconds=int(seconds))
    assert f"(client keep-alive {seconds} seconds)" in told.text


def test_trust_store_without_load_balancer(bench: Bench) -> None:
    """How long connections live is unknown then, and said to be."""
    told = report(bench, **done(bench))
    assert "may live until: unknown (the trust store is not associated with any load balancer)" in told.text


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/x/1",
            "something other than an Application Load Balancer",
        ),
        (
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/x/1/2",
            "DescribeLoadBalancerAttributes on",
        ),
    ],
)
def test_associated_with_something_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, resource: str, words: str
) -> None:
    """What cannot be asked leaves the time unknown, not the report unwritten."""
    monkeypatch.setattr("functions.aws.elbv2.describe_trust_store_associations", lambda _: [resource])
    told = report(bench, **done(bench))
    (store,) = told.report.trust_stores
    assert store.open_connections is not None
    assert words in str(store.open_connections.unknown_because)


def test_load_balancer_that_may_not_be_asked(bench: Bench) -> None:
    """A refusal leaves the time unknown, and is told."""
    state = done(bench)
    faults.add("elasticloadbalancing:DescribeTrustStoreAssociations", code="AccessDenied", status=403)
    told = report(bench, **state)
    assert told.location.outcome == "SUCCEEDED"
    assert "may live until: unknown (DescribeTrustStoreAssociations on" in told.text
