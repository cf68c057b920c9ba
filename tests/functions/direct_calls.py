"""The calls to a trust store without HTTP, for tests that make thousands of them.

They call the same embedded trust store; `test_direct_calls.py` compares both ways.
"""

from typing import IO, Any

import pytest

from functions.aws import elbv2, s3
from functions.errors import TrustStoreFull
from functions.models.base import S3Object
from infra.local.core.requests import ServiceError
from infra.local.elbv2.responses import trust_store


def describe_trust_store(arn: str) -> dict[str, Any]:
    """Return the trust store's count."""
    return {"TotalRevokedEntries": trust_store(arn).total_revoked_entries}


def describe_trust_store_revocations(arn: str) -> list[dict[str, Any]]:
    """Return the lists that the trust store shows."""
    return [
        {"RevocationId": each.revocation_id, "NumberOfRevokedEntries": each.number_of_entries}
        for each in trust_store(arn).visible_lists
    ]


def get_trust_store_revocation_content(arn: str, revocation_id: int) -> bytes | None:
    """Return the bytes of a list."""
    found = [each.pem for each in trust_store(arn).visible_lists if each.revocation_id == revocation_id]
    return found[0] if found else None


def add_trust_store_revocations(arn: str, pem: S3Object) -> int:
    """Add a list; a full trust store is the only refusal."""
    fetched = s3.get_object(pem.bucket, pem.key, version_id=pem.version_id)
    assert fetched is not None
    try:
        (added,) = trust_store(arn).add([fetched.body])
    except ServiceError as error:
        if error.code != "TooManyTrustStoreRevocationEntries":
            raise
        raise TrustStoreFull(str(error)) from error
    return added.revocation_id


def remove_trust_store_revocations(arn: str, revocation_ids: list[int]) -> bool:
    """Remove lists, all or none."""
    try:
        trust_store(arn).remove(revocation_ids)
    except ServiceError as error:
        if error.code != "RevocationIdNotFound":
            raise
        return False
    return True


CALLS = (
    describe_trust_store,
    describe_trust_store_revocations,
    get_trust_store_revocation_content,
    add_trust_store_revocations,
    remove_trust_store_revocations,
)


def call_directly(patch: pytest.MonkeyPatch) -> None:
    """Replace the calls over HTTP, and S3 by a dictionary."""
    objects: dict[S3Object, bytes] = {}

    def put_object(bucket: str, key: str, body: bytes | IO[bytes], _content_type: str) -> S3Object:
        version = S3Object(bucket=bucket, key=key, version_id=str(len(objects)))
        objects[version] = body if isinstance(body, bytes) else body.read()
        return version

    def get_object(bucket: str, key: str, *, version_id: str, **_: object) -> s3.FetchedObject:
        version = S3Object(bucket=bucket, key=key, version_id=version_id)
        return s3.FetchedObject(objects[version], version, "etag")

    patch.setattr(s3, "put_object", put_object)
    patch.setattr(s3, "get_object", get_object)
    for call in CALLS:
        patch.setattr(elbv2, call.__name__, call)
