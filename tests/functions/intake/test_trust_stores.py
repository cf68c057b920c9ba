"""Without named trust stores, every usable one of the account is read."""

from typing import TYPE_CHECKING

from functions.intake.trust_stores import read_trust_stores
from infra.local.core import faults
from tests.support.steps import Steps

if TYPE_CHECKING:
    from functions.errors import RequestRefused


def test_trust_store_deleted_meanwhile(steps: Steps) -> None:
    """A trust store that is deleted while all are read is left out; it is not a fault."""
    refusals: list[RequestRefused] = []
    stores = read_trust_stores([], refusals)
    assert steps.trust_store_arn in [store.arn for store in stores]
    faults.add("elasticloadbalancing:GetTrustStoreCaCertificatesBundle", code="TrustStoreNotFound")
    assert len(read_trust_stores([], refusals)) == len(stores) - 1
    assert refusals == []
