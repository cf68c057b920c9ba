"""Calls without HTTP return and refuse what calls over HTTP do."""

import pytest

from functions.aws import elbv2
from functions.errors import TrustStoreFull
from functions.models.base import S3Object
from tests.functions import direct_calls
from tests.support.pki import A, B
from tests.support.steps import Steps


@pytest.fixture
def pem(steps: Steps) -> S3Object:
    """Return a CRL in S3."""
    converted = steps.convert(steps.authority.crl([A, B], number=2))
    return converted.pem


def test_both_ways_are_alike(steps: Steps, pem: S3Object) -> None:
    """Each call, on the same trust store: what it returns, and what it changes."""
    arn = steps.trust_store_arn
    steps.add(steps.authority.crl([A], number=1))
    second = elbv2.add_trust_store_revocations(arn, pem)
    assert direct_calls.add_trust_store_revocations(arn, pem) == second + 1
    entries = elbv2.describe_trust_store(arn)["TotalRevokedEntries"]
    assert direct_calls.describe_trust_store(arn) == {"TotalRevokedEntries": entries}
    described = direct_calls.describe_trust_store_revocations(arn)
    over_http = elbv2.describe_trust_store_revocations(arn)
    assert described == [{name: each[name] for name in described[0]} for each in over_http]  # type: ignore[literal-required]
    for revocation_id in range(second + 3):
        content = direct_calls.get_trust_store_revocation_content(arn, revocation_id)
        assert content == elbv2.get_trust_store_revocation_content(arn, revocation_id)
    for module, ids in ((elbv2, [second, 99]), (direct_calls, [second, 99]), (elbv2, [second]), (direct_calls, [1])):
        assert module.remove_trust_store_revocations(arn, ids) is (99 not in ids)
    assert list(steps.attached()) == [second + 1]


def test_both_refuse_alike(steps: Steps, pem: S3Object) -> None:
    """A full trust store is the same error."""
    steps.lab.aws.settings.trust_stores.max_lists = 0
    for module in (elbv2, direct_calls):
        with pytest.raises(TrustStoreFull, match="would hold 1 revocation lists of 0"):
            module.add_trust_store_revocations(steps.trust_store_arn, pem)
