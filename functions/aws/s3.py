"""Every call of Amazon S3: one function per API action."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import boto3

from functions.aws.client import PATIENT, error_code, translate_errors
from functions.errors import AwsCallRefused, CrlTooLarge
from functions.models.base import S3Object
from functions.pki.crl_form import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3", config=PATIENT)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object's body with what names this very version."""

    body: bytes
    version: S3Object
    etag: str


# Same signature as `get_object`; `revocation plan` passes one that also serves files not uploaded yet.
GetObject = Callable[..., Fetched | None]


class ObjectUnchanged(Exception):
    """The object is still the one whose ETag was given."""


def get_object(
    bucket: str,
    key: str,
    *,
    version_id: str | None = None,
    unless_etag: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Fetched | None:
    """Read an object of at most a CRL's size, or None when there is none.

    Raises:
        ObjectUnchanged: its ETag is still `unless_etag`.
        CrlTooLarge: it is larger than `max_bytes`, and was not downloaded.

    """
    options = {"VersionId": version_id, "IfNoneMatch": unless_etag}
    thing = f"s3://{bucket}/{key}"
    try:
        with translate_errors("GetObject", thing):
            answer = _s3().get_object(Bucket=bucket, Key=key, **{k: v for k, v in options.items() if v})  # type: ignore[arg-type]
            if answer["ContentLength"] > max_bytes:
                raise CrlTooLarge(f"{thing} has {answer['ContentLength']:,} bytes, more than {max_bytes:,}")
            body = answer["Body"].read()
    except AwsCallRefused as refusal:
        if error_code(refusal) in ("304", "NotModified"):
            raise ObjectUnchanged from None
        if error_code(refusal) in ("NoSuchKey", "NoSuchVersion"):
            return None
        raise
    version = S3Object(bucket=bucket, key=key, version_id=answer.get("VersionId", "null"))
    return Fetched(body, version, answer["ETag"])


def head_object_etag(bucket: str, key: str) -> str | None:
    """Give an object's ETag, or None when there is none."""
    try:
        with translate_errors("HeadObject", f"s3://{bucket}/{key}"):
            return _s3().head_object(Bucket=bucket, Key=key)["ETag"]
    except AwsCallRefused as refusal:
        if error_code(refusal) in ("404", "NoSuchKey"):
            return None
        raise


def put_object(bucket: str, key: str, body: bytes | IO[bytes], content_type: str) -> S3Object:
    """Write an object and give the version written; the bucket must be versioned."""
    with translate_errors("PutObject", f"s3://{bucket}/{key}"):
        answer = _s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return S3Object(bucket=bucket, key=key, version_id=answer["VersionId"])


class ObjectChanged(Exception):
    """Somebody else has written the object meanwhile."""


def replace_object(bucket: str, key: str, body: bytes, *, etag: str | None) -> None:
    """Write an object where there is none (no ETag), or still the one with this ETag.

    Raises:
        ObjectChanged: it is not so any more.

    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        with translate_errors("PutObject", f"s3://{bucket}/{key}"):
            _s3().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition)  # type: ignore[arg-type]
    except AwsCallRefused as refusal:
        if error_code(refusal) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
            raise ObjectChanged from None
        raise


def list_objects(bucket: str, prefix: str) -> list[str]:
    """Give the keys under a prefix."""
    with translate_errors("ListObjectsV2", f"s3://{bucket}/{prefix}"):
        pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]
