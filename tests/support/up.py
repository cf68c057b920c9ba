"""`make up` as a process, and a shell next to it."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.support.shell import Shell
from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
# Processes that a shell starts in the background inherit that Ctrl-C is ignored.
INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Up(Shell):
    """A running `make up`, and a shell next to it."""

    process: subprocess.Popen[str]
    welcome: str
    reader: threading.Thread


def bring_up(folder: Path, *options: str) -> Up:
    """Start `make up`'s program and wait for the end of its welcome."""
    command = [sys.executable, "-m", "infra.local.lab.up", "--port", "0", "--folder", str(folder), *options]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            break
    else:
        process.stdout.close()
        process.wait(PATIENCE_SECONDS)
        raise AssertionError("".join(lines))
    # Keep reading its output, as it would block once the pipe is full.
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    return Up(folder, process, "".join(lines), reader)


def bring_down(up: Up) -> int:
    """Send the signal that Ctrl-C sends; return the exit code."""
    up.process.send_signal(signal.SIGINT)
    code = up.process.wait(PATIENCE_SECONDS)
    up.reader.join(PATIENCE_SECONDS)
    assert up.process.stdout is not None
    up.process.stdout.close()
    return code
