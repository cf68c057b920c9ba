"""The embedded S3 corrects moto's."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from moto.s3.responses import S3Response

from infra.local.s3 import patches
from infra.local.server import EmbeddedAws
from tests.support import sandbox


def test_one_of_simultaneous_conditional_writes_succeeds(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 checks and writes atomically; in moto several requests may check before one writes."""
    at_once, most, counting = 0, 0, threading.Lock()

    def slowly(response: S3Response) -> object:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        try:
            return s3_put(response)
        finally:
            with counting:
                at_once -= 1

    s3_put = patches.STOCK_PUT_OBJECT
    monkeypatch.setattr(patches, "STOCK_PUT_OBJECT", slowly)
    client = aws.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": aws.settings.region})

    def put(number: int) -> str:
        try:
            client.put_object(Bucket="bucket", Key="key", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "written"

    with ThreadPoolExecutor(5) as pool:
        results = sorted(pool.map(put, range(5)))
    assert results == ["PreconditionFailed"] * 4 + ["written"]
    assert most == 1


def test_a_bucket_policy_denies_only_its_principals(aws: EmbeddedAws) -> None:
    """A statement about a role is not one about the administrator, and "TLS only" denies neither."""
    client = aws.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": aws.settings.region})
    role_arn = sandbox.role(aws, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    deny = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*"}
    tls_only = {**deny, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    statements = [tls_only, {**deny, "Principal": {"AWS": role_arn}}]
    policy = {"Version": "2012-10-17", "Statement": statements}
    client.put_bucket_policy(Bucket="bucket", Policy=json.dumps(policy))
    client.put_object(Bucket="bucket", Key="key", Body=b"content")
    role_client = sandbox.client_as(aws, role_arn, "s3")
    assert role_client.get_object(Bucket="bucket", Key="key")["Body"].read() == b"content"
    with pytest.raises(ClientError, match="403"):
        role_client.put_object(Bucket="bucket", Key="key", Body=b"other")
