"""Every call of Amazon S3: one function per API action."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import boto3

from functions import limits
from functions.aws.client import PATIENT, error_code, translate_errors
from functions.errors import AwsCallRefused, CrlTooLarge
from functions.models.base import S3Object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3", config=PATIENT)


@dataclass(frozen=True, slots=True)
class FetchedObject:
    """An object's body, with the version and ETag that identify it."""

    body: bytes
    version: S3Object
    etag: str


# Same signature as `get_object`; `revocation plan` passes one that also serves files not uploaded yet.
GetObject = Callable[..., FetchedObject | None]


class ObjectUnchanged(Exception):
    """The object still has the ETag that the caller knows."""


def get_object(
    bucket: str,
    key: str,
    *,
    version_id: str | None = None,
    unless_etag: str | None = None,
    max_bytes: int = limits.MAX_CRL_BYTES,
) -> FetchedObject | None:
    """Read an object of at most `max_bytes` (default: a CRL's limit); return None if there is no such object.

    Raises:
        ObjectUnchanged: its ETag is still `unless_etag`.
        CrlTooLarge: it is larger than `max_bytes`; it was not downloaded.

    """
    options = {"VersionId": version_id, "IfNoneMatch": unless_etag}
    url = f"s3://{bucket}/{key}"
    try:
        with translate_errors("GetObject", url):
            response = _s3().get_object(Bucket=bucket, Key=key, **{k: v for k, v in options.items() if v})  # type: ignore[arg-type]
            if response["ContentLength"] > max_bytes:
                raise CrlTooLarge(f"{url} has {response['ContentLength']:,} bytes, more than {max_bytes:,}")
            body = response["Body"].read()
            version = S3Object(bucket=bucket, key=key, version_id=response.get("VersionId", "null"))
            return FetchedObject(body, version, response["ETag"])
    except AwsCallRefused as error:
        if error_code(error) in ("304", "NotModified"):
            raise ObjectUnchanged from None
        if error_code(error) in ("NoSuchKey", "NoSuchVersion"):
            return None
        raise


def head_object_etag(bucket: str, key: str) -> str | None:
    """Return an object's ETag, or None if there is no such object."""
    try:
        with translate_errors("HeadObject", f"s3://{bucket}/{key}"):
            return _s3().head_object(Bucket=bucket, Key=key)["ETag"]
    except AwsCallRefused as error:
        if error_code(error) in ("404", "NoSuchKey"):
            return None
        raise


def put_object(bucket: str, key: str, body: bytes | IO[bytes], content_type: str) -> S3Object:
    """Write an object and return the version written; the bucket must be versioned."""
    with translate_errors("PutObject", f"s3://{bucket}/{key}"):
        response = _s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        return S3Object(bucket=bucket, key=key, version_id=response["VersionId"])


class ObjectChanged(Exception):
    """The object was written by another process in the meantime."""


def replace_object(bucket: str, key: str, body: bytes, *, etag: str | None) -> None:
    """Write an object if it still has this ETag, or, without an ETag, if there is none yet.

    Raises:
        ObjectChanged: the condition no longer holds; nothing was written.

    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        with translate_errors("PutObject", f"s3://{bucket}/{key}"):
            _s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition)  # type: ignore[arg-type]
    except AwsCallRefused as error:
        if error_code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
            raise ObjectChanged from None
        raise


def list_objects(bucket: str, prefix: str) -> list[str]:
    """Return the keys under a prefix."""
    with translate_errors("ListObjectsV2", f"s3://{bucket}/{prefix}"):
        pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [content["Key"] for page in pages for content in page.get("Contents", [])]
