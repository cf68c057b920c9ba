"""Answer the requests that stock moto answers incompletely; what it cannot answer at all is refused by name."""

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from infra.local.core.requests import ServiceError
from infra.local.stepfunctions import definition, ending, history

MAX_INPUT_BYTES = 262_144
_CHANGES = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")


class CompleteResponse(StepFunctionResponse):
    """moto's responses, with those that differ from AWS's."""

    def validate_state_machine_definition(self) -> ActionResult:
        """ValidateStateMachineDefinition: return the faults that CreateStateMachine would refuse."""
        faults = definition.find_faults(self._get_param("definition"))
        diagnostics = [
            {"severity": "ERROR", "code": each.code, "message": each.message}
            | ({"location": each.location} if each.location else {})
            for each in faults
        ]
        return ActionResult({"result": "FAIL" if faults else "OK", "diagnostics": diagnostics, "truncated": False})

    def update_state_machine(self) -> ActionResult:
        """UpdateStateMachine: a request that changes nothing is refused; stock moto's error has no code."""
        if not any(self._get_param(name) for name in _CHANGES):
            message = f"Either {', '.join(_CHANGES[:-1])} or {_CHANGES[-1]} must be specified"
            raise ServiceError("MissingRequiredParameter", message)
        return super().update_state_machine()

    def start_execution(self) -> ActionResult:
        """StartExecution: refuse an invalid name, and an input that is not JSON or is too large."""
        if name := self._get_param("name"):
            self.stepfunction_backend._validate_name(name)  # noqa: SLF001 - stock moto does not where it executes
        text = self._get_param("input", if_none="{}")
        if (size := len(text.encode())) > MAX_INPUT_BYTES:
            message = (
                f"Invalid State Machine Execution Input: 'has {size} bytes, at most {MAX_INPUT_BYTES} are allowed'"
            )
            raise ServiceError("InvalidExecutionInput", message)
        try:
            json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
        return super().start_execution()

    def stop_execution(self) -> ActionResult:
        """StopExecution: with error and cause, which stock moto drops."""
        execution: Any = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        ending.stop(execution, self._get_param("error"), self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    def get_execution_history(self) -> str:  # type: ignore[override] # JSON; moto's own way takes ten times as long
        """GetExecutionHistory: in pages."""
        self.response_headers["Content-Type"] = "application/x-amz-json-1.0"
        return history.page(
            self.stepfunction_backend.describe_execution(self._get_param("executionArn")),
            self._get_param("maxResults"),
            self._get_param("nextToken"),
            reverse=bool(self._get_param("reverseOrder")),
            with_data=self._get_param("includeExecutionData") is not False,
        )

    def describe_execution(self) -> ActionResult:
        """DescribeExecution: an execution that has timed out has a stopDate, too."""
        response: Any = super().describe_execution().result
        self._complete(response)
        return ActionResult(response)

    def list_executions(self) -> ActionResult:
        """ListExecutions: an execution that has timed out has a stopDate, too."""
        if not self._get_param("stateMachineArn"):
            raise ServiceError("ValidationException", "Either stateMachineArn or mapRunArn must be specified")
        response: Any = super().list_executions().result
        for each in response["executions"]:
            self._complete(each)
        return ActionResult(response)

    def _complete(self, description: dict[str, Any]) -> None:
        if description["status"] == "TIMED_OUT":
            execution: Any = self.stepfunction_backend.describe_execution(description["executionArn"])
            description["stopDate"] = execution.stop_date


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
