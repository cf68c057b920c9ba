"""Start function processes by forking, so that they need not import boto3, cryptography and pydantic themselves.

The base interpreter runs this file as a script, with a set of layers and the packages of the managed runtime on its
path, and nothing of this project. The embedded AWS asks for a process through a socket that the script inherits; it
sends two descriptors, the process's output and a link. Over the link go

* to this server: a line of JSON, a `Request`; then the end of the stream, which means that the process is to be killed;
* from this server: a line with the process ID, and when the process has ended, a line with its exit code, as
  `subprocess.Popen.returncode` has it.

When the embedded AWS has ended, however it did, this server kills all processes that it has started, and ends.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TypedDict

# Imported before the fork, where the layers or the runtime have it. No client and no session is created here: those
# read a function's variables. awslambdaric is not imported either: it reads the log format and level as it is imported.
PRELOADED = ("boto3", "cryptography.x509", "pydantic")


class Request(TypedDict):
    """What a function process is started with."""

    handler: str
    folder: str
    variables: dict[str, str]


@dataclass
class Server:
    """The processes that were started and have not ended yet, each with its link."""

    control: socket.socket
    links: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> Request | None:
        """Serve until the embedded AWS ends; return a request in the process that has been forked for it."""
        wakeup, signalled = os.pipe()
        os.set_blocking(signalled, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(signalled)
        while True:
            sources: list[int | socket.socket] = [wakeup, self.control, *self.links.values()]
            ready, _, _ = select.select(sources, [], [])
            for pid, link in self.links.items():
                if link in ready:  # nothing but its end comes from there
                    os.kill(pid, signal.SIGKILL)
            if wakeup in ready:
                os.read(wakeup, 512)
            self._reap()
            if self.control in ready:
                _, descriptors, _, _ = socket.recv_fds(self.control, 1, 2)
                if not descriptors:
                    break
                request = self._start(*descriptors)
                if request is not None:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(wakeup)
                    os.close(signalled)
                    return request
        for pid in self.links:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return None

    def _start(self, output: int, link_descriptor: int) -> Request | None:
        link = socket.socket(fileno=link_descriptor)
        with link.makefile("rb") as stream:
            request: Request | None = json.loads(stream.readline() or "null")
        if request is None:  # the embedded AWS has ended meanwhile
            os.close(output)
            link.close()
            return None
        if pid := os.fork():
            os.close(output)
            self.links[pid] = link
            with contextlib.suppress(OSError):
                link.sendall(b"%d\n" % pid)
            return None
        for each in (self.control, link, *self.links.values()):
            each.close()
        os.setsid()
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.close(output)
        return request

    def _reap(self) -> None:
        for pid in list(self.links):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self.links.pop(pid) as link, contextlib.suppress(OSError):
                    link.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def main() -> None:
    """Serve; in a function's process, run AWS's runtime client, as `python -m awslambdaric <handler>` does."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # what is never collected is never copied
    request = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request["variables"])
    time.tzset()
    os.chdir(request["folder"])
    sys.path[:0] = [request["folder"]] * 2  # as the working directory, and of PYTHONPATH
    sys.argv = ["awslambdaric", request["handler"]]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
