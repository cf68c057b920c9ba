"""Text that somebody else has chosen changes neither a report nor a message, and acts on no terminal."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from functions import text

PIECES = [
    "# h",
    "| a |",
    "| - |",
    "<b>",
    "![x](y)",
    "`c`",
    "*i*",
    "_i_",
    "~~s~~",
    "- l",
    "1. l",
    "===",
    "---",
    ":-:",
    "> q",
]
PIECES += ["&lt;", "\\", "http://e", "[r]: u", "\n", "\r", "\t", "\0", "\x1b[2J", "\u2028", "\u202e", "x", " ", "    "]
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


@given(HOSTILE)
def test_markdown_shows_text_as_it_is(hostile: str) -> None:
    """It is one paragraph of text and line breaks, whatever is in it."""
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(f"Before {text.markdown(hostile)}")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    kinds = {child.type for child in tokens[1].children or ()}
    assert kinds <= {"text", "softbreak", "text_special", "hardbreak"}


@given(HOSTILE)
def test_markdown_cell_has_one_line(hostile: str) -> None:
    """A table's row ends where its line ends."""
    assert "\n" not in text.markdown_cell(hostile)


@given(HOSTILE)
def test_only_line_breaks_are_not_printed(hostile: str) -> None:
    """Nothing that a terminal obeys, or that turns what is read around, is left."""
    for shown in (text.printable(hostile), text.plain(hostile), text.indented(hostile), text.one_line(hostile)):
        assert shown.replace("\n", "").isprintable()
    assert "\n" not in text.one_line(hostile)


@given(HOSTILE)
def test_no_line_passes_for_one_of_ours(hostile: str) -> None:
    """Lines after the first are indented."""
    assert all(line.startswith("  ") for line in text.indented(f"Cause: {hostile}").split("\n")[1:])


@pytest.mark.parametrize("character", ["\x1b", "\u202e", "\U000e0001", "\x00"])
def test_escapes_are_those_of_json(character: str) -> None:
    """JSON stays JSON, with the same value."""
    document = json.dumps([f"a{character}b"], ensure_ascii=False)
    assert json.loads(text.printable(document)) == [f"a{character}b"]


def test_long_text() -> None:
    """It is cut, and says so."""
    assert text.plain("x" * 100_000) == f"{'x' * text.MAX_LENGTH} …"


@pytest.mark.parametrize("piece", PIECES)
def test_time_is_linear(piece: str) -> None:
    """Whatever the longest text consists of, it takes less than a second."""
    started = time.process_time()
    text.markdown(piece * text.MAX_LENGTH)
    assert time.process_time() - started < 1
