"""AWS's error codes become our errors in one place."""

import pytest
from botocore.client import BaseClient
from botocore.exceptions import FlexibleChecksumError
from botocore.parsers import ResponseParserError

from functions.aws import elbv2
from functions.aws.client import translate_errors
from functions.errors import AwsCallRefused, AwsUnavailable
from tests.functions.aws.calls import ACM_PCA, ADD, CALLS, ELBV2, REMOVE, error_of

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


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (ResponseParserError("no element found"), "that cannot be read: no element found"),
        (FlexibleChecksumError(error_msg="CRC32 differs"), "that cannot be read: CRC32 differs"),
        (KeyError("TrustStores"), "without 'TrustStores'"),
        (IndexError("list index out of range"), "without list index out of range"),
    ],
)
def test_unreadable_answer(fault: Exception, message: str) -> None:
    """An answer that was cut, changed on its way, or lacks a field may be complete the next time."""
    with pytest.raises(AwsUnavailable, match=message), translate_errors("DescribeTrustStores", "all"):
        raise fault


# Without AddTrustStoreRevocations, whose result is then unknown, and calls of which an empty answer says all.
ANSWERED = {
    ACM_PCA + "DescribeCertificateAuthority",
    ACM_PCA + "GetCertificateAuthorityCertificate",
    ACM_PCA + "GetCertificate",
    ELBV2 + "DescribeTrustStores",
    ELBV2 + "DescribeTrustStoreRevocations",
    ELBV2 + "GetTrustStoreCaCertificatesBundle",
    ELBV2 + "GetTrustStoreRevocationContent",
    ELBV2 + "DescribeTrustStoreAssociations",
    ELBV2 + "DescribeLoadBalancerAttributes",
    "s3:GetObject",
    "s3:PutObject",
}


@pytest.mark.parametrize("action", sorted(ANSWERED))
def test_answer_without_a_field(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that lacks what the call asks for is not a result."""
    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", lambda *_: {})
        with pytest.raises(AwsUnavailable, match="without"):
            CALLS[action]()


@pytest.mark.parametrize("answer", [{}, ResponseParserError("no element found")], ids=["empty", "unreadable"])
def test_unreadable_answer_to_an_add(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list may have been added: it is looked for before it is added again."""

    def respond(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", respond)
        with pytest.raises(elbv2.ResultUnknown):
            CALLS[ADD]()
