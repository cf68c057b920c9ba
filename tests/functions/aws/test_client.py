"""AWS's error codes become our errors in one place."""

import pytest

from functions.errors import AwsCallRefused, AwsUnavailable
from tests.functions.aws.calls import ACM_PCA, ADD, CALLS, REMOVE, error_of

pytestmark = pytest.mark.usefixtures("steps", "no_retry_delay")


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ACM_PCA + "RevokeCertificate"}))
def test_refused(action: str) -> None:
    """An error code without an error class of its own is reported with operation and code."""
    error = error_of(action, "AccessDeniedException", 403)
    assert type(error) is AwsCallRefused
    assert str(error).startswith(action.partition(":")[2].replace("ListBucket", "ListObjectsV2"))


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ADD}))
def test_server_fault(action: str) -> None:
    """A 5xx that outlasts the SDK's own retries may be retried later."""
    assert type(error_of(action, "ServiceUnavailable", 503)) is AwsUnavailable


@pytest.mark.parametrize("action", sorted(CALLS.keys() - {ADD, REMOVE, ACM_PCA + "RevokeCertificate"}))
def test_reading_throttled(action: str) -> None:
    """Throttling of a read may be retried later."""
    assert type(error_of(action, "ThrottlingException")) is AwsUnavailable
