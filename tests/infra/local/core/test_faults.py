"""Faults affect every caller of the server, including functions in processes of their own."""

import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.core import faults
from infra.local.server import EmbeddedAws
from tests.support import sandbox
from tests.support.waiting import eventually

CREATE: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}


def names(aws: EmbeddedAws) -> list[str]:
    """Return the names of all buckets."""
    return [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]


def test_requests_fail_a_number_of_times(aws: EmbeddedAws) -> None:
    """A failed request has no effect; when the fault is used up, requests pass."""
    faults.add("s3:CreateBucket", code="SlowDown", message="Please reduce your request rate.", times=2)
    for _ in range(2):
        with pytest.raises(ClientError, match="reduce your request rate") as refused:
            aws.client("s3").create_bucket(Bucket="one", **CREATE)
        assert refused.value.response["Error"]["Code"] == "SlowDown"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert names(aws) == []
    aws.client("s3").create_bucket(Bucket="one", **CREATE)
    assert names(aws) == ["one"]


def test_a_response_is_lost(aws: EmbeddedAws) -> None:
    """With `after`, the request takes effect and its caller receives an error."""
    faults.add("s3:CreateBucket", code="InternalError", after=True)
    with pytest.raises(ClientError) as refused:
        aws.client("s3").create_bucket(Bucket="one", **CREATE)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert names(aws) == ["one"]


def test_a_request_is_delayed(aws: EmbeddedAws) -> None:
    """Without a code, requests are only held."""
    faults.add("s3:ListAllMyBuckets", delay=0.3)
    started = time.monotonic()
    assert names(aws) == []
    assert time.monotonic() - started >= 0.3


def test_each_protocol_has_its_own_error_format(aws: EmbeddedAws) -> None:
    """boto3 reads the code of a fault in any service."""
    for action, service, operation in (
        ("elasticloadbalancing:DescribeTrustStores", "elbv2", "describe_trust_stores"),
        ("acm-pca:ListCertificateAuthorities", "acm-pca", "list_certificate_authorities"),
        ("states:ListStateMachines", "stepfunctions", "list_state_machines"),
        ("lambda:ListFunctions", "lambda", "list_functions"),
    ):
        faults.add(action, code="ThrottlingException", message="Rate exceeded")
        with pytest.raises(ClientError, match="Rate exceeded") as refused:
            getattr(aws.client(service), operation)()
        assert refused.value.response["Error"]["Code"] == "ThrottlingException"


def test_a_fault_can_be_for_one_role(aws: EmbeddedAws) -> None:
    """Other callers are not affected; the function's own SDK is, and succeeds when it retries."""
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    source = """
import boto3
def handler(event, context):
    response = boto3.client("s3").list_buckets()["ResponseMetadata"]
    return response["RetryAttempts"]
"""
    sandbox.function(aws, source, Role=sandbox.role(aws, allowed), Timeout=30)
    faults.add("s3:ListAllMyBuckets", code="SlowDown", role_name="role")
    assert names(aws) == []
    assert sandbox.invoke(aws) == (1, None)


def test_requests_can_be_held_at_a_barrier(aws: EmbeddedAws) -> None:
    """An observer runs in the request's own thread, before the request is handled."""
    barrier = threading.Barrier(2, timeout=120)
    requests: list[tuple[str, str]] = []

    def hold(action: str, resource: str) -> None:
        requests.append((action, resource))
        if action == "s3:CreateBucket":
            barrier.wait()

    faults.observe(hold)
    thread = threading.Thread(target=lambda: aws.client("s3").create_bucket(Bucket="one", **CREATE))
    thread.start()
    eventually(lambda: barrier.n_waiting or None)
    assert names(aws) == []
    barrier.wait()
    thread.join()
    assert names(aws) == ["one"]
    assert ("s3:CreateBucket", "arn:aws:s3:::one") in requests


def test_clear_removes_faults_and_observers(aws: EmbeddedAws) -> None:
    """Nothing is left for the next test."""
    faults.add("s3:ListAllMyBuckets", code="SlowDown")
    faults.observe(lambda _action, _resource: pytest.fail("an observer was left"))
    faults.clear()
    assert names(aws) == []
