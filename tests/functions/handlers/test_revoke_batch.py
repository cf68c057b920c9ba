"""RevokeBatch: each serial of a long list revoked once, at the pace told, none lost whatever Private CA answers."""

from collections import Counter
from datetime import timedelta

import pytest

from functions import limits, workflow_bucket
from functions.environment import environment
from functions.errors import CertificateAuthorityBusy
from functions.handlers import revoke_batch as module
from functions.handlers.revoke_batch import revoke_batch
from functions.models.base import S3Object
from functions.models.states import Revocation, RevocationOutcome, RevokeBatchInput, RevokedBatch
from functions.models.stored import Manifest
from functions.revocation import batches as outcomes
from functions.revocation.rate_limiter import Pace
from infra.local.acm_pca import service as acm_pca
from infra.local.acm_pca.certificate_authority import CertificateAuthority
from infra.local.core import faults
from tests.support.pki import NOW
from tests.support.steps import Bench

REVOKE = "acm-pca:RevokeCertificate"
REVOKED, ALREADY, FAILED = RevocationOutcome.REVOKED, RevocationOutcome.ALREADY_REVOKED, RevocationOutcome.FAILED


@pytest.fixture(autouse=True)
def quick(lambda_environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the batch go at a pace that is not a test's subject."""
    lambda_environment.setenv("REVOCATIONS_PER_SECOND", "1000")
    environment.cache_clear()
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.01)


def ca_of(bench: Bench) -> CertificateAuthority:
    """Give what stands behind the CA."""
    return acm_pca.certificate_authority(bench.lab.authority.arn)


def issued(bench: Bench, number: int) -> list[int]:
    """Issue certificates."""
    make = bench.lab.authority.issue_client
    return [make(bench.lab.folder, f"batch-{bench.name}-{each}").serial for each in range(number)]


def manifest_of(bench: Bench, *serials: int) -> S3Object:
    """Write a manifest for a list, however short."""
    bench.lab.aws.settings.private_ca.revocations_per_second = 1_000
    bench.lab.aws.settings.private_ca.revocation_burst = 1_000
    return bench.manifest(*serials)


def revoke(manifest: S3Object, batch: int = 0) -> RevokedBatch:
    """Run the step."""
    return revoke_batch(RevokeBatchInput(manifest=manifest, batch=batch), NOW)


def read(manifest: S3Object) -> Manifest:
    """Give what the manifest holds."""
    return workflow_bucket.get_manifest(manifest)


def test_each_is_revoked_and_its_outcome_kept(bench: Bench) -> None:
    """One that was never issued fails, and the others do not."""
    two = issued(bench, 2)
    manifest = manifest_of(bench, *two, 0xABC)
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=2, failed=1)
    kept = outcomes.gather(read(manifest), [], [RevokedBatch(batch=0)])
    assert [(each.serial, each.outcome) for each in kept] == [(two[0], REVOKED), (two[1], REVOKED), (0xABC, FAILED)]
    assert kept[2].error == "ResourceNotFoundException"
    assert set(two) <= set(ca_of(bench).revocations)


def test_asked_again_it_goes_on_where_it_was(bench: Bench) -> None:
    """A second try asks for nothing that has an outcome."""
    two = issued(bench, 2)
    manifest = manifest_of(bench, *two)
    revoke(manifest)
    calls = Counter[str]()
    faults.observe(lambda action, _: calls.update([action]))
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=2)
    assert calls[REVOKE] == 0


def test_outcomes_of_an_older_execution_of_the_name(bench: Bench) -> None:
    """A name may be used again after 90 days: what became of a serial then is not believed now."""
    (one,) = issued(bench, 1)
    manifest = manifest_of(bench, one)
    long_ago = read(manifest).start_time - timedelta(days=91)
    workflow_bucket.put_outcomes(bench.name, 0, [Revocation(serial=one, outcome=FAILED, at=long_ago, error="old")])
    assert outcomes.gather(read(manifest), [], [RevokedBatch(batch=0, error="new")])[0].error == "new"
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=1)


def test_a_busy_ca_is_asked_again(bench: Bench, impatient: None) -> None:  # noqa: ARG001
    """Throttled more often than the SDK tries, every serial is revoked all the same."""
    four = issued(bench, 4)
    manifest = manifest_of(bench, *four)
    faults.add(REVOKE, code="ThrottlingException", times=23)
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=4)
    assert set(four) <= set(ca_of(bench).revocations)


def test_a_ca_that_stays_busy(bench: Bench, monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:  # noqa: ARG001
    """What was done is kept before the step gives up, and the next try does the rest."""
    monkeypatch.setattr(module, "_SECONDS", 0.5)
    four = issued(bench, 4)
    manifest = manifest_of(bench, *four)
    quota = bench.lab.aws.settings.private_ca
    quota.revocation_burst, quota.revocations_per_second = 2, 0.001
    with pytest.raises(CertificateAuthorityBusy, match="of 4 serials of batch 0"):
        revoke(manifest)
    done = outcomes.gather(read(manifest), [], [RevokedBatch(batch=0, error="CertificateAuthorityBusy")])
    assert {each.outcome for each in done} == {REVOKED, FAILED}
    assert {each.error for each in done if each.outcome is FAILED} == {"CertificateAuthorityBusy"}
    quota.revocation_burst = quota.revocations_per_second = 1_000
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=4)


def test_a_batch_is_a_part_of_the_list(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second batch is what follows the first."""
    monkeypatch.setattr(outcomes, "BATCH_SIZE", 2)
    three = issued(bench, 3)
    manifest = manifest_of(bench, *three)
    assert revoke(manifest, batch=1) == RevokedBatch(batch=1, revoked=1)
    assert three[2] in ca_of(bench).revocations
    assert three[0] not in ca_of(bench).revocations


def test_inline_outcomes_are_what_the_state_holds() -> None:
    """A short list has no batches."""
    inline = [Revocation(serial=1, outcome=ALREADY)]
    assert outcomes.gather(None, inline, []) == inline  # type: ignore[arg-type] # no manifest is needed
    assert outcomes.batches(limits.MAX_INLINE_SERIALS) == []


class Clock:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        """Tell the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


def test_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty calls at a hundred a second take a fifth of a second, and none is saved up while nobody calls."""
    clock = Clock()
    monkeypatch.setattr("functions.revocation.rate_limiter.time", clock)
    pace = Pace(100)
    clock.sleep(0.1)
    for _ in range(21):
        pace.wait()
    assert clock.now == pytest.approx(0.3)
