"""Private CA's own word that it has no CRL: its three reasons, and the errors that they are here.

"Failed to write CRL to S3. Check your S3 bucket permissions.", "Failed to write CRL to S3. Internal failure." and
"Failed to generate CRL. Internal failure." (https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html)
"""

from functions.errors import CrlBucketNotWritable, CrlGenerationFailed, CrlNotPublished
from functions.models.states import Failure
from functions.models.stored import CrlFailure


def error_of(failure: CrlFailure) -> type[CrlNotPublished]:
    """Give the error that a reason is: only one of the three is the bucket's."""
    return CrlBucketNotWritable if "bucket permissions" in failure.reason else CrlGenerationFailed


def as_failure(failure: CrlFailure, bucket: str) -> Failure:
    """Put it as a step's failure, with the bucket that Private CA writes to."""
    told = f"Private CA said at {failure.at:%Y-%m-%d %H:%M:%S} UTC: {failure.reason!r} (CRL bucket {bucket})"
    return Failure(error=error_of(failure).__name__, cause=told)
