"""FindCrl determines whether the CRL in S3 is complete, partial, missing or invalid."""

from datetime import timedelta

import pytest
from cryptography import x509

from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.models.request import Polling
from functions.models.states import CrlStatus, Failure, Notice, RevocationOutcome
from infra.local.core import faults
from tests.support import der_crl, pki
from tests.support.pki import DAY, NOW, A, B, C
from tests.support.steps import Steps

FAILED = Failure(error="TrustStoreThrottled", cause="")


def test_complete(steps: Steps) -> None:
    """A valid CRL with every wanted serial is accepted at the first poll, whether it is new or not."""
    etag = steps.publish(steps.authority.crl([A, B, C], number=4))
    result = steps.find(steps.manifest(A, B, etag=etag))
    assert (result.status, result.crl_number, result.number_missing) == (CrlStatus.COMPLETE, 4, 0)
    assert result.crl is not None
    assert result.crl.version_id != "null"


def test_partial(steps: Steps) -> None:
    """A valid CRL with some of the wanted serials is used at once, and the others are named."""
    steps.publish(steps.authority.crl([A]))
    result = steps.find(steps.manifest(A, B))
    assert (result.status, result.number_missing, result.missing_serials) == (CrlStatus.PARTIAL, 1, [B])


def test_newer_crl_without_a_wanted_serial(steps: Steps) -> None:
    """A newer object is not proof: Private CA refreshes CRLs on its own."""
    steps.publish(steps.authority.crl([C], number=2))
    result = steps.find(steps.manifest(A))
    assert (result.status, result.number_missing) == (CrlStatus.NOT_YET, 1)


def test_no_crl(steps: Steps) -> None:
    """An absent CRL is not an error, but NOT_YET."""
    result = steps.find(steps.manifest(A, B))
    assert (result.status, result.etag, result.number_missing) == (CrlStatus.NOT_YET, None, 2)


def test_bucket_access_denied(steps: Steps) -> None:
    """Access denied is not treated as absence, because waiting would not fix it."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(AwsCallRefused, match="AccessDenied"):
        steps.find(steps.manifest(A))


def test_serials_attached_before_the_start(steps: Steps) -> None:
    """A list attached before is not proof: it may have expired, or be removed unnoticed."""
    crl = steps.authority.crl([A])
    steps.add(crl)
    steps.publish(crl)
    assert steps.find(steps.manifest(A, B)).status is CrlStatus.PARTIAL


def test_serial_read_back_from_one_of_two_trust_stores(steps: Steps) -> None:
    """The CRL is enforced for the trust store that lacks the serial."""
    other = steps.fresh()
    manifest = steps.manifest(A, B, trust_store_arns=[steps.trust_store_arn, other.trust_store_arn])
    store = steps.enforce(manifest, steps.convert(steps.authority.crl([A])))
    assert steps.find(manifest, store, other.store()).status is CrlStatus.PARTIAL


def test_crl_not_valid_yet(steps: Steps) -> None:
    """A CRL that is not valid yet is read again at the next poll, even if it is the same object."""
    manifest = steps.manifest(A)
    steps.publish(steps.authority.crl([A], this_update=NOW + timedelta(seconds=30)))
    first = steps.find(manifest)
    assert first.status is CrlStatus.INVALID
    later = steps.find(manifest, previous=first, now=NOW + timedelta(seconds=40))
    assert later.status is CrlStatus.COMPLETE


def test_partial_was_enforced(steps: Steps) -> None:
    """Once it is enforced, the same CRL brings nothing new, even though it is read again."""
    manifest = steps.manifest(A, B)
    store = steps.enforce(manifest, steps.convert(steps.authority.crl([A], number=1)))
    assert steps.find(manifest, store).status is CrlStatus.NOT_YET


def test_next_crl_after_a_partial_one(steps: Steps) -> None:
    """The wait ends with the CRL that holds the remaining serials."""
    manifest = steps.manifest(A, B)
    store = steps.enforce(manifest, steps.convert(steps.authority.crl([A], number=1)))
    first = steps.find(manifest, store)
    steps.publish(steps.authority.crl([A, B], number=2))
    assert steps.find(manifest, store, previous=first).status is CrlStatus.COMPLETE


def test_unchanged(steps: Steps) -> None:
    """An object that was read before is not read again, and the status is NOT_YET."""
    manifest = steps.manifest(A, B)
    steps.publish(steps.authority.crl([A]))
    first = steps.find(manifest)
    again = steps.find(manifest, previous=first, now=NOW + timedelta(seconds=5))
    assert again.status is CrlStatus.NOT_YET
    assert (again.polls, again.etag, again.missing_serials) == (2, first.etag, [B])
    assert (again.first_poll_at, again.deadline) == (first.first_poll_at, first.deadline)


def test_unchanged_while_a_trust_store_lacks_it(steps: Steps) -> None:
    """A trust store that failed is retried with the same CRL at polls 2, 4, 8: an execution's history is limited."""
    manifest = steps.manifest(A, B)
    steps.publish(steps.authority.crl([A]))
    result = steps.find(manifest)
    retries = []
    while result.polls < 20:
        result = steps.find(manifest, steps.store(failure=FAILED), previous=result)
        if result.status is CrlStatus.PARTIAL:
            retries.append(result.polls)
    assert retries == [2, 4, 8, 16]


def test_changed_while_a_trust_store_lacks_it(steps: Steps) -> None:
    """A new CRL is read at any poll."""
    manifest = steps.manifest(A, B)
    steps.publish(steps.authority.crl([A]))
    third = steps.find(manifest).model_copy(update={"polls": 4})
    steps.publish(steps.authority.crl([A], number=2))
    assert steps.find(manifest, steps.store(failure=FAILED), previous=third).status is CrlStatus.PARTIAL


def test_invalid(steps: Steps) -> None:
    """A refused CRL is recorded with the name of the error, and polling continues."""
    steps.publish(steps.authority.crl([A], key=pki.ec_key()))
    result = steps.find(steps.manifest(A))
    assert result.status is CrlStatus.INVALID
    assert result.refusal is not None
    assert result.refusal.error == "CrlSignatureInvalid"
    assert (result.crl, result.number_missing) == (None, 1)


def test_invalid_and_unchanged(steps: Steps) -> None:
    """An invalid CRL stays invalid, with its reason, until another one is published."""
    manifest = steps.manifest(A)
    steps.publish(b"garbage")
    first = steps.find(manifest)
    again = steps.find(manifest, previous=first)
    assert (again.status, again.polls, again.refusal) == (CrlStatus.INVALID, 2, first.refusal)
    steps.publish(steps.authority.crl([A]))
    valid = steps.find(manifest, previous=again)
    assert (valid.status, valid.refusal) == (CrlStatus.COMPLETE, None)


def test_invalid_since_before_the_start(steps: Steps) -> None:
    """A CRL that had expired before the start is NOT_YET, not INVALID."""
    etag = steps.publish(steps.authority.crl([A], this_update=NOW - 9 * DAY, next_update=NOW - DAY))
    manifest = steps.manifest(A, etag=etag)
    first = steps.find(manifest)
    assert (first.status, first.refusal, first.etag) == (CrlStatus.NOT_YET, None, etag)
    assert steps.find(manifest, previous=first).status is CrlStatus.NOT_YET


def test_invalid_after_a_partial_one(steps: Steps) -> None:
    """The missing serials are then those that are not in force on every trust store."""
    manifest = steps.manifest(A, B)
    store = steps.enforce(manifest, steps.convert(steps.authority.crl([A], number=1)))
    first = steps.find(manifest, store)
    steps.publish(steps.authority.crl([A, B], number=2, extensions=[(x509.DeltaCRLIndicator(1), True)]))
    result = steps.find(manifest, store, previous=first)
    assert (result.status, result.missing_serials) == (CrlStatus.INVALID, [B])


def test_number_lower_than_attached(steps: Steps) -> None:
    """A CRL older than what every trust store holds is refused."""
    steps.add(steps.authority.crl([C], number=9))
    steps.publish(steps.authority.crl([A], number=8))
    result = steps.find(steps.manifest(A))
    assert result.refusal is not None
    assert result.refusal.error == "CrlNumberLower"


def test_number_lower_than_attached_to_one_of_two(steps: Steps) -> None:
    """Another trust store may still need it; AttachCrl checks each one."""
    steps.add(steps.authority.crl([C], number=9))
    steps.publish(steps.authority.crl([A], number=8))
    other = steps.fresh()
    manifest = steps.manifest(A, trust_store_arns=[steps.trust_store_arn, other.trust_store_arn])
    assert steps.find(manifest, steps.store(), other.store()).status is CrlStatus.COMPLETE


def test_too_many_entries(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """A CRL with more entries than the trust store's quota is invalid."""
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", "1")
    steps.publish(steps.authority.crl([A, B]))
    result = steps.find(steps.manifest(A))
    assert result.refusal is not None
    assert result.refusal.error == "CrlTooLarge"


@pytest.mark.parametrize("outcome", [RevocationOutcome.FAILED, RevocationOutcome.EXPIRED])
def test_nothing_wanted(steps: Steps, outcome: RevocationOutcome) -> None:
    """Serials that will never be in a CRL are not waited for."""
    result = steps.find(steps.manifest(A), outcome=outcome)
    assert (result.status, result.number_wanted, result.number_missing) == (CrlStatus.NOTHING_WANTED, 0, 0)


def test_already_revoked(steps: Steps) -> None:
    """A serial that was revoked before is waited for like one revoked now."""
    assert steps.find(steps.manifest(A), outcome=RevocationOutcome.ALREADY_REVOKED).number_wanted == 1


@pytest.mark.parametrize(("seconds", "passed"), [(59, False), (60, True), (61, True)])
def test_deadline(steps: Steps, seconds: int, passed: bool) -> None:  # noqa: FBT001 - a table
    """The deadline counts from the first poll."""
    manifest = steps.manifest(A, polling=Polling(interval_seconds=1, deadline_seconds=60))
    first = steps.find(manifest)
    assert not first.deadline_passed
    assert steps.find(manifest, previous=first, now=NOW + timedelta(seconds=seconds)).deadline_passed is passed


def test_complete_after_the_deadline(steps: Steps) -> None:
    """A CRL found at the last poll is used."""
    manifest = steps.manifest(A)
    first = steps.find(manifest)
    steps.publish(steps.authority.crl([A], number=1))
    result = steps.find(manifest, previous=first, now=NOW + timedelta(minutes=2))
    assert (result.status, result.deadline_passed) == (CrlStatus.COMPLETE, True)


def test_many_missing(steps: Steps) -> None:
    """Ten missing serials are named and the others counted, so that the state stays small."""
    wanted = der_crl.random_serials(12)
    steps.publish(steps.authority.crl([A]))
    result = steps.find(steps.manifest(*wanted))
    assert (result.number_missing, result.missing_serials) == (12, sorted(wanted)[:10])


def test_notices(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """A notice is due at the first poll, and once more at the first poll after the deployment's delay."""
    lambda_environment.setenv("DELAY_NOTICE_SECONDS", "60")
    environment.cache_clear()
    manifest = steps.manifest(A, polling=Polling(interval_seconds=30, deadline_seconds=600))
    previous, due = None, []
    for second in (0, 30, 60, 90, 120):
        previous = steps.find(manifest, previous=previous, now=NOW + timedelta(seconds=second))
        due.append(previous.notices[-1] if previous.notice_due else None)
    assert due == [Notice.WAIT_BEGINS, None, Notice.STILL_WAITING, None, None]
