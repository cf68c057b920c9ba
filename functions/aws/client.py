"""What every AWS call shares: the retry configuration, and the translation of AWS's error codes to our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

from functions.errors import AwsCallRefused, AwsUnavailable, RevocationError

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)
THROTTLED = ("Throttling", "ThrottlingException", "RequestLimitExceeded")
_SERVER_FAULT = 500


@contextmanager
def translate_errors(action: str, resource: str, **codes: type[RevocationError]) -> Iterator[None]:
    """Raise our errors in place of AWS's.

    Raises:
        RevocationError: the class that `codes` names for AWS's error code.
        AwsUnavailable: throttling, a server fault, or an answer that did not arrive or cannot be read; the call may be
            repeated.
        AwsCallRefused: any other error code.

    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = f"{action} on {resource} was refused: {code}: {error.response['Error'].get('Message', '')}"
        if code in codes:
            raise codes[code](message) from error
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_FAULT or code in THROTTLED:
            raise AwsUnavailable(message) from error
        raise AwsCallRefused(message) from error
    except (HTTPClientError, BotoConnectionError, IncompleteReadError, ResponseStreamingError) as error:
        raise AwsUnavailable(f"{action} on {resource} got no answer: {error}") from error
    except (ResponseParserError, FlexibleChecksumError) as error:
        raise AwsUnavailable(f"{action} on {resource} got an answer that cannot be read: {error}") from error
    except (KeyError, IndexError) as error:
        raise AwsUnavailable(f"{action} on {resource} got an answer without {error}") from error


def error_code(error: AwsCallRefused) -> str:
    """Return AWS's own code of a refused call."""
    assert isinstance(error.__cause__, ClientError)  # noqa: S101 - translate_errors chains it
    return str(error.__cause__.response["Error"]["Code"])
