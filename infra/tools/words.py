"""Finds words that this project does not use, in tracked code and prose: `python -m infra.tools.words [path …]`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUFFIXES = {".py", ".md", ".json", ".yaml"}
# These have to write the words down, or the names of earlier versions.
EXCLUDED = {"infra/tools/words.py", "tests/infra/tools/test_words.py", "CHANGELOG.md"}
# Each word, also as a part of a snake_case name, and what to write instead. "There is no …" is plain.
WORDS = {
    r"[Tt]he\s+way\s+on|way_on|WayOn": "what to do",
    r"(?i:mend(?:s|ed|ing)?)": "fix, correct, repair",
    r"(?<![Tt]here )is\s+no\s+(?!longer|more|less)[a-z]+": "is not a …, is not one of …",
    r"MIND": "Warning",
    r"(?i:told)": "notified, reported, passed; the message",
    r"(?i:whoever)": "the caller, the operator, anyone who",
}
_WORD = re.compile("|".join(rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])" for word in (f"({each})" for each in WORDS)))
# PEP 257 has a docstring say what is done or returned.
_OPENINGS = {"Give", "Tell", "Say", "Have", "Let"}
_IMPERATIVES = "Return, Read, Write, Raise, Refuse, …"
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Finding:
    """A word at its place."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        """Return one line as compilers print it: `path:line: …`."""
        return f"{self.path}:{self.line}: {self.word!r}; write: {self.instead}"


def find_words(path: str, text: str) -> list[Finding]:
    """Return the findings in a file's text, by line; a name that ends in .py has its docstrings read too."""
    found = [*_words(path, text)]
    if path.endswith(".py"):
        found += _openings(path, text)
    return sorted(found)


def _words(path: str, text: str) -> Iterator[Finding]:
    for match in _WORD.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Finding(path, line, " ".join(match[0].split()), list(WORDS.values())[(match.lastindex or 1) - 1])


def _openings(path: str, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _Documented) and (docstring := ast.get_docstring(node)):
            first = docstring.split()[0]
            if first in _OPENINGS:
                yield Finding(path, node.body[0].lineno, f"{first} …", _IMPERATIVES)


def tracked_files(paths: Sequence[str] = (), root: Path = ROOT) -> list[str]:
    """Return the files below the paths that are read for words: tracked by git, code and prose only."""
    command = ["git", "ls-files", "-z", "--", *paths]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [each for each in listed.stdout.split("\0") if Path(each).suffix in SUFFIXES and each not in EXCLUDED]


def main(paths: Sequence[str]) -> int:
    """Print every finding; return 1 if there is one."""
    found = [
        finding
        for path in tracked_files(paths)
        if (ROOT / path).exists()
        for finding in find_words(path, (ROOT / path).read_text())
    ]
    for finding in found:
        print(finding)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
