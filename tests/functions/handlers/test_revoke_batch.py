"""RevokeBatch revokes each serial of a long list once, at the configured rate, and loses none if Private CA is busy."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import CertificateAuthorityBusy
from functions.handlers import revoke_batch as module
from functions.handlers.revoke_batch import revoke_batch
from functions.models.base import S3Object
from functions.models.states import Revocation, RevocationOutcome, RevokeBatchInput, RevokedBatch
from functions.models.stored import Manifest
from functions.revocation import batches
from infra.local.acm_pca import service as acm_pca
from infra.local.acm_pca.certificate_authority import CertificateAuthority
from infra.local.core import faults
from tests.support.pki import NOW
from tests.support.steps import Steps

REVOKE = "acm-pca:RevokeCertificate"
REVOKED, FAILED = RevocationOutcome.REVOKED, RevocationOutcome.FAILED


@pytest.fixture(autouse=True)
def fast(lambda_environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the rate, which is not the subject of these tests."""
    lambda_environment.setenv("REVOCATIONS_PER_SECOND", "1000")
    environment.cache_clear()
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.01)


def ca_of(steps: Steps) -> CertificateAuthority:
    """Return the embedded AWS's CA."""
    return acm_pca.certificate_authority(steps.lab.authority.arn)


def issue(steps: Steps, number: int) -> list[int]:
    """Issue certificates and return their serials."""
    issue_client = steps.lab.authority.issue_client
    return [issue_client(steps.lab.folder, f"batch-{steps.name}-{index}").serial for index in range(number)]


def manifest_of(steps: Steps, *serials: int) -> S3Object:
    """Write a manifest for a list, however short."""
    steps.lab.aws.settings.private_ca.revocations_per_second = 1_000
    steps.lab.aws.settings.private_ca.revocation_burst = 1_000
    return steps.manifest(*serials)


def revoke(manifest: S3Object, batch: int = 0) -> RevokedBatch:
    """Run the step."""
    return revoke_batch(RevokeBatchInput(manifest=manifest, batch=batch), NOW)


def read(manifest: S3Object) -> Manifest:
    """Return the manifest."""
    return workflow_bucket.get_manifest(manifest)


def test_outcomes_are_stored(steps: Steps) -> None:
    """Every serial's outcome is stored; one that was never issued fails, the others do not."""
    two = issue(steps, 2)
    manifest = manifest_of(steps, *two, 0xABC)
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=2, failed=1)
    outcomes = batches.read_outcomes(read(manifest), [], [RevokedBatch(batch=0)])
    assert [(done.serial, done.outcome) for done in outcomes] == [
        (two[0], REVOKED),
        (two[1], REVOKED),
        (0xABC, FAILED),
    ]
    assert outcomes[2].error == "ResourceNotFoundException"
    assert set(two) <= set(ca_of(steps).revocations)


def test_second_attempt_continues(steps: Steps) -> None:
    """A second attempt does not call Private CA for serials that have an outcome."""
    two = issue(steps, 2)
    manifest = manifest_of(steps, *two)
    revoke(manifest)
    calls = Counter[str]()
    faults.observe(lambda action, _: calls.update([action]))
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=2)
    assert calls[REVOKE] == 0


def test_outcomes_of_older_execution_of_same_name(steps: Steps) -> None:
    """An execution's name may be reused after 90 days: outcomes of the older one are ignored."""
    (one,) = issue(steps, 1)
    manifest = manifest_of(steps, one)
    long_ago = read(manifest).start_time - timedelta(days=91)
    workflow_bucket.put_outcomes(steps.name, 0, [Revocation(serial=one, outcome=FAILED, at=long_ago, error="old")])
    assert batches.read_outcomes(read(manifest), [], [RevokedBatch(batch=0, error="new")])[0].error == "new"
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=1)


def test_ca_busy(steps: Steps, no_retry_delay: None) -> None:  # noqa: ARG001
    """Every serial is revoked even if Private CA throttles until the SDK gives up."""
    four = issue(steps, 4)
    manifest = manifest_of(steps, *four)
    faults.add(REVOKE, code="ThrottlingException", times=23)
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=4)
    assert set(four) <= set(ca_of(steps).revocations)


def clock(monkeypatch: pytest.MonkeyPatch, looks_in_time: int) -> None:
    """Replace the clock by one that ends after so many looks at it; the first of them sets the deadline."""
    times = iter([0.0] * looks_in_time + [1_000.0] * 99)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(times)))


def test_ca_stays_busy(steps: Steps, monkeypatch: pytest.MonkeyPatch, no_retry_delay: None) -> None:  # noqa: ARG001
    """Outcomes are stored before the step gives up, and the next attempt does the rest."""
    clock(monkeypatch, 1 + 4)
    four = issue(steps, 4)
    manifest = manifest_of(steps, *four)
    quota = steps.lab.aws.settings.private_ca
    quota.revocation_burst, quota.revocations_per_second = 2, 0.001
    with pytest.raises(CertificateAuthorityBusy, match="of 4 serials of batch 0"):
        revoke(manifest)
    outcomes = batches.read_outcomes(read(manifest), [], [RevokedBatch(batch=0, error="CertificateAuthorityBusy")])
    assert {revocation.outcome for revocation in outcomes} == {REVOKED, FAILED}
    assert {revocation.error for revocation in outcomes if revocation.outcome is FAILED} == {"CertificateAuthorityBusy"}
    quota.revocation_burst = quota.revocations_per_second = 1_000
    clock(monkeypatch, 99)
    assert revoke(manifest) == RevokedBatch(batch=0, revoked=4)


def test_deadline_during_a_round(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the time is up no further call is made, and what was done is stored."""
    four = issue(steps, 4)
    manifest = manifest_of(steps, *four)
    clock(monkeypatch, 1 + 2)
    with pytest.raises(CertificateAuthorityBusy, match="too busy for 2 of 4 serials of batch 0"):
        revoke(manifest)
    assert len(workflow_bucket.get_outcomes(read(manifest), 0)) == 2


def test_second_batch(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second batch holds the serials after the first."""
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    three = issue(steps, 3)
    manifest = manifest_of(steps, *three)
    assert revoke(manifest, batch=1) == RevokedBatch(batch=1, revoked=1)
    assert three[2] in ca_of(steps).revocations
    assert three[0] not in ca_of(steps).revocations
