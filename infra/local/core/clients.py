"""Create boto3 clients in one session, which reads the data that they share once: a tenth of a second a client."""

import functools
import threading
from typing import Any

import boto3

_lock = threading.Lock()  # a session is not thread-safe, its clients are


def create_client(service: str, **arguments: Any) -> Any:  # noqa: ANN401 - boto3 makes each service's class as it runs
    """Return a client of a service, created with the arguments of `boto3.session.Session.client`."""
    with _lock:
        return _session().client(service, **arguments)


def create_bucket(s3: Any, name: str) -> None:  # noqa: ANN401 - boto3 makes each service's class as it runs
    """Create a bucket in the client's Region, which S3 does not let one name if it is us-east-1."""
    region = s3.meta.region_name
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **location)


@functools.cache
def _session() -> Any:  # noqa: ANN401 - its `client` has an overload for each service
    return boto3.session.Session()
