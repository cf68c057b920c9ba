"""FindCrl says what the CRL in S3 is good for: complete, partial, late or bad."""

from datetime import timedelta

import pytest
from cryptography import x509

from functions.environment import environment
from functions.errors import AwsCallRefused
from functions.models.request import Polling
from functions.models.states import CrlStatus, Failure, Notice, RevocationOutcome
from infra.local.core import faults
from tests.support import pki
from tests.support.pki import DAY, NOW
from tests.support.steps import A, B, Bench, C

FAILED = Failure(error="TrustStoreThrottled", cause="")


def test_complete(bench: Bench) -> None:
    """A good CRL with every wanted serial is found at the first look, be it new or not."""
    etag = bench.publish(bench.authority.crl([A, B, C], number=4))
    found = bench.find(bench.manifest(A, B, etag=etag))
    assert (found.status, found.crl_number, found.number_missing) == (CrlStatus.COMPLETE, 4, 0)
    assert found.crl is not None
    assert found.crl.version_id != "null"


def test_partial(bench: Bench) -> None:
    """A good CRL with some of the wanted serials is used at once, and the others are named."""
    bench.publish(bench.authority.crl([A]))
    found = bench.find(bench.manifest(A, B))
    assert (found.status, found.number_missing, found.missing_serials) == (CrlStatus.PARTIAL, 1, [B])


def test_newer_crl_without_a_wanted_serial(bench: Bench) -> None:
    """A newer object is no proof: Private CA refreshes CRLs on its own."""
    bench.publish(bench.authority.crl([C], number=2))
    found = bench.find(bench.manifest(A))
    assert (found.status, found.number_missing) == (CrlStatus.NOT_YET, 1)


def test_no_crl(bench: Bench) -> None:
    """Absence is late, not an error."""
    found = bench.find(bench.manifest(A, B))
    assert (found.status, found.etag, found.number_missing) == (CrlStatus.NOT_YET, None, 2)


def test_bucket_that_may_not_be_read(bench: Bench) -> None:
    """A refusal is not taken for absence: waiting would not mend it."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(AwsCallRefused, match="AccessDenied"):
        bench.find(bench.manifest(A))


def test_serials_attached_before_the_start(bench: Bench) -> None:
    """What was attached before is no proof: the list may have expired, or go while nobody looks."""
    crl = bench.authority.crl([A])
    bench.add(crl)
    bench.publish(crl)
    assert bench.find(bench.manifest(A, B)).status is CrlStatus.PARTIAL


def test_serial_read_back_from_one_of_two_trust_stores(bench: Bench) -> None:
    """It is enforced for the trust store that lacks it."""
    other = bench.fresh()
    manifest = bench.manifest(A, B, trust_store_arns=[bench.trust_store_arn, other.trust_store_arn])
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A])))
    assert bench.find(manifest, store, other.store()).status is CrlStatus.PARTIAL


def test_crl_not_valid_yet(bench: Bench) -> None:
    """A clock that is ahead is cured by time: the same object is read again."""
    manifest = bench.manifest(A)
    bench.publish(bench.authority.crl([A], this_update=NOW + timedelta(seconds=30)))
    first = bench.find(manifest)
    assert first.status is CrlStatus.INVALID
    later = bench.find(manifest, previous=first, now=NOW + timedelta(seconds=40))
    assert later.status is CrlStatus.COMPLETE


def test_partial_was_enforced(bench: Bench) -> None:
    """Once enforced, the same CRL brings nothing new, though its ETag is read again."""
    manifest = bench.manifest(A, B)
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A], number=1)))
    assert bench.find(manifest, store).status is CrlStatus.NOT_YET


def test_next_crl_after_a_partial_one(bench: Bench) -> None:
    """The wait ends with the CRL that holds the rest."""
    manifest = bench.manifest(A, B)
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A], number=1)))
    first = bench.find(manifest, store)
    bench.publish(bench.authority.crl([A, B], number=2))
    assert bench.find(manifest, store, previous=first).status is CrlStatus.COMPLETE


def test_unchanged(bench: Bench) -> None:
    """An object that was read before is not read again, and late."""
    manifest = bench.manifest(A, B)
    bench.publish(bench.authority.crl([A]))
    first = bench.find(manifest)
    again = bench.find(manifest, previous=first, now=NOW + timedelta(seconds=5))
    assert again.status is CrlStatus.NOT_YET
    assert (again.polls, again.etag, again.missing_serials) == (2, first.etag, [B])
    assert (again.first_poll_at, again.deadline) == (first.first_poll_at, first.deadline)


def test_unchanged_while_a_trust_store_lacks_it(bench: Bench) -> None:
    """A trust store that failed is tried again at looks 2, 4, 8 with the same CRL: a history is finite."""
    manifest = bench.manifest(A, B)
    bench.publish(bench.authority.crl([A]))
    found = bench.find(manifest)
    tried = []
    while found.polls < 20:
        found = bench.find(manifest, bench.store(failure=FAILED), previous=found)
        if found.status is CrlStatus.PARTIAL:
            tried.append(found.polls)
    assert tried == [2, 4, 8, 16]


def test_changed_while_a_trust_store_lacks_it(bench: Bench) -> None:
    """A new CRL is read at any look."""
    manifest = bench.manifest(A, B)
    bench.publish(bench.authority.crl([A]))
    third = bench.find(manifest).model_copy(update={"polls": 4})
    bench.publish(bench.authority.crl([A], number=2))
    assert bench.find(manifest, bench.store(failure=FAILED), previous=third).status is CrlStatus.PARTIAL


def test_bad(bench: Bench) -> None:
    """A CRL that is refused is recorded by the name of its fault, and polling goes on."""
    bench.publish(bench.authority.crl([A], key=pki.ec_key()))
    found = bench.find(bench.manifest(A))
    assert found.status is CrlStatus.INVALID
    assert found.refusal is not None
    assert found.refusal.error == "CrlSignatureInvalid"
    assert (found.crl, found.number_missing) == (None, 1)


def test_bad_and_unchanged(bench: Bench) -> None:
    """A bad CRL stays bad, with its reason, until another one comes."""
    manifest = bench.manifest(A)
    bench.publish(b"garbage")
    first = bench.find(manifest)
    again = bench.find(manifest, previous=first)
    assert (again.status, again.polls, again.refusal) == (CrlStatus.INVALID, 2, first.refusal)
    bench.publish(bench.authority.crl([A]))
    good = bench.find(manifest, previous=again)
    assert (good.status, good.refusal) == (CrlStatus.COMPLETE, None)


def test_bad_since_before_the_start(bench: Bench) -> None:
    """Last month's expired CRL is late, not bad."""
    etag = bench.publish(bench.authority.crl([A], this_update=NOW - 9 * DAY, next_update=NOW - DAY))
    manifest = bench.manifest(A, etag=etag)
    first = bench.find(manifest)
    assert (first.status, first.refusal, first.etag) == (CrlStatus.NOT_YET, None, etag)
    assert bench.find(manifest, previous=first).status is CrlStatus.NOT_YET


def test_bad_after_a_partial_one(bench: Bench) -> None:
    """What is missing then is what no trust store holds yet."""
    manifest = bench.manifest(A, B)
    store = bench.enforce(manifest, bench.convert(bench.authority.crl([A], number=1)))
    first = bench.find(manifest, store)
    bench.publish(bench.authority.crl([A, B], number=2, extensions=[(x509.DeltaCRLIndicator(1), True)]))
    found = bench.find(manifest, store, previous=first)
    assert (found.status, found.missing_serials) == (CrlStatus.INVALID, [B])


def test_number_lower_than_attached(bench: Bench) -> None:
    """A CRL older than what every trust store holds is refused."""
    bench.add(bench.authority.crl([C], number=9))
    bench.publish(bench.authority.crl([A], number=8))
    found = bench.find(bench.manifest(A))
    assert found.refusal is not None
    assert found.refusal.error == "CrlNumberLower"


def test_number_lower_than_attached_to_one_of_two(bench: Bench) -> None:
    """Another trust store may still need it; AttachCrl looks at each."""
    bench.add(bench.authority.crl([C], number=9))
    bench.publish(bench.authority.crl([A], number=8))
    other = bench.fresh()
    manifest = bench.manifest(A, trust_store_arns=[bench.trust_store_arn, other.trust_store_arn])
    assert bench.find(manifest, bench.store(), other.store()).status is CrlStatus.COMPLETE


def test_too_many_entries(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """A CRL beyond the trust store's quota is bad."""
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", "1")
    bench.publish(bench.authority.crl([A, B]))
    found = bench.find(bench.manifest(A))
    assert found.refusal is not None
    assert found.refusal.error == "CrlTooLarge"


@pytest.mark.parametrize("outcome", [RevocationOutcome.FAILED, RevocationOutcome.EXPIRED])
def test_nothing_wanted(bench: Bench, outcome: RevocationOutcome) -> None:
    """Serials that will never be in a CRL are not waited for."""
    found = bench.find(bench.manifest(A), outcome=outcome)
    assert (found.status, found.number_wanted, found.number_missing) == (CrlStatus.NOTHING_WANTED, 0, 0)


def test_already_revoked(bench: Bench) -> None:
    """A serial that was revoked before is waited for like one revoked now."""
    assert bench.find(bench.manifest(A), outcome=RevocationOutcome.ALREADY_REVOKED).number_wanted == 1


@pytest.mark.parametrize(("seconds", "passed"), [(59, False), (60, True), (61, True)])
def test_deadline(bench: Bench, seconds: int, passed: bool) -> None:  # noqa: FBT001 - a table
    """The deadline counts from the first look."""
    manifest = bench.manifest(A, polling=Polling(interval_seconds=1, deadline_seconds=60))
    first = bench.find(manifest)
    assert not first.deadline_passed
    assert bench.find(manifest, previous=first, now=NOW + timedelta(seconds=seconds)).deadline_passed is passed


def test_complete_after_the_deadline(bench: Bench) -> None:
    """A CRL that comes with the last look is used."""
    manifest = bench.manifest(A)
    first = bench.find(manifest)
    bench.publish(bench.authority.crl([A], number=1))
    found = bench.find(manifest, previous=first, now=NOW + timedelta(minutes=2))
    assert (found.status, found.deadline_passed) == (CrlStatus.COMPLETE, True)


def test_many_missing(bench: Bench) -> None:
    """Ten missing serials are named, the others counted: the state stays small."""
    wanted = pki.random_serials(12)
    bench.publish(bench.authority.crl([A]))
    found = bench.find(bench.manifest(*wanted))
    assert (found.number_missing, found.missing_serials) == (12, sorted(wanted)[:10])


def test_notices(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """A notice is due at the first poll, and once more at the first poll after the deployment's delay."""
    lambda_environment.setenv("DELAY_NOTICE_SECONDS", "60")
    environment.cache_clear()
    manifest = bench.manifest(A, polling=Polling(interval_seconds=30, deadline_seconds=600))
    previous, due = None, []
    for second in (0, 30, 60, 90, 120):
        previous = bench.find(manifest, previous=previous, now=NOW + timedelta(seconds=second))
        due.append(previous.notices[-1] if previous.notice_due else None)
    assert due == [Notice.WAIT_BEGINS, None, Notice.STILL_WAITING, None, None]
