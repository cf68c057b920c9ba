"""The check of words finds each of them, in prose, in names and at the beginning of docstrings, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from infra.tools.words import Finding, find_words, tracked_files


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("What to do follows. The way on: start again.", "The way on"),
        ("the way\non", "the way on"),
        ("error.way_on", "way_on"),
        ("class WayOn:", "WayOn"),
        ("Mend the cause", "Mend"),
        ("it mended itself", "mended"),
        ("test_it_is_mended_at_once", "mended"),
        ("x is no certificate", "is no certificate"),
        ("MIND: an old list", "MIND"),
        ("people are told of it", "told"),
        ("told = 1", "told"),
        ("test_nobody_is_told_twice", "told"),
        ("Whoever may write", "Whoever"),
    ],
)
def test_word_is_found(text: str, word: str) -> None:
    """Each is found once, with its line and what to write instead."""
    (finding,) = find_words("a.md", f"Heading\n\n{text}\n")
    assert (finding.path, finding.line, finding.word) == ("a.md", 3, word)
    assert str(finding).startswith(f"a.md:3: '{word}'; write: ")


@pytest.mark.parametrize(
    "text",
    [
        "it is no longer attached, is no more than 20 and is no less than 1",
        "there is no object s3://a/b. There is no stack",
        "we recommend to amend it",
        "the untold story",
        "mind the quota",
        "away on holiday",
    ],
)
def test_plain_text_passes(text: str) -> None:
    """Words that merely contain one of those, and plain phrases, are left alone."""
    assert find_words("a.md", text) == []


CODE = '''"""Say what this module is for."""


class Reader:
    """Reads."""

    def read(self) -> None:
        """Give it back."""


async def write() -> None:
    """Let others write."""


def given() -> str:
    """Given is not Give."""
    return """Tell nobody."""
'''


def test_docstrings_begin_with_what_is_done() -> None:
    """Of modules, classes and functions; other strings, and files that are not Python, may begin as they like."""
    found = [(finding.line, finding.word) for finding in find_words("a.py", CODE)]
    assert found == [(1, "Say …"), (8, "Give …"), (12, "Let …")]
    assert find_words("a.md", CODE) == []


def test_findings_are_in_the_order_of_lines() -> None:
    """A file is corrected from its top to its end."""
    text = 'def told() -> None:\n    """Give it."""\n    # whoever\n'
    assert [finding.line for finding in find_words("a.py", text)] == [1, 2, 3]


def test_tracked_code_and_prose_is_read(tmp_path: Path) -> None:
    """Only what git tracks, only these kinds of file, and below a path if one is given."""
    for name in ("a/code.py", "a/notes.md", "a/requirements.txt", "b/state.json", "b/untracked.yaml", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("told")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "add", "--all", ":!*untracked*"], cwd=tmp_path, check=True)
    assert tracked_files(root=tmp_path) == ["a/code.py", "a/notes.md", "b/state.json"]
    assert tracked_files(["b"], tmp_path) == ["b/state.json"]


def test_finding_is_one_line() -> None:
    """Editors and CI open `file:line`."""
    assert str(Finding("a.py", 3, "told", "notified")) == "a.py:3: 'told'; write: notified"
