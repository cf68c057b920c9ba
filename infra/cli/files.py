"""Files that an operator names: on this machine, on standard input, or in S3, read with the operator's own rights."""

import json
import re
import sys
from pathlib import Path

from pydantic import ValidationError

from functions import limits
from functions.aws.s3 import get_object
from functions.models.base import ObjectLocation, parse_s3_url
from functions.models.request import SerialListFormat
from infra.cli.stack import Unusable

_LOG_LINE = re.compile(rb"\d{4}-\d\d-\d\dT")


def read(given: str) -> bytes:
    """Read a file, standard input or an object of S3, as far as any input goes."""
    if is_in_s3(given):
        return _object(given)
    try:
        with sys.stdin.buffer if given == "-" else Path(given).open("rb") as file:
            data = file.read(limits.MAX_CRL_BYTES + 1)
    except OSError as fault:
        raise Unusable(f"{given} cannot be read: {fault.strerror}") from None
    if len(data) > limits.MAX_CRL_BYTES:
        raise Unusable(f"{given} has more than {limits.MAX_CRL_BYTES:,} bytes, which nothing that is read here has")
    return data


def _object(given: str) -> bytes:
    try:
        location = ObjectLocation.model_validate(parse_s3_url(given))
    except ValidationError:
        raise Unusable(f"{given} is no s3://bucket/key") from None
    found = get_object(location.bucket, location.key)
    if found is None:
        raise Unusable(f"there is no object {given}")
    return found.body


def is_in_s3(given: str) -> bool:
    """Say whether an object of S3 is named."""
    return given.startswith("s3://")


def sniffed(data: bytes) -> SerialListFormat:
    """Tell the format of what has no name."""
    lines = (line.strip() for line in data.removeprefix(b"\xef\xbb\xbf").splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    if first[:1] in (b"[", b"{"):
        try:
            parsed = json.loads(data)
        except (ValueError, RecursionError):
            return SerialListFormat.JSON_LINES
        return SerialListFormat.JSON if isinstance(parsed, list | dict) else SerialListFormat.JSON_LINES
    columns = re.search(rb"[,;\t]", first) and not _LOG_LINE.match(first)
    return SerialListFormat.CSV if columns else SerialListFormat.LINES
