"""Files that an operator names: on this machine, on standard input, or in S3, read with the operator's own rights."""

import io
import json
import re
import sys
from pathlib import Path

from pydantic import ValidationError

from functions import limits
from functions.aws.s3 import get_object
from functions.models.base import ObjectLocation
from functions.models.request import SerialListFormat, parse_s3_url
from infra.cli.stack import Unusable

_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT")


def read(source: str) -> bytes:
    """Read a file, an S3 object (s3://bucket/key), or standard input (-).

    Raises:
        Unusable: it cannot be read, or is larger than the largest CRL.

    """
    if is_s3_url(source):
        return _read_object(source)
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as file:
            data = file.read(limits.MAX_CRL_BYTES + 1)
    except OSError as error:
        raise Unusable(f"{source} cannot be read: {error.strerror}") from None
    if len(data) > limits.MAX_CRL_BYTES:
        raise Unusable(f"{source} has more than {limits.MAX_CRL_BYTES:,} bytes, the most that an input file may have")
    return data


def _read_object(url: str) -> bytes:
    try:
        location = ObjectLocation.model_validate(parse_s3_url(url))
    except ValidationError:
        raise Unusable(f"{url} is not of the form s3://bucket/key") from None
    fetched = get_object(location.bucket, location.key)
    if fetched is None:
        raise Unusable(f"object {url} does not exist")
    return fetched.body


def is_s3_url(source: str) -> bool:
    """Return whether this names an S3 object."""
    return source.startswith("s3://")


def detect_format(data: bytes) -> SerialListFormat:
    """Return the format of a serial list, judged by its first line."""
    lines = (line.strip() for line in io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "surrogateescape"))
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first[:1] in ("[", "{"):
        try:
            parsed = json.loads(data)
        except (ValueError, RecursionError):
            return SerialListFormat.JSON_LINES
        return SerialListFormat.JSON if isinstance(parsed, list | dict) else SerialListFormat.JSON_LINES
    columns = re.search(r"[,;\t]", first) and not _LOG_LINE.match(first)
    return SerialListFormat.CSV if columns else SerialListFormat.LINES
