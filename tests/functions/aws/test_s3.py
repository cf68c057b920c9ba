"""Objects are read by version, only if changed, and up to a size."""

import pytest

from functions import limits
from functions.aws import s3
from functions.errors import AwsCallRefused, CrlTooLarge
from infra.local.core import faults
from tests.support.steps import Steps

pytestmark = pytest.mark.usefixtures("steps", "no_retry_delay")


def test_object(steps: Steps) -> None:
    """An object is read by the version that was written, even if there is a newer one."""
    first = s3.put_object(steps.bucket, f"{steps.name}/o", b"1", "text/plain")
    s3.put_object(steps.bucket, f"{steps.name}/o", b"2", "text/plain")
    fetched = s3.get_object(first.bucket, first.key, version_id=first.version_id)
    assert fetched is not None
    assert (fetched.body, fetched.version) == (b"1", first)
    assert s3.list_objects(steps.bucket, f"{steps.name}/") == [first.key]


def test_object_unchanged(steps: Steps) -> None:
    """An object with a known ETag is not downloaded again."""
    etag = steps.publish(b"crl")
    with pytest.raises(s3.ObjectUnchanged):
        s3.get_object(*steps.crl_location, unless_etag=etag)
    steps.publish(b"another")
    assert s3.get_object(*steps.crl_location, unless_etag=etag) is not None


def test_object_absent(steps: Steps) -> None:
    """A missing object is None, not an error."""
    assert s3.get_object(*steps.crl_location) is None
    assert s3.head_object_etag(*steps.crl_location) is None
    etag = steps.publish(b"crl")
    assert s3.head_object_etag(*steps.crl_location) == etag


def test_object_too_large(steps: Steps) -> None:
    """An object that is larger than a CRL may be is not downloaded."""
    steps.publish(b"12345")
    with pytest.raises(CrlTooLarge, match="has 5 bytes, more than 4"):
        s3.get_object(*steps.crl_location, max_bytes=4)
    assert limits.MAX_CRL_BYTES == 50 * 1024 * 1024


def test_head_refused() -> None:
    """A HEAD response has no body with an error code, only a status."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(AwsCallRefused, match="HeadObject on s3://b/k was refused: 403"):
        s3.head_object_etag("b", "k")
