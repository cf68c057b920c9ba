"""Makes text that somebody else has chosen safe for the medium that shows it.

Tickets, unknown field names, cells of a CSV, names in certificates and messages of AWS end up in reports, mails and
terminals. None of them may draw a heading, a table or a line that looks like one of ours, or act on a terminal.
"""

import json
import re

MAX_LENGTH = 20_000
# Shorter than a key: AWS's secret access keys have 40 characters, 16 octets 22 in base64 and 32 in hexadecimal.
MAX_QUOTED = 20
# What Markdown and HTML act on anywhere, and what begins a block on a line of its own; addresses become links.
_INLINE = re.compile(r"[\\`*<>#|\[\]~&]|(?<![^\W_])_|_(?![^\W_])|(?<=http):(?=//)|(?<=https):(?=//)")
_BLOCK = re.compile(r"(?<=\n)(?=[-+=:])|(?<=\n\d)(?=[.)])")
_WORD = re.compile(r"[A-Za-z_]{1,30}")  # CertificateAuthorityArn has 23 letters
_LINE_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


def printable(text: str) -> str:
    """Return text in which line breaks are the only characters that are not printed; others are shown as in JSON."""
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def plain(text: str) -> str:
    """Return printable text of limited length, without empty lines."""
    lines = _LINE_BREAKS.sub("\n", text[:MAX_LENGTH]).replace("\t", " ")
    return f"{printable(lines)} …" if len(text) > MAX_LENGTH else printable(lines)


def indented(text: str) -> str:
    """Return plain text whose lines after the first are indented, so that none passes for a line of ours."""
    return plain(text).replace("\n", "\n  ")


def one_line(text: str) -> str:
    """Return plain text on one line."""
    return plain(text).replace("\n", " ")


def quoted(text: str) -> str:
    """Return a name or value in quotes if it is too short for a secret; otherwise how long it is, and no part of it."""
    return repr(text) if len(text) <= MAX_QUOTED else f"({len(text):,} characters, not shown)"


def field_name(text: str) -> str:
    """Return the name of a field or column as it is if it is a word, otherwise as `quoted` does."""
    return text if _WORD.fullmatch(text) else quoted(text)


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is, in one paragraph, after something of ours on its first line."""
    return _BLOCK.sub(r"\\", _INLINE.sub(r"\\\g<0>", plain(text))).replace("\n", "\n  ")


def markdown_cell(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, as a table's cell needs it."""
    return markdown(text).replace("\n", "")
