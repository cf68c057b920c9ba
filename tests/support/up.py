"""`make up` as a process, and a shell beside it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Up:
    """A running `make up`, and a shell beside it."""

    process: subprocess.Popen[str]
    folder: Path
    welcome: str
    rest: threading.Thread

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a script in a shell that has sourced env.sh, with the project's aws on its path; give its output."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f". env.sh\n{script}"],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if check:
            assert ran.returncode == 0, ran.stdout + ran.stderr
        return (ran.stdout + ran.stderr).strip()

    def until(self, script: str, pattern: str, seconds: float = 30) -> str:
        """Run a script again and again until its output matches."""
        for _ in range(int(seconds * 2)):
            if re.search(pattern, output := self.sh(script, check=False)):
                return output
            time.sleep(0.5)
        raise AssertionError(f"{script} never printed {pattern}, but {output}")


def bring_up(folder: Path, *options: str) -> Up:
    """Start `make up`'s program and wait until it says what to try."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.lab.up", "--port", "0", "--folder", str(folder), *options],
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
        process.wait(20)
        raise AssertionError("".join(lines))
    # Whatever it says from now on is read too: it would stand still once the pipe is full.
    rest = threading.Thread(target=process.stdout.read, daemon=True)
    rest.start()
    return Up(process, folder, "".join(lines), rest)


def bring_down(up: Up) -> int:
    """Send what Ctrl-C sends and give the exit code."""
    up.process.send_signal(signal.SIGINT)
    code = up.process.wait(20)
    up.rest.join(20)
    assert up.process.stdout is not None
    up.process.stdout.close()
    return code
