"""What every call of AWS has in common: how long it is tried, and AWS's error codes made our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from functions.errors import AwsCallRefused, AwsUnavailable, RevocationError

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)
THROTTLED = ("Throttling", "ThrottlingException", "RequestLimitExceeded")
_SERVER_FAULT = 500


@contextmanager
def translate_errors(action: str, thing: str, **codes: type[RevocationError]) -> Iterator[None]:
    """Make our errors of AWS's: those of `codes` by name, what may pass AwsUnavailable, all others AwsCallRefused."""
    try:
        yield
    except ClientError as refusal:
        code = refusal.response["Error"]["Code"]
        text = f"{action} on {thing} was refused: {code}: {refusal.response['Error'].get('Message', '')}"
        if code in codes:
            raise codes[code](text) from refusal
        if refusal.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_FAULT or code in THROTTLED:
            raise AwsUnavailable(text) from refusal
        raise AwsCallRefused(text) from refusal
    except (HTTPClientError, BotoConnectionError, IncompleteReadError, ResponseStreamingError) as fault:
        raise AwsUnavailable(f"{action} on {thing} got no answer: {fault}") from fault


def error_code(refusal: AwsCallRefused) -> str:
    """Give AWS's own code of a refusal."""
    assert isinstance(refusal.__cause__, ClientError)  # noqa: S101 - translate_errors chains it
    return str(refusal.__cause__.response["Error"]["Code"])
