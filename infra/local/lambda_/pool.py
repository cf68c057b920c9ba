"""Run functions in execution environments that stay warm, one for each invocation that runs at the same time.

An environment is a bare Python process with AWS's own runtime client, the function's zip and its layers, and nothing
of this process: neither its packages nor its environment variables. It is forked from a process that has imported the
packages of its layers. It is reused until its function changes or the pool is closed.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.iam import enforcement
from infra.local.lambda_.logs import FunctionLog
from infra.local.lambda_.processes import ForkServer, FunctionCode, Process
from infra.local.lambda_.runtime_api import ExecutionEnvironment, Invocation, Outcome

# Environments keep their role's credentials as long as they live, so they live half as long as those.
ENVIRONMENT_SECONDS = enforcement.SESSION_SECONDS / 2

Function = Any  # moto's LambdaFunction, with the logging that it lacks
LayerVersion = Any  # moto's


@dataclass
class _WarmEnvironment:
    """An environment, with what it was started from."""

    environment: ExecutionEnvironment
    revision: str
    started_at: float
    log: FunctionLog


class EnvironmentPool:
    """The execution environments of all functions."""

    def __init__(self, settings: Settings, endpoint_url: str) -> None:
        """Start empty; functions call the server at `endpoint_url`."""
        self.settings = settings
        self._endpoint_url = endpoint_url
        self._folder = Path(tempfile.mkdtemp(prefix="embedded-lambda-"))
        self._lock = threading.Lock()
        self._unpack_lock = threading.Lock()
        self._idle: dict[str, list[_WarmEnvironment]] = defaultdict(list)
        self._busy: dict[str, list[_WarmEnvironment]] = defaultdict(list)
        self._ending: list[threading.Thread] = []
        self._fork_servers: dict[tuple[Path, ...], ForkServer] = {}  # by the folders of the layers

    def run(self, function: Function, layers: Sequence[LayerVersion], event: bytes) -> tuple[Outcome, list[str]]:
        """Run one invocation; return its outcome and the lines that it has logged.

        Raises:
            ServiceError: the function's reserved concurrency is in use, or Lambda cannot assume its role.

        """
        request_id = str(uuid4())
        warm = self._acquire(function, layers)
        first = len(warm.log.lines)
        warm.log.write(f"START RequestId: {request_id} Version: {function.version}")
        outcome = warm.environment.invoke(Invocation(request_id, function.function_arn, event, int(function.timeout)))
        warm.log.write(f"END RequestId: {request_id}")
        figures = f"Duration: {outcome.seconds * 1000:.2f} ms\tMemory Size: {function.memory_size} MB"
        warm.log.write(f"REPORT RequestId: {request_id}\t{figures}")
        lines = warm.log.lines[first:]
        self._release(function, warm)
        return outcome, lines

    def end_idle(self, function: Function) -> None:
        """End a function's environments that are not in use."""
        with self._lock:
            idle = self._idle.pop(function.function_arn, [])
        for warm in idle:
            warm.environment.close()

    def end_all(self) -> None:
        """End all environments, also those in use."""
        with self._lock:
            lists = [*self._idle.values(), *self._busy.values()]
            self._idle.clear()
            self._busy.clear()
        for warm in [warm for each in lists for warm in each]:
            warm.environment.close()

    def end_all_soon(self) -> None:
        """End all environments in another thread: one that writes a metric may need a lock that the caller holds."""
        thread = threading.Thread(target=self.end_all, daemon=True)
        self._ending.append(thread)
        thread.start()

    def wait_until_ended(self) -> None:
        """Wait for what `end_all_soon` has begun."""
        while self._ending:
            self._ending.pop().join()

    def close(self) -> None:
        """End all environments and delete their files."""
        self.wait_until_ended()
        self.end_all()
        for server in self._fork_servers.values():
            server.close()
        shutil.rmtree(self._folder)

    def _acquire(self, function: Function, layers: Sequence[LayerVersion]) -> _WarmEnvironment:
        revision = _revision(function)
        oldest = time.monotonic() - ENVIRONMENT_SECONDS
        outdated = []
        with self._lock:
            busy, limit = self._busy[function.function_arn], function.reserved_concurrency
            if limit is not None and len(busy) >= int(limit):
                raise ServiceError("TooManyRequestsException", "Rate Exceeded.", status=429)
            idle, reusable = self._idle[function.function_arn], None
            while idle and reusable is None:
                warm = idle.pop()
                if warm.revision == revision and warm.started_at > oldest and warm.environment.alive:
                    reusable = warm
                    busy.append(warm)
                else:
                    outdated.append(warm)
        for warm in outdated:
            warm.environment.close()
        if reusable is None:
            reusable = self._start(function, layers, revision)
            with self._lock:
                self._busy[function.function_arn].append(reusable)
        return reusable

    def _release(self, function: Function, warm: _WarmEnvironment) -> None:
        with self._lock:
            busy = self._busy[function.function_arn]
            if warm not in busy:  # a reset has ended it meanwhile
                return
            busy.remove(warm)
            if warm.environment.alive:
                self._idle[function.function_arn].append(warm)
                return
        warm.environment.close()

    def _start(self, function: Function, layers: Sequence[LayerVersion], revision: str) -> _WarmEnvironment:
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid4().hex}"
        folder = self._unpack(function.code_bytes, function.code_sha_256)
        code = FunctionCode(function.handler, folder, self._unpack_layers(layers), function.environment_vars)
        home = tempfile.mkdtemp(dir=self._folder)
        variables = {
            "HOME": home,
            "TMPDIR": home,
            "LAMBDA_TASK_ROOT": os.fspath(folder),
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_LOG_FORMAT": function.logging_config.get("LogFormat", "Text"),
            "AWS_REGION": self.settings.region,
            "AWS_DEFAULT_REGION": self.settings.region,
            "AWS_ENDPOINT_URL": self._endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            **enforcement.assume_role(function.role, "lambda.amazonaws.com", function.function_name),
            **function.environment_vars,
        }
        if level := function.logging_config.get("ApplicationLogLevel"):
            variables["AWS_LAMBDA_LOG_LEVEL"] = level
        log = FunctionLog(function, stream, self.settings)

        def start(runtime_api: str, output: int) -> Process:
            variables["AWS_LAMBDA_RUNTIME_API"] = runtime_api
            if self.settings.functions.forks_processes and code.can_be_forked:
                return self._fork_server(code.layers).start(code, variables, output)
            return code.start_cold(variables, output)

        return _WarmEnvironment(ExecutionEnvironment(start, log.write), revision, time.monotonic(), log)

    def prepare(self, layers: Sequence[LayerVersion]) -> None:
        """Start importing the packages of a set of layers, so that functions with these layers start sooner."""
        if self.settings.functions.forks_processes:
            self._fork_server(self._unpack_layers(layers))

    def _fork_server(self, layers: tuple[Path, ...]) -> ForkServer:
        with self._lock:
            server = self._fork_servers.get(layers)
            if server is not None and not server.alive:
                server.close()
                server = None
            if server is None:
                server = self._fork_servers[layers] = ForkServer(layers)
        return server

    def _unpack_layers(self, layers: Sequence[LayerVersion]) -> tuple[Path, ...]:
        return tuple(self._unpack(layer.code_bytes, layer.code_sha_256) / "python" for layer in layers)

    def _unpack(self, archive: bytes, sha_256: str) -> Path:
        """Unpack a zip, unless that was done before, and return its folder."""
        folder = self._folder / sha_256.replace("/", "_")
        with self._unpack_lock:
            if not folder.exists():
                with zipfile.ZipFile(io.BytesIO(archive)) as content:
                    content.extractall(folder)
        return folder


def _revision(function: Function) -> str:
    """Return a text that changes when a function's environments have to be replaced."""
    parts = [
        function.code_sha_256,
        function.handler,
        function.role,
        function.memory_size,
        function.environment_vars,
        function.layers,
        function.logging_config,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
