"""A program at a pseudo-terminal, whose questions are answered as they come."""

import os
import pty
import re
import select
import sys
from collections.abc import Mapping

from tests.support.waiting import PATIENCE_SECONDS

_QUESTION = re.compile(r": \Z")  # how each question of rich ends
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def run_at_terminal(arguments: list[str], answers: Mapping[str, str]) -> tuple[int, str]:
    """Run a module of this project; return its exit code and what it showed.

    Each question gets the answer whose key it contains, or Enter alone.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - a terminal takes a fork
    shown, unanswered = "", ""
    while select.select([terminal], [], [], PATIENCE_SECONDS)[0]:
        try:
            text = os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            break
        if not text:
            break
        shown += text.decode(errors="replace")
        unanswered += text.decode(errors="replace")
        question = _COLOR.sub("", unanswered).rpartition("\n")[2]
        if _QUESTION.search(question):
            answer = next((value for key, value in answers.items() if key in question), "")
            os.write(terminal, f"{answer}\n".encode())
            unanswered = ""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), _COLOR.sub("", shown).replace("\r\n", "\n")
