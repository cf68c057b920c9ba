"""Lambda, with the functions' real code in processes of their own.

Each execution environment is a bare Python with AWS's own runtime client, the function's zip and its layers, and
nothing of this process: neither its packages nor its environment variables. Environments stay warm, one for each
invocation that ran at the same time as others, until their function changes or the server is reset.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.awslambda_simple import models as simple_models

from infra.build import BUILD
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.iam import enforcement as iam
from infra.local.lambda_ import async_invocations
from infra.local.lambda_.logs import FunctionLog, lines_of
from infra.local.lambda_.runtime_api import ExecutionEnvironment, Invocation, Outcome

# Environments hold their role's credentials for as long as they live, so they live half as long as those.
ENVIRONMENT_SECONDS = iam.SESSION_SECONDS / 2


Function = Any  # moto's LambdaFunction, and the logging that it lacks


class NotBuilt(RuntimeError):
    """What the processes need has not been built."""


@dataclass
class _Host:
    """Where the functions of this process run."""

    settings: Settings
    endpoint_url: str
    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)


_host: _Host | None = None


@dataclass
class _Warm:
    """An environment, with what it was made from."""

    environment: ExecutionEnvironment
    revision: str
    born: float
    log: FunctionLog


class ProcessLambdaBackend(simple_models.LambdaSimpleBackend):
    """moto's Lambda, whose `invoke` runs the function."""

    def __init__(self, region_name: str, account_id: str) -> None:
        """Start with no functions."""
        super().__init__(region_name, account_id)
        self._pool_lock = threading.Lock()
        self._idle: dict[str, list[_Warm]] = defaultdict(list)
        self._busy: dict[str, list[_Warm]] = defaultdict(list)
        self._unanswered: list[threading.Thread] = []

    def reset(self) -> None:
        """Forget all functions and end their processes."""
        self.close()
        super().reset()

    def close(self) -> None:
        """End all processes."""
        with self._pool_lock:
            pools = [*self._idle.values(), *self._busy.values()]
            self._idle.clear()
            self._busy.clear()
        for warm in [warm for pool in pools for warm in pool]:
            warm.environment.close()

    def end_unanswered(self) -> None:
        """End the asynchronous invocations, also those whose process is only being started."""
        while running := [thread for thread in self._unanswered if thread.is_alive()]:
            self.close()
            running[0].join(0.02)

    def create_function(self, spec: dict[str, Any]) -> Function:
        """Create a function, with what moto drops: its logging and its dead-letter queue."""
        function: Function = super().create_function(spec)
        function.dead_letter = spec.get("DeadLetterConfig", {}).get("TargetArn")
        function.logging_config = spec.get("LoggingConfig", {})
        function.logs_group_name = function.logging_config.get("LogGroup", function.logs_group_name)
        return function

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a function and end its idle processes."""
        name = self.get_function(function_name, qualifier).function_name
        super().delete_function(function_name, qualifier)
        with self._pool_lock:
            idle = self._idle.pop(name, [])
        for warm in idle:
            warm.environment.close()

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Any,  # noqa: ANN401 - bytes, text or nothing
        headers: Mapping[str, str],
        response_headers: dict[str, str],
    ) -> bytes:
        """Run a function and return its payload; errors are shaped as Lambda shapes them."""
        function = self.get_function(function_name, qualifier)
        event = body.encode() if isinstance(body, str) else bytes(body or b"{}")
        kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            layers = [layer["Arn"] for layer in function.layers]

            def run_if_there() -> Outcome | None:
                there = all(_backend().layers_versions_by_arn(arn) for arn in layers)  # not after a reset
                return self._run(function, event)[0] if there else None

            arguments = (run_if_there, function, event, _installed().settings)
            thread = threading.Thread(target=async_invocations.run, args=arguments, daemon=True)
            self._unanswered = [each for each in self._unanswered if each.is_alive()] + [thread]
            thread.start()
            return b""
        outcome, lines = self._run(function, event or b"{}")
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        tail = "".join(line + "\n" for line in lines).encode()[-4096:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return outcome.payload

    def _run(self, function: Function, event: bytes) -> tuple[Outcome, list[str]]:
        request_id = str(uuid4())
        warm = self._acquire(function)
        first = len(warm.log.lines)
        warm.log.write(f"START RequestId: {request_id} Version: {function.version}")
        outcome = warm.environment.invoke(Invocation(request_id, function.function_arn, event, int(function.timeout)))
        warm.log.write(f"END RequestId: {request_id}")
        figures = f"Duration: {outcome.seconds * 1000:.2f} ms\tMemory Size: {function.memory_size} MB"
        warm.log.write(f"REPORT RequestId: {request_id}\t{figures}")
        lines = warm.log.lines[first:]
        self._release(function, warm)
        return outcome, lines

    def _acquire(self, function: Function) -> _Warm:
        revision = _revision(function)
        fresh_since = time.monotonic() - ENVIRONMENT_SECONDS
        old = []
        with self._pool_lock:
            limit = function.reserved_concurrency
            if limit is not None and len(self._busy[function.function_name]) >= int(limit):
                raise ServiceError("TooManyRequestsException", "Rate Exceeded.", status=429)
            idle, found = self._idle[function.function_name], None
            while idle and found is None:
                warm = idle.pop()
                good = warm.revision == revision and warm.born > fresh_since and warm.environment.alive
                found = warm if good else None
                old += [] if good else [warm]
            if found:
                self._busy[function.function_name].append(found)
        for warm in old:
            warm.environment.close()
        if found is None:
            found = _start(function, revision)
            with self._pool_lock:
                self._busy[function.function_name].append(found)
        return found

    def _release(self, function: Function, warm: _Warm) -> None:
        with self._pool_lock:
            busy = self._busy[function.function_name]
            known = warm in busy  # not, when a reset has ended it meanwhile
            if known:
                busy.remove(warm)
            if known and warm.environment.alive:
                self._idle[function.function_name].append(warm)
                return
        if known:
            warm.environment.close()


def _start(function: Function, revision: str) -> _Warm:
    host = _installed()
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid4().hex}"
    code = _unpacked(function.code_bytes, function.code_sha_256)
    layers: list[Any] = [_backend().layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
    path = [code, *(_unpacked(each.code_bytes, each.code_sha_256) / "python" for each in layers)]
    folder = tempfile.mkdtemp(dir=host.folder)
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": folder,
        "TMPDIR": folder,
        "PYTHONPATH": os.pathsep.join(map(os.fspath, [*path, BUILD / "runtime"])),
        "PYTHONUNBUFFERED": "1",
        "LAMBDA_TASK_ROOT": os.fspath(code),
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_LOG_FORMAT": function.logging_config.get("LogFormat", "Text"),
        "AWS_REGION": host.settings.region,
        "AWS_DEFAULT_REGION": host.settings.region,
        "AWS_ENDPOINT_URL": host.endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        **iam.assume(function.role, "lambda.amazonaws.com", function.function_name),
        **function.environment_vars,
    }
    if level := function.logging_config.get("ApplicationLogLevel"):
        variables["AWS_LAMBDA_LOG_LEVEL"] = level
    log = FunctionLog(function, stream, host.settings)
    # The base interpreter without site-packages (-S): neither this project's virtual environment nor the system's.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    command = [interpreter, "-S", "-m", "awslambdaric", function.handler]
    environment = ExecutionEnvironment(command, variables, code, log.write)
    return _Warm(environment, revision, time.monotonic(), log)


def _unpacked(archive: bytes, sha_256: str) -> Path:
    """Unpack a zip once and return its folder."""
    host = _installed()
    folder = host.folder / sha_256.replace("/", "_")
    with host.lock:
        if not folder.exists():
            with zipfile.ZipFile(io.BytesIO(archive)) as content:
                content.extractall(folder)
    return folder


def _revision(function: Function) -> str:
    """Return a text that changes when environments have to be replaced."""
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


def _installed() -> _Host:
    if _host is None:
        raise RuntimeError("install() has not been called")
    return _host


def install(settings: Settings, endpoint_url: str) -> None:
    """Make moto run functions here; they call the server at `endpoint_url`.

    Raises:
        NotBuilt: `make build` has not been run.

    """
    global _host  # noqa: PLW0603 - moto's back ends are global to the process, and so is this
    if not (BUILD / "runtime/awslambdaric").is_dir():
        raise NotBuilt(f"{BUILD / 'runtime'} is missing: run `make build`")
    _host = _Host(settings, endpoint_url, Path(tempfile.mkdtemp(prefix="embedded-lambda-")))
    simple_models.lambda_simple_backends.backend = ProcessLambdaBackend
    simple_models.lambda_simple_backends.clear()


def close() -> None:
    """End all processes."""
    global _host  # noqa: PLW0603 - see install
    host = _installed()
    _backend().close()
    shutil.rmtree(host.folder)
    _host = None


def end_unanswered() -> None:
    """End the invocations that nobody waits for, while what they use is still there."""
    _backend().end_unanswered()


def logs(function_name: str) -> list[str]:
    """Return the lines that a function has logged, oldest first."""
    return lines_of(_backend().get_function(function_name), _installed().settings)


def _backend() -> ProcessLambdaBackend:
    settings = _installed().settings
    backends = simple_models.lambda_simple_backends
    backend = backends[settings.account_id][settings.region]
    assert isinstance(backend, ProcessLambdaBackend)  # noqa: S101 - what install() put there
    return backend
