"""Start the processes of functions: forked from one that has imported their packages, or cold."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.build import BUILD
from infra.local.lambda_ import fork_server

# The base interpreter without site-packages (-S): neither this project's virtual environment nor the system's.
_INTERPRETER = (getattr(sys, "_base_executable", sys.executable), "-S")
_VARIABLES = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC", "PYTHONUNBUFFERED": "1"}
# The interpreter and the packages read variables of these names as they start or are imported.
_READ_AT_START = ("PYTHON", "CRYPTOGRAPHY_", "OPENSSL_", "LD_")


class Process(Protocol):
    """What an execution environment needs of a process; `subprocess.Popen` has it, too."""

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the process runs."""

    def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""

    def kill(self) -> None:
        """Kill the process."""


@dataclass(frozen=True)
class FunctionCode:
    """A function's code: its handler, the folder of its zip, those of its layers, and the variables of its own."""

    handler: str
    folder: Path
    layers: tuple[Path, ...]
    own_variables: dict[str, str]

    @property
    def can_be_forked(self) -> bool:
        """Whether nothing of the function would have had an effect before its process could be forked."""
        if any(name.startswith(_READ_AT_START) for name in self.own_variables):
            return False
        packages = {name.partition(".")[0] for name in fork_server.PRELOADED}
        return not any((self.folder / each).exists() or (self.folder / f"{each}.py").exists() for each in packages)

    @property
    def path(self) -> str:
        """The value of PYTHONPATH."""
        return _python_path([self.folder, *self.layers])

    def start_cold(self, variables: dict[str, str], output: int) -> Process:
        """Start a process that imports everything itself."""
        return subprocess.Popen(
            [*_INTERPRETER, "-m", "awslambdaric", self.handler],
            cwd=self.folder,
            env={**_VARIABLES, "PYTHONPATH": self.path, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the embedded AWS, which then ends its processes itself
        )


class ForkServer:
    """A process that has imported the packages of a set of layers, and of which function processes are forked."""

    def __init__(self, layers: Sequence[Path]) -> None:
        """Start importing; a process that is asked for meanwhile starts when that is done."""
        self._control, theirs = socket.socketpair()
        self._sending = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [*_INTERPRETER, "-P", fork_server.__file__, str(theirs.fileno())],
                env={**_VARIABLES, "PYTHONPATH": _python_path(layers)},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether processes can be forked."""
        return self._process.poll() is None

    def start(self, code: FunctionCode, variables: dict[str, str], output: int) -> Process:
        """Start a process whose standard output and error go to the descriptor `output`."""
        variables = {**_VARIABLES, "PYTHONPATH": code.path, **variables}
        request = fork_server.Request(handler=code.handler, folder=os.fspath(code.folder), variables=variables)
        link, theirs = socket.socketpair()
        with theirs, self._sending:
            socket.send_fds(self._control, [b"\0"], [output, theirs.fileno()])
        link.sendall(json.dumps(request).encode() + b"\n")
        return _ForkedProcess(link)

    def close(self) -> None:
        """End the process and all that it has forked."""
        self._control.close()
        self._process.wait()


class _ForkedProcess:
    """A process that a fork server has started, and which is that server's child."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lines = link.makefile("rb")
        line = self._lines.readline()
        if not line:
            raise ChildProcessError("the fork server has ended")
        self._pid = int(line)
        self._waiting = threading.Lock()
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        if self._waiting.acquire(blocking=False):  # another thread waits for the end otherwise
            try:
                if self._exit_code is None and select.select([self._link], [], [], 0)[0]:
                    self._read_exit_code()
            finally:
                self._waiting.release()
        return self._exit_code

    def wait(self) -> int:
        with self._waiting:
            return self._read_exit_code() if self._exit_code is None else self._exit_code

    def _read_exit_code(self) -> int:
        line = self._lines.readline()
        if not line:  # the fork server was killed
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._exit_code = int(line or -signal.SIGKILL)
        self._lines.close()
        self._link.close()
        return self._exit_code

    def kill(self) -> None:
        with contextlib.suppress(OSError):  # it has ended already
            self._link.shutdown(socket.SHUT_WR)


def _python_path(folders: Sequence[Path]) -> str:
    return os.pathsep.join(map(os.fspath, [*folders, BUILD / "runtime"]))
