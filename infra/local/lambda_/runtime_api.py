"""Run one execution environment of a Lambda function: its process, and the Runtime API that the process calls.

The process runs AWS's own runtime client (aws: lambda/runtimes-api): it gets the next invocation, and posts a
response or an error. Each environment has a small server of its own, because the client does not identify itself.
"""

import contextlib
import json
import os
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from typing import Any

from infra.local.core import same_origin
from infra.local.lambda_.processes import Process

INIT_SECONDS = 30.0  # AWS allows 10, on a machine that is not shared
PREFIX = "/2018-06-01/runtime/"
NEXT = f"{PREFIX}invocation/next"
REQUEST_SECONDS = 5.0  # on loopback, so that an incomplete request of another program does not hold up the function
MAX_BODY_BYTES = 6 * 1024 * 1024  # of a response (aws: gettingstarted-limits)


@dataclass(frozen=True)
class Invocation:
    """An event for a function, with its time-out in seconds."""

    request_id: str
    function_arn: str
    event: bytes
    timeout: int


@dataclass(frozen=True)
class Outcome:
    """The result of an invocation: the payload, whether it is an error, and whether the process has ended."""

    payload: bytes
    failed: bool
    seconds: float = 0.0
    final: bool = False


class _Exchange:
    """The queues between the Runtime API's thread and the invoking thread."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self.request_id: str | None = None  # of the invocation that is to be answered
        self.outcomes: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()  # None: the process has ended

    def end(self) -> None:
        self.outcomes.put(None)
        self.ready.set()


class _Handler(BaseHTTPRequestHandler):
    """The Runtime API, version 2018-06-01. HTTP/1.0 has one request per connection, so one thread serves them all."""

    timeout = REQUEST_SECONDS

    def __init__(self, connection: socket.socket, exchange: _Exchange) -> None:
        self.exchange = exchange
        super().__init__(connection, ("127.0.0.1", 0), None)  # type: ignore[arg-type] # it has no server object

    def parse_request(self) -> bool:
        """Refuse requests of web pages, which could respond in the function's place."""
        if not super().parse_request():
            return False
        reason = same_origin.refusal(*(self.headers.get(name) for name in ("Host", "Origin", "Sec-Fetch-Site")))
        if reason is None:
            return True
        self._drop_body()
        self.send_response(403)
        for name, value in same_origin.HEADERS:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reason.encode())
        return False

    def _drop_body(self) -> None:
        """Read the body, since the client would see a reset connection otherwise, and not the response."""
        length = self.headers.get("Content-Length", "")
        if length.isdecimal():
            self.connection.settimeout(1)  # the function waits meanwhile
            with contextlib.suppress(TimeoutError):
                self.rfile.read(min(int(length), MAX_BODY_BYTES))

    def do_GET(self) -> None:
        """Return the next invocation, waiting for it; a runtime asks only once it has answered the one before.

        Another program that got it would have the ID with which to answer in the function's place.
        """
        if self.path != NEXT or self.exchange.request_id is not None:
            self._refuse(403 if self.path == NEXT else 404)
            return
        self.exchange.ready.set()
        invocation = self.exchange.invocations.get()
        if invocation is None:
            return
        self.exchange.request_id = invocation.request_id
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(invocation.event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", invocation.request_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + invocation.timeout) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn)
        trace = invocation.request_id.replace("-", "")
        self.send_header("Lambda-Runtime-Trace-Id", f"Root=1-{trace[:8]}-{trace[8:]};Sampled=0")
        self.end_headers()
        self.wfile.write(invocation.event)

    def do_POST(self) -> None:
        """Accept a response or an error, of an invocation or of the initialization."""
        length = self.headers.get("Content-Length", "")
        final = self.path == PREFIX + "init/error" and not self.exchange.ready.is_set()
        request_id = self.exchange.request_id
        paths = (f"{PREFIX}invocation/{request_id}/{kind}" for kind in ("response", "error"))
        is_answer = request_id is not None and self.path in paths
        if not (final or is_answer) or not length.isdecimal():
            self._drop_body()
            self._refuse(400)  # no request of this ID is in flight: InvalidRequestID
            return
        body = self.rfile.read(int(length))
        self.exchange.request_id = None
        self.exchange.outcomes.put(Outcome(body, self.path.endswith("/error"), final=final))
        self.exchange.ready.set()
        self.send_response(202)
        self.end_headers()

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's own
        """Write no access log."""


class ExecutionEnvironment:
    """A process that runs one function's code, one invocation at a time."""

    def __init__(self, start: Callable[[str, int], Process], log: Callable[[str], None]) -> None:
        """Start the process; `log` receives each line that it writes.

        `start` is called with the address of the Runtime API, and the descriptor for standard output and error.
        """
        self._exchange = _Exchange()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._log = log
        host, port = self._listener.getsockname()
        readable, writable = os.pipe()
        self._output = os.fdopen(readable, "rb", buffering=0)
        try:
            self._process = start(f"{host}:{port}", writable)
        finally:
            os.close(writable)
        os.set_blocking(self._output.fileno(), False)
        self._partial = b""
        self._has_ended = False
        self._reading = threading.Lock()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve, self._follow)]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether the process can take an invocation."""
        return not self._has_ended and self._process.poll() is None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation; a process that fails to start, times out or exits is not alive afterwards."""
        outcome = self._invoke(invocation)
        self._has_ended = outcome.final
        self._read()
        return outcome

    def _invoke(self, invocation: Invocation) -> Outcome:
        rid = f"RequestId: {invocation.request_id}"
        if not self._exchange.ready.wait(INIT_SECONDS):
            self._process.kill()
            return _platform_error("Sandbox.Timedout", f"{rid} Error: Task timed out after {INIT_SECONDS:.2f} seconds")
        started = time.monotonic()
        self._exchange.invocations.put(invocation)
        try:
            outcome = self._exchange.outcomes.get(timeout=invocation.timeout)
        except queue.Empty:
            self._process.kill()
            message = f"{rid} Error: Task timed out after {invocation.timeout:.2f} seconds"
            return _platform_error("Sandbox.Timedout", message, invocation.timeout)
        seconds = time.monotonic() - started
        if outcome is None:
            message = f"{rid} Error: Runtime exited {self._exit_text()}"
            return _platform_error("Runtime.ExitError", message, seconds)
        return replace(outcome, seconds=seconds)

    def close(self) -> None:
        """End the process and its threads."""
        self._process.kill()
        self._process.wait()
        self._exchange.invocations.put(None)
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        for thread in self._threads:
            thread.join()
        self._listener.close()
        with self._reading:
            self._output.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    _Handler(connection, self._exchange)
                except ConnectionError:  # the process was killed meanwhile
                    continue

    def _follow(self) -> None:
        while True:
            select.select([self._output], [], [])
            if not self._read():
                break
        self._process.wait()
        self._exchange.end()

    def _read(self) -> bool:
        """Log all output so far; return False if the process has closed its output."""
        with self._reading:
            # An environment is closed while it runs an invocation when the server is reset.
            while not self._output.closed and select.select([self._output], [], [], 0)[0]:
                data = os.read(self._output.fileno(), 65536)
                *lines, self._partial = (self._partial + data).split(b"\n")
                if not data and self._partial:
                    lines, self._partial = [self._partial], b""
                for line in lines:
                    self._log(line.decode(errors="replace"))
                if not data:
                    return False
        return True

    def _exit_text(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"with error: signal: {-code}"
        return f"with error: exit status {code}" if code else "without providing a reason"


def _platform_error(kind: str, message: str, seconds: float = 0.0) -> Outcome:
    payload = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return Outcome(payload, failed=True, seconds=seconds, final=True)
