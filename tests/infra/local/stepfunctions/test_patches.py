"""The interpreter runs what this product's state machine uses, with the few fixes that it needs."""

import inspect
import json
import threading
from importlib.metadata import version
from typing import Any

import pytest
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from infra.local.core import faults
from infra.local.iam import enforcement
from infra.local.server import EmbeddedAws
from infra.local.stepfunctions import patches
from tests.support import sandbox

ECHO = """
class Wrong(Exception): ...
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event.get("wrong") or calls <= event.get("fail", 0):
        raise Wrong(f"call {calls}")
    return {"event": event, "calls": calls}
"""
SUCCEED = {"Type": "Succeed"}


def test_the_fixes_are_for_this_version_of_moto() -> None:
    """When moto changes, each fix has to be checked again: it replaces the stock code below."""
    assert version("moto") == "5.2.5"
    assert "self._eval_pool(" in inspect.getsource(patches.STOCK_EVAL_POOL)
    assert 'error = "Exception"' in inspect.getsource(patches.STOCK_FROM_ERROR)
    assert "start_time=self.start_date" in inspect.getsource(patches.STOCK_START_DETAILS)
    assert "return program, tree" in inspect.getsource(patches.STOCK_PARSE)
    assert 'aws_access_key_id="ak"' in inspect.getsource(patches.STOCK_CLIENT_FOR)
    stock = inspect.getsource(StepFunctionsParserBackend.start_execution)
    assert "exec_name = name" in stock


def test_executions_without_a_name_get_one(aws: EmbeddedAws) -> None:
    """Stock moto calls all of them None, so the second one fails."""
    arn = sandbox.machine(aws, {"Only": SUCCEED})
    names = {sandbox.start(aws, arn)["name"] for _ in range(2)}
    assert len(names) == 2
    assert "None" not in names


def test_a_map_can_be_long(aws: EmbeddedAws) -> None:
    """Stock moto's worker recurses once an item; at about 985 it fails and the execution stays RUNNING forever."""
    inner = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "Result": 1, "End": True}}}
    states = {
        "Items": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemProcessor": inner,
            "ResultSelector": {"count.$": "States.ArrayLength($)"},
            "End": True,
        }
    }
    ended = sandbox.run(aws, states, {"items": list(range(1100))})
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"count": 1100})


def test_a_failed_invocation_is_retried_by_the_error_of_lambda(aws: EmbeddedAws) -> None:
    """Lambda's errors have the names that Retry matches on AWS, with both kinds of Resource."""
    arn = sandbox.function(aws, ECHO)
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "JitterStrategy": "FULL"}]
    direct = {"Type": "Task", "Resource": arn, "Retry": retry, "End": True}
    invoke = direct | {
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn, "Payload.$": "$"},
    }
    for number, task in enumerate((direct, invoke)):
        faults.add("lambda:InvokeFunction", code="TooManyRequestsException", message="Rate Exceeded.", status=429)
        assert (
            sandbox.start(aws, sandbox.machine(aws, {"Task": task}, name=f"machine-{number}"))["status"] == "SUCCEEDED"
        )


def test_the_start_time_is_a_string(aws: EmbeddedAws) -> None:
    """Stock moto's is a datetime, and DescribeExecution returns 500 when a state outputs it."""
    states = {
        "Only": {"Type": "Pass", "Parameters": {"start.$": "States.Format('{}', $$.Execution.StartTime)"}, "End": True}
    }
    output = json.loads(sandbox.run(aws, states)["output"])
    assert output["start"].startswith("20")
    assert output["start"].endswith("Z")


def test_tasks_act_in_the_role_of_the_state_machine(aws: EmbeddedAws) -> None:
    """Stock moto uses no role; here one without lambda:InvokeFunction fails, and its calls are recorded."""
    function = sandbox.function(aws, ECHO)
    arn = sandbox.machine(aws, {"Task": {"Type": "Task", "Resource": function, "End": True}})
    assert sandbox.start(aws, arn)["status"] == "SUCCEEDED"
    assert ("machine-role", "lambda:InvokeFunction", function) in enforcement.used_permissions()
    aws.client("iam").delete_role_policy(RoleName="machine-role", PolicyName="own")
    ended = sandbox.start(aws, arn)
    assert ended["error"] == "Lambda.AccessDeniedException"
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {function}" in ended["cause"]


def test_a_call_of_lambda_is_quick(aws: EmbeddedAws) -> None:
    """Stock moto creates a client for each call, 17 ms; here one is kept (the bound leaves room for a busy machine)."""
    arn = sandbox.function(aws, ECHO)
    inner = {"StartAt": "Item", "States": {"Item": {"Type": "Task", "Resource": arn, "End": True}}}
    states = {
        "Items": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1, "ItemProcessor": inner, "End": True}
    }
    machine = sandbox.machine(aws, states)
    sandbox.start(aws, machine, {"items": [{}]})
    clients = patches._clients  # noqa: SLF001 - how many clients there are is the point
    assert clients is not None
    known = dict(clients._clients)  # noqa: SLF001
    sandbox.start(aws, machine, {"items": [{}] * 30})
    assert clients._clients == known  # noqa: SLF001


def test_a_reset_stops_running_executions(aws: EmbeddedAws) -> None:
    """No execution of one test runs on into the next one."""
    observed: list[str] = []
    aws.settings.step_functions.wait_scale = 0.1
    arn = sandbox.machine(
        aws,
        {
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Task"},
            "Task": {"Type": "Task", "Resource": sandbox.function(aws, ECHO), "End": True},
        },
    )
    before = set(threading.enumerate())
    aws.client("stepfunctions").start_execution(stateMachineArn=arn)
    started = set(threading.enumerate()) - before
    (execution,) = (thread for thread in started if "_execution_logic" in thread.name)
    aws.reset()
    faults.observe(lambda action, _resource: observed.append(action))
    execution.join()
    assert observed == []


@pytest.mark.parametrize(
    ("value", "status"), [({"a": 3, "b": 2}, "SUCCEEDED"), ({"a": 1, "b": 2}, "FAILED"), ({"b": 2}, "FAILED")]
)
def test_choice(aws: EmbeddedAws, value: dict[str, int], status: str) -> None:
    """IsPresent guards a comparison of two numbers of the input."""
    present = {"Variable": "$.a", "IsPresent": True}
    greater = {"Variable": "$.a", "NumericGreaterThanPath": "$.b"}
    states = {
        "IsGreater": {"Type": "Choice", "Choices": [{"And": [present, greater], "Next": "Yes"}], "Default": "No"},
        "Yes": SUCCEED,
        "No": {"Type": "Fail"},
    }
    assert sandbox.run(aws, states, value)["status"] == status


def test_wait_and_fail_by_path(aws: EmbeddedAws) -> None:
    """Seconds, error and cause can come from the input."""
    states = {
        "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Fail"},
        "Fail": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "States.Format('{} missing', $.missing)"},
    }
    ended = sandbox.run(aws, states, {"seconds": 0, "error": "SerialsNotInCrl", "missing": 3})
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "SerialsNotInCrl", "3 missing")


def test_catch_inside_a_map_that_replaces_its_own_items(aws: EmbeddedAws) -> None:
    """One bad item does not stop the others; the results replace the items."""
    task = {
        "Type": "Task",
        "Resource": sandbox.function(aws, ECHO),
        "ResultPath": "$.result",
        "Catch": [{"ErrorEquals": ["Wrong"], "ResultPath": "$.error", "Next": "Caught"}],
        "Next": "Fine",
    }
    caught = {"Type": "Pass", "Parameters": {"number.$": "$.number", "error.$": "$.error.Error"}, "End": True}
    fine = {"Type": "Pass", "Parameters": {"number.$": "$.number", "all.$": "$.all"}, "End": True}
    states = {
        "Items": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemSelector": {
                "number.$": "$$.Map.Item.Index",
                "wrong.$": "$$.Map.Item.Value.wrong",
                "all.$": "$.all",
            },
            "MaxConcurrency": 2,
            "ItemProcessor": {"StartAt": "Task", "States": {"Task": task, "Caught": caught, "Fine": fine}},
            "ResultPath": "$.items",
            "End": True,
        }
    }
    ended = sandbox.run(aws, states, {"items": [{"wrong": False}, {"wrong": True}, {"wrong": False}], "all": 7})
    assert json.loads(ended["output"]) == {
        "items": [{"number": 0, "all": 7}, {"number": 1, "error": "Wrong"}, {"number": 2, "all": 7}],
        "all": 7,
    }


def test_retry_by_the_class_of_an_exception(aws: EmbeddedAws) -> None:
    """JitterStrategy and MaxDelaySeconds are accepted; the error name is the exception's class."""
    task: dict[str, Any] = {"Type": "Task", "Resource": sandbox.function(aws, ECHO), "End": True}
    task["Retry"] = [
        {
            "ErrorEquals": ["Wrong"],
            "IntervalSeconds": 1,
            "MaxAttempts": 2,
            "BackoffRate": 2.0,
            "MaxDelaySeconds": 2,
            "JitterStrategy": "FULL",
        }
    ]
    assert json.loads(sandbox.run(aws, {"Task": task}, {"fail": 1})["output"])["calls"] == 2


def test_pass_with_parameters_and_output_path(aws: EmbeddedAws) -> None:
    """OutputPath selects from the result of Parameters."""
    states = {"Only": {"Type": "Pass", "Parameters": {"a": {"b.$": "$.x"}}, "OutputPath": "$.a", "End": True}}
    assert json.loads(sandbox.run(aws, states, {"x": 7})["output"]) == {"b": 7}


def test_a_role_that_step_functions_may_not_assume(aws: EmbeddedAws) -> None:
    """The task fails; it does not act as another principal."""
    function = sandbox.function(aws, ECHO)
    arn = sandbox.machine(aws, {"Task": {"Type": "Task", "Resource": function, "End": True}})
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.client("iam").update_assume_role_policy(
        RoleName="machine-role", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    ended = sandbox.start(aws, arn)
    assert ended["status"] == "FAILED"
    assert "states.amazonaws.com is unable to assume the role" in ended["cause"]
