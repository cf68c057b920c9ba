"""The format of a list is judged by its first line."""

import tracemalloc

import pytest

from functions.models.request import SerialListFormat
from infra.cli.files import detect_format


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbf# comment\r\n\r\n1f,keyCompromise\r\n", SerialListFormat.CSV),
        (b"\xff;2", SerialListFormat.CSV),
        (b"1f\r2a,", SerialListFormat.LINES),
        (b"2026-11-23T03:05:00Z a, b", SerialListFormat.LINES),
        (b'["1f"]', SerialListFormat.JSON),
        (b'{"Serial": "1f"}\n{"Serial": "2a"}', SerialListFormat.JSON_LINES),
        (b"[" * 5_000, SerialListFormat.JSON_LINES),
        (b"", SerialListFormat.LINES),
    ],
)
def test_format(data: bytes, expected: SerialListFormat) -> None:
    """Comments, empty lines and a byte order mark do not count."""
    assert detect_format(data) is expected


def test_memory() -> None:
    """A file is not split for the sake of its first line."""
    data = b"1f\n" * 1_000_000
    tracemalloc.start()
    detect_format(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
