"""Maps Private CA's three reasons for a missing CRL to our errors.

"Failed to write CRL to S3. Check your S3 bucket permissions.", "Failed to write CRL to S3. Internal failure." and
"Failed to generate CRL. Internal failure." (https://docs.aws.amazon.com/privateca/latest/userguide/CloudWatchEvents.html)
"""

from functions.errors import CrlBucketNotWritable, CrlGenerationFailed, CrlNotPublished
from functions.models.states import Failure
from functions.models.stored import CrlFailure


def error_class(failure: CrlFailure) -> type[CrlNotPublished]:
    """Return the error class for Private CA's reason; only one of the three reasons concerns the bucket."""
    return CrlBucketNotWritable if "bucket permissions" in failure.reason else CrlGenerationFailed


def to_failure(failure: CrlFailure, bucket: str) -> Failure:
    """Return it in the form of a step's failure, naming the bucket that Private CA writes to."""
    cause = f"Private CA reported at {failure.at:%Y-%m-%d %H:%M:%S} UTC: {failure.reason!r} (CRL bucket {bucket})"
    return Failure(error=error_class(failure).__name__, cause=cause)
