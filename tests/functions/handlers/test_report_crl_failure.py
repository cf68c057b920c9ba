"""ReportCrlFailure records that Private CA could not publish a CRL, and notifies people at once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions import workflow_bucket
from functions.handlers.report_crl_failure import report_crl_failure
from functions.models.events import CrlGenerationEvent
from functions.models.stored import CrlFailure
from tests.support.pki import NOW, A, B
from tests.support.reporting import ReceiveMessages
from tests.support.steps import Steps


@pytest.fixture(autouse=True)
def no_crl_failure(steps: Steps) -> Iterator[None]:
    """Delete what the test recorded, for the tests of the same CA that follow."""
    yield
    authority_id = steps.lab.authority.arn.rsplit("/", 1)[1]
    steps.lab.aws.client("s3").delete_object(Bucket=steps.bucket, Key=f"crl-failures/{authority_id}.json")


def test_message(steps: Steps, receive_messages: ReceiveMessages) -> None:
    """It names the error and the bucket, and a waiting execution finds the reason while no CRL has come since."""
    event = {
        "time": NOW.isoformat(),
        "resources": [steps.lab.authority.arn],
        "detail": {"result": "failure", "reason": "Failed to write CRL to S3. Check your S3 bucket permissions."},
    }
    report_crl_failure(CrlGenerationEvent.model_validate(event), NOW)
    (message,) = receive_messages()
    assert message["Subject"] == "mTLS revocation: CrlBucketNotWritable: Private CA has no CRL"
    assert "the-crl-bucket" in message["Message"]
    waiting = steps.find(steps.manifest(A))
    assert waiting.generation_failure
    assert waiting.generation_failure.error == "CrlBucketNotWritable"
    steps.publish(steps.authority.crl([B], number=5))
    assert steps.find(steps.manifest(A)).generation_failure is None


def test_failure_before_the_execution(steps: Steps) -> None:
    """A failure from before the start of an execution does not explain its wait."""
    failure = CrlFailure(
        certificate_authority_arn=steps.lab.authority.arn, at=NOW - timedelta(days=1), reason="Internal failure."
    )
    workflow_bucket.put_crl_failure(failure)
    assert steps.find(steps.manifest(A)).generation_failure is None
