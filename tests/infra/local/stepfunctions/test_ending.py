"""An execution ends once, at once when it is stopped, and with all that AWS returns of it."""

import inspect
import json
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.backend.execution import Execution

from infra.local.core import faults
from infra.local.events import service as events
from infra.local.server import EmbeddedAws
from infra.local.stepfunctions import ending, waiting
from tests.support import sandbox
from tests.support.waiting import eventually

LONG_WAIT = {"Type": "Wait", "Seconds": 600, "End": True}
SLOW = "import time\ndef handler(event, context): time.sleep(600)"


def test_stock_moto_ends_executions_otherwise() -> None:
    """When moto changes, each correction has to be checked again."""
    assert "self._reflect_execution_status()" in inspect.getsource(ending.STOCK_TERMINATED)
    assert "end_program_state.error" in inspect.getsource(IterationWorker._eval_job)  # noqa: SLF001
    assert "self._program_state = ProgramError" in inspect.getsource(ending.STOCK_SET_ERROR)
    assert "int(t1 - t0)" in inspect.getsource(waiting.STOCK_WAIT)


def test_output_and_error_are_set_before_the_status(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that sees the final status sees the output or the error, too."""
    states: list[Any] = []

    def set_status(execution: Any, status: Any) -> None:  # noqa: ANN401 - moto's own
        execution.__dict__["exec_status"] = status
        if status in {"SUCCEEDED", "FAILED"}:
            states.append((str(status.value), execution.output, execution.error, execution.cause))

    status = property(lambda execution: execution.__dict__["exec_status"], set_status)
    monkeypatch.setattr(Execution, "exec_status", status, raising=False)
    assert sandbox.run(aws, {"Only": {"Type": "Succeed"}}, {"a": 1})["status"] == "SUCCEEDED"
    fail = sandbox.machine(aws, {"Only": {"Type": "Fail", "Error": "Wrong", "Cause": "for a reason"}}, name="failing")
    assert sandbox.start(aws, fail)["status"] == "FAILED"
    assert states == [("SUCCEEDED", {"a": 1}, None, None), ("FAILED", None, "Wrong", "for a reason")]


def running_states(aws: EmbeddedAws, kind: str) -> dict[str, Any]:
    """Return the states of a machine that is busy for ten minutes with a kind of state."""
    if kind == "wait":
        return {"Busy": LONG_WAIT}
    function = sandbox.function(aws, SLOW, Timeout=600)
    task = {"Type": "Task", "Resource": function, "End": True}
    retry = task | {"Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}]}
    inner = {"StartAt": "Inner", "States": {"Inner": task if kind == "map of tasks" else LONG_WAIT}}
    map_ = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "End": True}
    if kind == "retry":
        faults.add("lambda:InvokeFunction", code="TooManyRequestsException", message="Rate Exceeded.", status=429)
    return {"Busy": {"task": task, "retry": retry}.get(kind, map_)}


@pytest.mark.parametrize("kind", ["wait", "task", "retry", "map of waits", "map of tasks"])
def test_stop_takes_effect_at_once(aws: EmbeddedAws, kind: str) -> None:
    """Whatever the execution is doing, it is ABORTED when StopExecution returns, with error and cause."""
    client = aws.client("stepfunctions")
    machine = sandbox.machine(aws, running_states(aws, kind))
    execution = client.start_execution(stateMachineArn=machine, input='{"items": [1, 2, 3]}')["executionArn"]
    entered = {"wait": "WaitStateEntered", "map of waits": "WaitStateEntered", "retry": "LambdaFunctionFailed"}
    eventually(lambda: entered.get(kind, "TaskStateEntered") in types(client, execution) or None)
    stopped = client.stop_execution(executionArn=execution, error="Enough", cause="because")
    description = client.describe_execution(executionArn=execution)
    assert (description["status"], description["error"], description["cause"]) == ("ABORTED", "Enough", "because")
    assert description["stopDate"] == stopped["stopDate"]
    (last,) = client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"]
    assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "because"}


def test_a_stop_inside_a_map_is_never_a_failure(aws: EmbeddedAws) -> None:
    """Stock moto ended one in six FAILED, because the interpreter reads an error that a stopped item has not."""
    client = aws.client("stepfunctions")
    machine = sandbox.machine(aws, running_states(aws, "map of waits"))
    executions = [
        client.start_execution(stateMachineArn=machine, input='{"items": [1, 2, 3]}')["executionArn"] for _ in range(20)
    ]
    for execution in executions:
        eventually(lambda arn=execution: types(client, arn).count("WaitStateEntered") == 3 or None)  # type: ignore[misc]
        client.stop_execution(executionArn=execution)
    events.wait_until_delivered()
    assert {client.describe_execution(executionArn=each)["status"] for each in executions} == {"ABORTED"}
    assert [types(client, each)[-1] for each in executions] == ["ExecutionAborted"] * 20


def test_nothing_happens_after_a_stop(aws: EmbeddedAws) -> None:
    """The interpreter's threads start no task any more, and a second stop changes nothing."""
    client = aws.client("stepfunctions")
    task = {"Type": "Task", "Resource": sandbox.function(aws, "def handler(event, context): ..."), "End": True}
    machine = sandbox.machine(aws, {"Wait": {"Type": "Wait", "Seconds": 600, "Next": "Task"}, "Task": task})
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    eventually(lambda: "WaitStateEntered" in types(client, execution) or None)
    calls: list[str] = []
    faults.observe(lambda action, _resource: calls.append(action))
    first = client.stop_execution(executionArn=execution, error="First")
    assert client.stop_execution(executionArn=execution, error="Second")["stopDate"] == first["stopDate"]
    assert client.describe_execution(executionArn=execution)["error"] == "First"
    assert types(client, execution)[-2:] == ["WaitStateEntered", "ExecutionAborted"]
    assert "lambda:InvokeFunction" not in calls


def test_a_stop_after_the_end_changes_nothing(aws: EmbeddedAws) -> None:
    """A successful execution stays one."""
    ended = sandbox.run(aws, {"Only": {"Type": "Succeed"}}, {"a": 1})
    client = aws.client("stepfunctions")
    client.stop_execution(executionArn=ended["executionArn"], error="Late")
    description = client.describe_execution(executionArn=ended["executionArn"])
    assert (description["status"], json.loads(description["output"])) == ("SUCCEEDED", {"a": 1})
    assert "error" not in description


def test_a_time_out_is_complete(aws: EmbeddedAws) -> None:
    """It has a stopDate, in DescribeExecution and ListExecutions, and the last event names it."""
    client = aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": LONG_WAIT}})
    machine = client.create_state_machine(name="slow", definition=definition, roleArn=sandbox.role(aws))
    ended = sandbox.start(aws, machine["stateMachineArn"])
    assert (ended["status"], ended["stopDate"] > ended["startDate"]) == ("TIMED_OUT", True)
    (listed,) = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert listed["stopDate"] == ended["stopDate"]
    assert types(client, ended["executionArn"])[-1] == "ExecutionTimedOut"


def types(client: Any, execution: str) -> list[str]:  # noqa: ANN401 - a boto3 client
    """Return the types of an execution's events."""
    return [event["type"] for event in client.get_execution_history(executionArn=execution, maxResults=1000)["events"]]
