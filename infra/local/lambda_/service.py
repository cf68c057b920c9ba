"""Implement Lambda on moto's back end, with the functions' real code in processes of their own."""

import base64
import threading
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple import models as simple_models

from infra.build import BUILD
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.lambda_ import async_invocations
from infra.local.lambda_.logs import read_lines
from infra.local.lambda_.pool import EnvironmentPool, Function, LayerVersion
from infra.local.lambda_.runtime_api import Outcome


class NotBuilt(RuntimeError):
    """The files that the processes need have not been built."""


_pool: EnvironmentPool | None = None
_moto_invoke = LambdaResponse.invoke
_MAX_PAYLOAD_BYTES = (6_291_456, 1_048_576)  # synchronous, asynchronous (aws: lambda/gettingstarted-limits)
_MAX_TIMEOUT_SECONDS = 900


def _check_timeout(spec: Mapping[str, Any]) -> None:
    if int(spec.get("Timeout") or 1) > _MAX_TIMEOUT_SECONDS:
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{spec['Timeout']}' at 'timeout' failed to satisfy constraint: Member "
            f"must have value less than or equal to {_MAX_TIMEOUT_SECONDS}",
        )


class ProcessLambdaBackend(simple_models.LambdaSimpleBackend):
    """moto's Lambda, whose `invoke` runs the function."""

    def __init__(self, region_name: str, account_id: str) -> None:
        """Start with no functions."""
        super().__init__(region_name, account_id)
        self._async_threads: list[threading.Thread] = []

    def reset(self) -> None:
        """Forget all functions and end their processes; moto holds the lock of all its back ends."""
        _require_pool().end_all_soon()
        super().reset()

    def end_async_invocations(self) -> None:
        """End the asynchronous invocations, also those whose process is just being started."""
        while running := [thread for thread in self._async_threads if thread.is_alive()]:
            _require_pool().end_all()
            running[0].join(0.02)

    def create_function(self, spec: dict[str, Any]) -> Function:
        """Create a function, with what moto drops: its logging and its dead-letter queue."""
        _check_timeout(spec)
        function: Function = super().create_function(spec)
        # With Publish, moto returns a copy of what it keeps: $LATEST, and version 1.
        _, *versions = self.list_versions_by_function(function.function_name)
        for each in (function, self.get_function(function.function_name), *versions):
            each.dead_letter = spec.get("DeadLetterConfig", {}).get("TargetArn")
            each.logging_config = spec.get("LoggingConfig", {})
            each.logs_group_name = each.logging_config.get("LogGroup", each.logs_group_name)
        _require_pool().prepare(self._layer_versions(function))
        return function

    def update_function_configuration(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Update a function, within Lambda's limits."""
        _check_timeout(body)
        updated: dict[str, Any] | None = super().update_function_configuration(function_name, qualifier, body)
        return updated

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """Delete a function and end its idle processes."""
        function = self.get_function(function_name, qualifier)
        super().delete_function(function_name, qualifier)
        _require_pool().end_idle(function)

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
        invocation_type = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if len(event) > (most := _MAX_PAYLOAD_BYTES[invocation_type == "Event"]):
            message = f"Request must be smaller than {most} bytes for the {invocation_type} operation"
            raise ServiceError("RequestTooLargeException", message, status=413)
        if invocation_type == "DryRun":
            return b""
        if invocation_type == "Event":
            self._invoke_async(function, event)
            return b""
        outcome, lines = _require_pool().run(function, self._layer_versions(function), event or b"{}")
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        tail = "".join(line + "\n" for line in lines).encode()[-4096:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return outcome.payload

    def _invoke_async(self, function: Function, event: bytes) -> None:
        def invoke_unless_deleted() -> Outcome | None:
            try:
                self.get_function(function.function_arn)
            except UnknownFunctionException:
                return None
            layers = self._layer_versions(function)
            return _require_pool().run(function, layers, event)[0] if all(layers) else None

        arguments = (invoke_unless_deleted, function, event, _require_pool().settings)
        thread = threading.Thread(target=async_invocations.run, args=arguments, daemon=True)
        self._async_threads = [each for each in self._async_threads if each.is_alive()] + [thread]
        thread.start()

    def _layer_versions(self, function: Function) -> list[LayerVersion]:
        """Return the versions of a function's layers; None for each that a reset has removed."""
        return [self.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]


def install(settings: Settings, endpoint_url: str) -> None:
    """Make moto run functions here; they call the server at `endpoint_url`.

    Raises:
        NotBuilt: `make build` has not been run.

    """
    global _pool  # noqa: PLW0603 - moto's back ends are global to the process, and so is this
    if not (BUILD / "runtime/awslambdaric").is_dir():
        raise NotBuilt(f"{BUILD / 'runtime'} is missing: run `make build`")
    _pool = EnvironmentPool(settings, endpoint_url)
    simple_models.lambda_simple_backends.backend = ProcessLambdaBackend
    simple_models.lambda_simple_backends.clear()
    LambdaResponse.invoke = _invoke  # type: ignore[method-assign]


def _invoke(response: LambdaResponse) -> Any:  # noqa: ANN401 - moto's
    """Invoke the version or alias that the request names; moto looks for it under "qualifier"."""
    if "Qualifier" in response.querystring:
        response.querystring["qualifier"] = response.querystring["Qualifier"]
    return _moto_invoke(response)


def close() -> None:
    """End all processes and delete their files."""
    global _pool  # noqa: PLW0603 - see install
    _require_pool().close()
    _pool = None


def end_async_invocations() -> None:
    """End the asynchronous invocations while the resources that they use still exist."""
    _backend().end_async_invocations()


def wait_until_ended() -> None:
    """Wait until the processes of functions that were reset have ended."""
    _require_pool().wait_until_ended()


def logs(function_name: str) -> list[str]:
    """Return the lines that a function has logged, oldest first."""
    return read_lines(_backend().get_function(function_name), _require_pool().settings)


def _require_pool() -> EnvironmentPool:
    if _pool is None:
        raise RuntimeError("install() has not been called")
    return _pool


def _backend() -> ProcessLambdaBackend:
    settings = _require_pool().settings
    backends = simple_models.lambda_simple_backends
    backend = backends[settings.account_id][settings.region]
    assert isinstance(backend, ProcessLambdaBackend)  # noqa: S101 - what install() put there
    return backend
