"""Calls on trust stores: an add that may have taken effect is never reported as refused."""

import pytest

from functions.aws import elbv2
from functions.errors import AwsUnavailable, TrustStoreFull, TrustStoreNotFound, TrustStoreThrottled
from infra.local.core import faults
from infra.local.elbv2.models import TrustStoreBackend
from tests.functions.aws.calls import ADD, PEM, REMOVE, TRUST_STORE, TRUST_STORE_ACTIONS, error_of
from tests.support.pki import A
from tests.support.steps import Steps

pytestmark = pytest.mark.usefixtures("steps", "no_retry_delay")


@pytest.mark.parametrize("action", TRUST_STORE_ACTIONS)
def test_trust_store_not_found(action: str) -> None:
    """Every call on a trust store raises TrustStoreNotFound."""
    assert type(error_of(action, "TrustStoreNotFound")) is TrustStoreNotFound


@pytest.mark.parametrize("action", [ADD, REMOVE])
@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_writing_throttled(action: str, code: str) -> None:
    """Throttling of trust-store writes has an error of its own, because its retries are slow."""
    assert type(error_of(action, code)) is TrustStoreThrottled


def test_trust_store_full() -> None:
    """The service refuses a list that exceeds its quota of entries."""
    assert type(error_of(ADD, "TooManyTrustStoreRevocationEntries")) is TrustStoreFull


@pytest.mark.parametrize("code", ["InternalFailure", "ServiceUnavailable"])
def test_result_of_add_unknown(steps: Steps, code: str) -> None:
    """After a 5xx it is unknown whether the list was added, so the call is sent only once."""
    actions: list[str] = []
    faults.observe(lambda action, _: actions.append(action))
    faults.add(ADD, code=code, times=9)
    with pytest.raises(elbv2.ResultUnknown, match=code):
        elbv2.add_trust_store_revocations(steps.trust_store_arn, PEM)
    assert actions == [ADD]


def test_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without an answer may be retried later; an add without an answer has an unknown result."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(elbv2, "_elbv2", elbv2._elbv2.__wrapped__)  # noqa: SLF001 - a client of its own
    for name, value in (
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsUnavailable, match=r"DescribeTrustStores on .* got no answer"):
        elbv2.describe_trust_store(TRUST_STORE)
    with pytest.raises(elbv2.ResultUnknown):
        elbv2.add_trust_store_revocations(TRUST_STORE, PEM)


def test_no_trust_store_in_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty response means that there is no such trust store."""
    monkeypatch.setattr(TrustStoreBackend, "trust_stores", {}, raising=False)
    client = elbv2._elbv2()  # noqa: SLF001
    monkeypatch.setattr(client, "describe_trust_stores", lambda **_: {"TrustStores": []})
    with pytest.raises(TrustStoreNotFound, match="does not know"):
        elbv2.describe_trust_store(TRUST_STORE)


def test_list_absent(steps: Steps) -> None:
    """A missing list is not an error: another execution may have removed it."""
    assert elbv2.get_trust_store_revocation_content(steps.trust_store_arn, 7) is None
    assert elbv2.remove_trust_store_revocations(steps.trust_store_arn, [7]) is False


def test_lists_in_order(steps: Steps) -> None:
    """Lists are returned lowest id first."""
    ids = [steps.add(steps.authority.crl([A], number=number)) for number in (1, 2, 3)]
    revocations = elbv2.describe_trust_store_revocations(steps.trust_store_arn)
    assert [revocation["RevocationId"] for revocation in revocations] == ids


def test_load_balancer(steps: Steps, load_balancer_arn: str) -> None:
    """A trust store's load balancers and their attributes can be looked up."""
    assert elbv2.describe_trust_store_associations(steps.lab.trust_store_arn) == [load_balancer_arn]
    assert elbv2.describe_load_balancer_attributes(load_balancer_arn)["client_keep_alive.seconds"] == "3600"
