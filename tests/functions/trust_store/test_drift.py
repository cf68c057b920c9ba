"""The drift that a CRL of a CA outside Private CA causes, as a plan shows it; or why that CRL is refused."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509

from functions.models.drift import DriftKind, DriftStatus
from functions.models.plan import Plan, PlannedOutcome
from functions.models.request import ExecutionInput
from functions.pki import serial_number
from functions.plan.build import build_plan
from infra.local.lab.lab import create_trust_store
from tests.support import pki
from tests.support.pki import DAY, HOUR, NOW, A, B, InMemoryCa
from tests.support.steps import Steps


@pytest.fixture
def third_party(steps: Steps) -> Steps:
    """Return steps whose trust store trusts a CA outside Private CA."""
    pem = SimpleNamespace(pem=steps.authority.certificate_pem.decode())
    return Steps(steps.lab, create_trust_store(steps.aws, f"p-{steps.name}", [pem]), authority=steps.authority)


def plan(steps: Steps, body: bytes, **more: object) -> Plan:
    """Upload a CRL and plan to enforce it."""
    steps.publish(body)
    url = "s3://{}/{}".format(*steps.crl_location)
    request = {"Crl": url, "TrustStoreArns": [steps.trust_store_arn], **more}
    return build_plan(
        ExecutionInput(request=request, execution_arn="none", execution_name=steps.name, start_time=NOW), NOW
    )


def test_first_crl(third_party: Steps) -> None:
    """It is attached; nobody else would do that, so that there is nobody to give way to."""
    result = plan(third_party, third_party.authority.crl([A], number=5))
    assert (result.outcome, result.certificate_authority_arn) == (PlannedOutcome.SUCCEEDED, None)
    assert result.drift
    assert (result.drift.status, result.drift.trust_stores[0].kind) == (DriftStatus.CONFIRMED, DriftKind.NO_LIST)
    assert (result.trust_stores[0].add_crl_number, result.seconds_giving_way) == (5, 0)


def test_same_crl_again(third_party: Steps) -> None:
    """Nothing is to be done."""
    crl = third_party.authority.crl([A], number=5)
    third_party.add(crl)
    result = plan(third_party, crl)
    assert result.drift
    assert result.drift.status is DriftStatus.NONE
    assert result.trust_stores[0].add_crl_number is None


def test_lower_number(third_party: Steps) -> None:
    """It is refused, with the option that accepts it."""
    third_party.add(third_party.authority.crl([A], number=5))
    result = plan(third_party, third_party.authority.crl([A, B], number=4))
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlNumberLower")
    assert "start again with AcceptLowerCrlNumber" in (result.cause or "")


def test_lower_number_of_a_restored_ca(third_party: Steps) -> None:
    """It is accepted if the input accepts it, and replaces the list with the higher number."""
    higher = third_party.add(third_party.authority.crl([A], number=5))
    result = plan(third_party, third_party.authority.crl([A, B], number=4), AcceptLowerCrlNumber=True)
    assert result.outcome is PlannedOutcome.SUCCEEDED
    assert result.drift
    assert result.drift.trust_stores[0].kind is DriftKind.HIGHER_NUMBER
    (store,) = result.trust_stores
    assert (store.add_crl_number, store.remove_revocation_ids, store.number_dropped) == (4, [higher], 0)


def test_restored_ca_that_forgot_a_revocation(third_party: Steps) -> None:
    """A serial that is refused now would be accepted, so the CRL is refused, and the serial named."""
    third_party.add(third_party.authority.crl([A, B], number=5))
    result = plan(third_party, third_party.authority.crl([A], number=4), AcceptLowerCrlNumber=True)
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlNumberLower")
    assert f"lacks 1 serials that are refused now ({serial_number.to_hex(B)})" in (result.cause or "")


@pytest.mark.parametrize("left", [(), (A,)], ids=["empty", "shorter"])
def test_dropped_entries(third_party: Steps, left: tuple[int, ...]) -> None:
    """A CRL that no longer lists what is refused now is refused, unless the input accepts that."""
    third_party.add(third_party.authority.crl([A, B], number=5))
    shorter = third_party.authority.crl(left, number=6)
    result = plan(third_party, shorter)
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlDropsEntries")
    assert f"CRL number 6 has {len(left)} entries and lacks {2 - len(left)} serials" in (result.cause or "")
    assert serial_number.to_hex(B) in (result.cause or "")
    assert third_party.trust_store_arn in (result.cause or "")
    accepted = plan(third_party, shorter, AcceptDroppedEntries=True)
    (store,) = accepted.trust_stores
    assert (accepted.outcome, store.add_crl_number) == (PlannedOutcome.SUCCEEDED, 6)
    assert store.number_dropped == 2 - len(left)


def test_dropped_entries_of_a_list_without_a_number(third_party: Steps) -> None:
    """What somebody has attached by hand counts, too; more than ten serials are not named."""
    third_party.add(third_party.authority.crl(range(1, 13), number=None))
    result = plan(third_party, third_party.authority.crl([1], number=6))
    assert "lacks 11 serials that are refused now (00:02, " in (result.cause or "")
    assert "00:0b, …)" in (result.cause or "")


def test_restored_ca_that_uses_a_number_again(third_party: Steps) -> None:
    """Of two CRLs with one number neither is known to be the right one."""
    third_party.add(third_party.authority.crl([A], number=4))
    third_party.add(third_party.authority.crl([A], number=5))
    result = plan(third_party, third_party.authority.crl([A, B], number=4), AcceptLowerCrlNumber=True)
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlNumberReused")
    assert "Have the CA sign one with a number that it has not used" in (result.cause or "")


def test_expired_crl(third_party: Steps) -> None:
    """No other CRL follows by itself, so it is refused at once."""
    expired = third_party.authority.crl([A], this_update=NOW - DAY, next_update=NOW - HOUR)
    result = plan(third_party, expired)
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlExpired")


def test_crl_that_is_not_valid_yet(third_party: Steps) -> None:
    """The refusal gives both times."""
    result = plan(third_party, third_party.authority.crl([A], this_update=NOW + timedelta(seconds=1)))
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlNotYetValid")


def of_an_earlier_certificate(authority: InMemoryCa) -> bytes:
    """Sign a CRL that names the CA's certificate before it was renewed with the same key, as easy-rsa does."""
    earlier = [x509.DirectoryName(authority.certificate.subject)]
    identifier = x509.AuthorityKeyIdentifier(authority.key_identifier, earlier, authority.certificate.serial_number - 1)
    return authority.crl([A], key_identifier=None, extensions=[(identifier, False)])


def test_crl_of_an_earlier_certificate(third_party: Steps) -> None:
    """The plan refuses it for the trust store whose bundle holds another certificate."""
    result = plan(third_party, of_an_earlier_certificate(third_party.authority))
    (store,) = result.trust_stores
    assert store.refusal
    assert (result.outcome, store.refusal.error, store.add_crl_number) == (
        PlannedOutcome.FAILED,
        "CrlAuthorityKeyMismatch",
        None,
    )
    assert f"serial number {third_party.authority.certificate.serial_number - 1:x}, there" in store.refusal.cause


def test_crl_of_an_earlier_certificate_in_force(third_party: Steps) -> None:
    """A list that shuts every client out is in force: the plan does not call that in order."""
    der = of_an_earlier_certificate(third_party.authority)
    third_party.add(der)
    result = plan(third_party, der)
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlAuthorityKeyMismatch")
    assert f"{third_party.trust_store_arn}: serial number" in (result.cause or "")


def test_ca_that_may_not_sign_crls(steps: Steps) -> None:
    """Nothing is done: any CRL of this CA would shut all of its clients out."""
    authority = pki.certificate_authority(crl_sign=False)
    bundle = [SimpleNamespace(pem=authority.certificate_pem.decode())]
    store = create_trust_store(steps.aws, f"p-{steps.name}", bundle)
    result = plan(Steps(steps.lab, store, authority=authority), authority.crl([A]))
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlSignNotAllowed")
    assert f"in the bundle of {store} (serial number {authority.certificate.serial_number:x})" in (result.cause or "")


def test_crl_of_an_unknown_ca(third_party: Steps, steps: Steps) -> None:
    """The trust store's bundle does not hold its CA."""
    result = plan(third_party, Steps(steps.lab).authority.crl([A], key_identifier=None))
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "CrlSignatureInvalid")


def test_trust_stores_that_are_not_named(third_party: Steps) -> None:
    """Those whose bundle holds the CA are found by the signature, and no others."""
    result = plan(third_party, third_party.authority.crl([A]), TrustStoreArns=[])
    assert [store.trust_store_arn for store in result.trust_stores] == [third_party.trust_store_arn]
