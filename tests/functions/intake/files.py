"""Files that an input names, without S3."""

from functions.aws.s3 import FetchedObject
from functions.errors import AwsCallRefused, CrlTooLarge
from functions.models.base import S3Object

DENIED = "denied"


class Files:
    """Files in one bucket, read as `s3.get_object` reads objects."""

    def __init__(self, **files: bytes | str) -> None:
        """Take the content of each file."""
        self.files = files

    def get_object(
        self, bucket: str, key: str, *, version_id: str | None = None, max_bytes: int = 0, **_: object
    ) -> FetchedObject | None:
        """Return a file, None if there is none; raise what S3 raises for one that is denied or too large."""
        if key == DENIED:
            raise AwsCallRefused(f"GetObject on s3://{bucket}/{key} was refused: AccessDenied")
        if key not in self.files or version_id == "gone":
            return None
        content = self.files[key]
        body = content.encode() if isinstance(content, str) else content
        if len(body) > max_bytes:
            raise CrlTooLarge(f"s3://{bucket}/{key} has {len(body):,} bytes, more than {max_bytes:,}")
        return FetchedObject(body, S3Object(bucket=bucket, key=key, version_id=version_id or "v1"), '"etag"')
