"""AttachCrl adds a list at most once, leaves no unprotected moment, and refuses a list that does not fit."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from moto.core.responses import ActionResult

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import (
    AwsUnavailable,
    CrlAuthorityKeyMismatch,
    CrlNumberLower,
    CrlNumberReused,
    RevocationAddUnclear,
    TrustStoreFull,
    TrustStoreNotFound,
    TrustStoreThrottled,
)
from functions.handlers.attach_crl import attach_crl
from functions.models.states import Attached, EnforceInput, TrustStore
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from tests.support import der_crl, pki
from tests.support.der_crl import SEQUENCE, wrap
from tests.support.pki import NOW, A, B, C
from tests.support.steps import Steps

ADD = "elasticloadbalancing:AddTrustStoreRevocations"
CONTENT = "elasticloadbalancing:GetTrustStoreRevocationContent"


def test_nothing_attached(steps: Steps) -> None:
    """An empty trust store gets the list."""
    manifest = steps.manifest(A)
    store = steps.attach(manifest, steps.convert(steps.authority.crl([A, B])))
    assert steps.attached() == {1: {A, B}}
    assert (store.attached.revocation_id, store.attached.added_revocation_ids) == (1, [1])


def test_older_list_attached(steps: Steps) -> None:
    """The new list is added beside the old one, which is not removed yet."""
    old = steps.add(steps.authority.crl([A], number=1))
    store = steps.attach(steps.manifest(B), steps.convert(steps.authority.crl([A, B], number=2)))
    assert steps.attached().keys() == {old, store.attached.revocation_id}
    assert store.attached.removed_revocation_ids == []


def test_same_list_attached(steps: Steps) -> None:
    """The same CRL is not added a second time."""
    crl = steps.authority.crl([A])
    list_id = steps.add(crl)
    store = steps.attach(steps.manifest(A), steps.convert(crl))
    assert steps.attached().keys() == {list_id}
    assert (store.attached.revocation_id, store.attached.added_revocation_ids) == (list_id, [])


def test_same_list_attached_by_a_peer_since_the_start(steps: Steps) -> None:
    """A list that is not in the manifest is read and recognised as the same."""
    crl = steps.authority.crl([A])
    manifest, converted = steps.manifest(A), steps.convert(crl)
    list_id = steps.add(crl)
    assert steps.attach(manifest, converted).attached.revocation_id == list_id


def test_same_number_with_other_bytes_attached(steps: Steps) -> None:
    """Of two different CRLs with one number, neither is known to be the right one."""
    steps.add(steps.authority.crl([A], number=5))
    with pytest.raises(CrlNumberReused, match="number 5 is attached as list 1 with other bytes"):
        steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A, B], number=5)))
    assert steps.attached() == {1: {A}}


def test_newer_list_with_all_wanted_serials_attached(steps: Steps) -> None:
    """Nothing is added below a newer CRL of another execution."""
    list_id = steps.add(steps.authority.crl([A, B], number=2))
    store = steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A], number=1)))
    assert store.attached.revocation_id == list_id
    assert steps.attached().keys() == {list_id}


def test_newer_list_without_a_wanted_serial_attached(steps: Steps) -> None:
    """An older CRL is not added below a newer one, which would supersede it."""
    steps.add(steps.authority.crl([B], number=2))
    with pytest.raises(CrlNumberLower, match=r"1 is lower than the attached 2 .* lacks 1 wanted"):
        steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A], number=1)))


def test_newer_list_of_another_ca_of_the_same_name(steps: Steps) -> None:
    """An issuer is a name and a key: a list of another CA of the same name is not compared or removed."""
    list_id = steps.add(pki.certificate_authority().crl([A], number=9))
    store = steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A], number=1)))
    assert steps.attached().keys() == {list_id, store.attached.revocation_id}


def test_newer_list_that_is_a_delta_crl(steps: Steps) -> None:
    """A delta CRL of this CA is not compared."""
    delta = steps.authority.crl([A], number=9, extensions=[(x509.DeltaCRLIndicator(1), True)])
    list_id = steps.add(delta)
    store = steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A], number=1)))
    assert steps.attached().keys() == {list_id, store.attached.revocation_id}


def test_list_without_a_number(steps: Steps) -> None:
    """A list of this CA without a CRL number makes no CRL unnecessary, not even one of number 0."""
    list_id = steps.add(steps.authority.crl([A], number=None))
    store = steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A], number=0)))
    assert steps.attached().keys() == {list_id, store.attached.revocation_id}


def test_full_of_lists_without_a_number(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is known to be newer than another, so none is removed to make room."""
    set_quotas(monkeypatch, lists=2)
    lists = {steps.add(steps.authority.crl([serial], number=None)) for serial in (A, B)}
    with pytest.raises(TrustStoreFull):
        steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A, B], number=1)))
    assert steps.attached().keys() == lists


def test_unreadable_list(steps: Steps) -> None:
    """A list that AWS accepts and RFC 5280 forbids, such as one with an empty revokedCertificates, is not removed."""
    list_id = steps.add(der_crl.hand_made_crl(steps.authority, revoked=wrap(SEQUENCE, b"")))
    store = steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A], number=1)))
    assert steps.attached().keys() == {list_id, store.attached.revocation_id}


def test_second_round(steps: Steps) -> None:
    """Ids add up over the rounds of one execution."""
    manifest = steps.manifest(A, B)
    store = steps.attach(manifest, steps.convert(steps.authority.crl([A], number=1)))
    store = steps.attach(manifest, steps.convert(steps.authority.crl([A, B], number=2)), store)
    assert store.attached.added_revocation_ids == [1, 2]
    assert store.attached.revocation_id == 2


def set_quotas(patch: pytest.MonkeyPatch, **quotas: int) -> None:
    """Set the quotas of the deployment."""
    for name, value in quotas.items():
        patch.setenv(f"MAX_REVOCATION_{name.upper()}", str(value))
    environment.cache_clear()


def test_no_list_free(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """Without a superseded list to remove, a trust store with all lists in use is full."""
    set_quotas(lambda_environment, lists=2)
    steps.add(pki.certificate_authority("One").crl([C]))
    steps.add(pki.certificate_authority("Two").crl([C]))
    with pytest.raises(TrustStoreFull, match=r"2 lists of 2 are used \(quota L-332EE142\)"):
        steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A])))


def test_no_entry_free(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """The only list of this CA is not removed to make room, which would leave an unprotected moment."""
    set_quotas(lambda_environment, entries=3)
    steps.add(steps.authority.crl([A, B], number=1))
    with pytest.raises(TrustStoreFull, match=r"2 entries of 3 are used, 3 are to be added \(quota L-37E1617B\)"):
        steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A, B, C], number=2)))
    assert steps.attached() == {1: {A, B}}


def test_superseded_list_takes_the_last_place(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """A list that a newer attached one supersedes is removed to make room, and reported."""
    set_quotas(lambda_environment, lists=3)
    steps.add(pki.certificate_authority("Other").crl([C]))
    superseded = steps.add(steps.authority.crl([A], number=1))
    steps.add(steps.authority.crl([A, B], number=2))
    store = steps.attach(steps.manifest(C), steps.convert(steps.authority.crl([A, B, C], number=3)))
    assert store.attached.removed_revocation_ids == [superseded]
    assert steps.attached().keys() == {1, 3, 4}


def test_removing_superseded_lists_is_not_enough(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """If the new list would not fit even then, nothing is removed."""
    set_quotas(lambda_environment, entries=3)
    steps.add(steps.authority.crl([A], number=1))
    steps.add(steps.authority.crl([A, B], number=2))
    with pytest.raises(TrustStoreFull, match="2 entries of 3 are used, 3 are to be added"):
        steps.attach(steps.manifest(C), steps.convert(steps.authority.crl([A, B, C], number=3)))
    assert steps.attached().keys() == {1, 2}


def test_service_reports_full(steps: Steps) -> None:
    """If the real quota is lower than the deployment's, the error has AWS's message and the known usage."""
    steps.lab.aws.settings.trust_stores.max_entries = 1
    with pytest.raises(
        TrustStoreFull, match=r"TooManyTrustStoreRevocationEntries: .* as far as known here, 0 lists of 30"
    ):
        steps.attach(steps.manifest(A), steps.convert(steps.authority.crl([A, B])))


def test_service_reports_full_because_of_a_peer(steps: Steps) -> None:
    """Another execution took the last place with the same CRL, so nothing is left to add."""
    crl = steps.authority.crl([A])
    manifest, converted = steps.manifest(A), steps.convert(crl)
    steps.lab.aws.settings.trust_stores.max_lists = 1
    faults.observe(lambda action, _: steps.add_directly(crl) if action == ADD and not steps.attached() else None)
    assert steps.attach(manifest, converted).attached.added_revocation_ids == []
    assert steps.attached() == {1: {A}}


def test_response_lost(steps: Steps) -> None:
    """The list was added and the response lost: it is found, not added twice."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A]))
    faults.add(ADD, code="InternalFailure", after=True)
    assert steps.attach(manifest, converted).attached.added_revocation_ids == [1]
    assert steps.attached() == {1: {A}}


def test_response_lost_and_list_not_visible(steps: Steps) -> None:
    """A list that is not visible yet is not added again before the state machine retries."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A], number=4))
    steps.lab.aws.settings.trust_stores.visibility_delay_seconds = 60
    faults.add(ADD, code="InternalFailure", after=True)
    with pytest.raises(RevocationAddUnclear, match="CRL number 4 is not among the lists"):
        steps.attach(manifest, converted)
    assert len(steps.attached()) == 1


def test_response_empty(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response without a list is not a success."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A]))
    monkeypatch.setattr(embedded_elbv2.TrustStoreResponse, "add_trust_store_revocations", lambda _: ActionResult({}))
    with pytest.raises(RevocationAddUnclear, match="returned 0 lists, expected one"):
        steps.attach(manifest, converted)


def test_throttled(steps: Steps) -> None:
    """A throttled call was not carried out: its result is not unknown."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A]))
    faults.add(ADD, code="ThrottlingException")
    with pytest.raises(TrustStoreThrottled):
        steps.attach(manifest, converted)


def test_trust_store_gone(steps: Steps) -> None:
    """The error names a trust store that was deleted meanwhile."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A]))
    steps.lab.aws.client("elbv2").delete_trust_store(TrustStoreArn=steps.trust_store_arn)
    event = EnforceInput(manifest=manifest, trust_store=steps.store(), converted=converted)
    with pytest.raises(TrustStoreNotFound):
        attach_crl(event, NOW)


def test_list_described_but_not_readable(steps: Steps) -> None:
    """If a described list cannot be read, the step fails instead of ignoring the list."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A]))
    steps.add(steps.authority.crl([A]))
    faults.add(CONTENT, code="RevocationIdNotFound", times=9)
    with pytest.raises(AwsUnavailable, match=r"shows lists that cannot be read: \[1\]"):
        steps.attach(manifest, converted)


def test_list_removed_while_being_read(steps: Steps) -> None:
    """A list that is removed after it was described is left out, and the others are not."""
    manifest, converted = steps.manifest(A), steps.convert(steps.authority.crl([A], number=3))
    gone, stays = (steps.add(steps.authority.crl([A], number=number)) for number in (1, 2))
    store = embedded_elbv2.trust_store(steps.trust_store_arn)
    faults.observe(lambda action, _: store.remove([gone]) if action == CONTENT and gone in store.lists else None)
    assert steps.attach(manifest, converted).attached == Attached(
        revocation_id=3, added_revocation_ids=[3], started_at=NOW, finished_at=NOW + timedelta(seconds=1)
    )
    assert steps.attached().keys() == {stays, 3}


def test_crl_that_does_not_fit_the_bundle(steps: Steps) -> None:
    """It is not attached where load balancers would refuse every client with it, and is where they would not."""
    serial = steps.authority.certificate.serial_number
    renewed = pki.certificate_authority(key=steps.authority.key).certificate
    own = [x509.DirectoryName(steps.authority.certificate.issuer)]
    identifier = x509.AuthorityKeyIdentifier(steps.authority.key_identifier, own, serial)
    der = steps.authority.crl([A], key_identifier=None, extensions=[(identifier, False)])
    other = steps.fresh().trust_store_arn
    location = steps.manifest(A, trust_store_arns=[steps.trust_store_arn, other])
    manifest = workflow_bucket.get_manifest(location)
    manifest.baselines[1].issuer_pems.append(renewed.public_bytes(Encoding.PEM).decode())
    location = workflow_bucket.put_manifest(manifest)
    converted = steps.convert(der, location)
    with pytest.raises(CrlAuthorityKeyMismatch, match=f"bundle of {other}: serial number {serial:x}, there"):
        attach_crl(
            EnforceInput(manifest=location, trust_store=TrustStore(trust_store_arn=other), converted=converted), NOW
        )
    assert steps.attach(location, converted).attached.revocation_id == 1
