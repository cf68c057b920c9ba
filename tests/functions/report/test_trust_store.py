"""The report on a trust store explains its lists and counts, and how long connections opened before may live."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from infra.local.core import faults
from tests.support.pki import A, B, C, D
from tests.support.reporting import ALREADY, REVOKED, done, prepared, revocations, write_report
from tests.support.steps import Steps


@pytest.fixture
def listener_steps(steps: Steps, load_balancer_arn: str) -> Iterator[Steps]:  # noqa: ARG001 - it is created
    """Yield the steps on the trust store of the lab's listener; its lists are removed afterwards."""
    listener_steps = Steps(steps.lab, steps.lab.trust_store_arn, authority=steps.authority, name=steps.name)
    yield listener_steps
    listener_steps.remove(*listener_steps.attached())


@pytest.fixture
def keep_alive(listener_steps: Steps, load_balancer_arn: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Set client_keep_alive.seconds of the load balancer to the parameter; it is 3600 afterwards."""
    client = listener_steps.lab.aws.client("elbv2")

    def set_keep_alive(seconds: str) -> None:
        client.modify_load_balancer_attributes(
            LoadBalancerArn=load_balancer_arn,
            Attributes=[{"Key": "client_keep_alive.seconds", "Value": seconds}],
        )

    set_keep_alive(request.param)
    yield request.param
    set_keep_alive("3600")


def test_lists_and_counts(steps: Steps) -> None:
    """Ids, entries before and after, new, dropped and net, and the three totals."""
    (store,) = write_report(steps, **done(steps)).report.trust_stores
    assert (store.revocation_id, store.added_revocation_ids, store.removed_revocation_ids) == (2, [2], [1])
    assert (store.entries_before, store.entries_after) == (2, 3)
    assert (store.entries_new, store.entries_dropped, store.entries_net) == (2, 1, 1)
    assert store.dropped_serials == [D]
    totals = store.total_revoked_entries_before, store.total_revoked_entries_between, store.total_revoked_entries_after
    assert totals == (2, 5, 3)
    assert store.count_rose
    assert store.count_explanation.startswith("Serials to revoke that no list of this CA held before: 1.")


def test_count_that_did_not_rise(steps: Steps) -> None:
    """A newer CRL drops expired certificates: a negative net is explained."""
    steps.add(steps.authority.crl([A, C, D], number=1))
    manifest = steps.manifest(B)
    converted = steps.convert(steps.authority.crl([B], number=2), manifest)
    state = {"prepared": prepared(manifest), "revocations": revocations({B: REVOKED}), "converted": converted}
    (store,) = write_report(steps, **state, trust_stores=[steps.enforce(manifest, converted)]).report.trust_stores
    assert (store.entries_net, store.count_rose) == (-2, True)
    assert store.count_explanation.endswith(
        "The net is -2 nevertheless: a CRL drops certificates once they have expired."
    )


def test_nothing_new(steps: Steps) -> None:
    """After a second run the report explains that no count had to rise."""
    crl = steps.authority.crl([A])
    steps.add(crl)
    manifest = steps.manifest(A)
    converted = steps.convert(crl, manifest)
    state = {"prepared": prepared(manifest), "revocations": revocations({A: ALREADY}), "converted": converted}
    written = write_report(steps, **state, trust_stores=[steps.enforce(manifest, converted)])
    (store,) = written.report.trust_stores
    assert (written.report.outcome, store.count_rose, store.entries_new) == ("SUCCEEDED", False, 0)
    assert store.count_explanation == "The count did not have to rise: every serial found (1) was in force before."


@pytest.mark.parametrize("keep_alive", ["3600", "60"], indirect=True)
def test_open_connections(listener_steps: Steps, keep_alive: str) -> None:
    """Connections opened before may live as long as the load balancer keeps them."""
    written = write_report(listener_steps, **done(listener_steps))
    (store,) = written.report.trust_stores
    assert store.open_connections is not None
    assert store.verified_at is not None
    assert store.open_connections.until == store.verified_at + timedelta(seconds=int(keep_alive))
    assert f"(client keep-alive {keep_alive} seconds)" in written.text


def test_trust_store_without_load_balancer(steps: Steps) -> None:
    """How long connections live is reported as unknown."""
    written = write_report(steps, **done(steps))
    assert "may last until: unknown (the trust store is not associated with any load balancer)" in written.text


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
    steps: Steps, monkeypatch: pytest.MonkeyPatch, resource: str, words: str
) -> None:
    """The time is reported as unknown, with the reason."""
    monkeypatch.setattr("functions.aws.elbv2.describe_trust_store_associations", lambda _: [resource])
    written = write_report(steps, **done(steps))
    (store,) = written.report.trust_stores
    assert store.open_connections is not None
    assert words in str(store.open_connections.unknown_reason)


def test_associations_that_cannot_be_read(steps: Steps) -> None:
    """A denied call leaves the time unknown; the report is written and contains the reason."""
    state = done(steps)
    faults.add("elasticloadbalancing:DescribeTrustStoreAssociations", code="AccessDenied", status=403)
    written = write_report(steps, **state)
    assert written.location.outcome == "SUCCEEDED"
    assert "may last until: unknown (DescribeTrustStoreAssociations on" in written.text
