"""What the embedded S3 does otherwise than moto's."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from moto.s3.responses import S3Response

from infra.local.s3 import patches as s3
from infra.local.server import EmbeddedAws


def test_of_conditional_writes_at_once_one_succeeds(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 looks and writes in one; moto lets several look before one writes."""
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

    s3_put = s3.STOCK_PUT_OBJECT
    monkeypatch.setattr(s3, "STOCK_PUT_OBJECT", slowly)
    client = aws.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": aws.settings.region})

    def put(number: int) -> str:
        try:
            client.put_object(Bucket="bucket", Key="key", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as refusal:
            return str(refusal.response["Error"]["Code"])
        return "written"

    with ThreadPoolExecutor(5) as pool:
        told = sorted(pool.map(put, range(5)))
    assert told == ["PreconditionFailed"] * 4 + ["written"]
    assert most == 1
