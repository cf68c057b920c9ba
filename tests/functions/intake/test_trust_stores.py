"""Without named trust stores, every usable one of the account is read."""

import ssl
from typing import TYPE_CHECKING

import pytest

from functions import limits
from functions.errors import CertificateAuthorityUnusable
from functions.intake.certificate_authority import CertificateAuthority
from functions.intake.trust_stores import TrustStoreSnapshot, read_trust_stores, select_trusting
from functions.models.stored import CrlLocation
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from tests.functions.pki.agreement.variants import PRINTABLE, Variant, common_name
from tests.support import pki
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


def test_trust_store_that_is_not_active(steps: Steps) -> None:
    """A trust store that is still being created holds nothing to enforce yet."""
    refusals: list[RequestRefused] = []
    embedded_elbv2.trust_store(steps.trust_store_arn).status = "CREATING"
    assert steps.trust_store_arn not in [store.arn for store in read_trust_stores([], refusals)]
    assert refusals == []


CA = pki.certificate_authority()


def select(*bundles: pki.InMemoryCa) -> tuple[list[TrustStoreSnapshot], "list[RequestRefused]"]:
    """Select from trust stores that the input does not name; return them and the refusals."""
    refusals: list[RequestRefused] = []
    authority = CertificateAuthority("arn", CA.certificate_pem.decode(), "", CrlLocation(bucket="", key=""))
    stores = [TrustStoreSnapshot(f"arn{number}", 0, ca.certificate_pem) for number, ca in enumerate(bundles)]
    return select_trusting(stores, authority, refusals, all_must_trust=False), refusals


def test_trust_stores_of_other_cas() -> None:
    """They are left out, unless none is left."""
    other = pki.certificate_authority("Other")
    selected, refusals = select(other, CA)
    assert ([store.arn for store in selected], refusals) == (["arn1"], [])
    _, (refusal,) = select(other, other)
    assert str(refusal).startswith("none of 2 trust stores of this account and Region trusts the CA arn")


def test_more_trust_stores_than_one_execution_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal gives both numbers and says what to do."""
    monkeypatch.setattr(limits, "MAX_TRUST_STORES", 2)
    assert select(CA, CA)[1] == []
    _, (refusal,) = select(CA, CA, CA)
    assert "3 trust stores trust the CA arn, and one execution serves 2: name them" in str(refusal)


def test_which_certificate_of_which_bundle_cannot_be_read() -> None:
    """A CA that is not found may be the one that cannot be read, so the fault names it."""
    odd = ssl.DER_cert_to_PEM_cert(Variant(subject=common_name("R&D", PRINTABLE)).ca).encode()
    faults: list[RequestRefused] = []
    ca = CertificateAuthority("arn", CA.certificate_pem.decode(), "", CrlLocation(bucket="b", key="k"))
    select_trusting([TrustStoreSnapshot("store-1", 0, odd)], ca, faults, all_must_trust=True)
    (fault,) = map(str, faults)
    assert "bundle of store-1 holds neither" in fault
    assert "name other trust stores (TrustStoreArns)" in fault
    assert ". Of its bundle, certificate 1 of 1 cannot be read: " in fault


def test_ca_certificate_that_cannot_be_read() -> None:
    """It is named by the CA's ARN."""
    ca = CertificateAuthority("arn:ca", "hello", "", CrlLocation(bucket="b", key="k"))
    with pytest.raises(CertificateAuthorityUnusable, match="certificate of the CA arn:ca cannot be read: "):
        ca.certificate  # noqa: B018 - read
