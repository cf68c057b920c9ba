"""The embedded Lambda runs real code in separate processes and shapes errors as Lambda does."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict, backend_lock

from infra.build import BUILD
from infra.local.lambda_ import embedded_metrics
from infra.local.lambda_ import service as lambda_service
from infra.local.server import EmbeddedAws
from tests.support import event_bridge, sandbox
from tests.support.waiting import PATIENCE_SECONDS, eventually

SOURCE = """
import json, logging, os, sys, time

print("cold start")
calls = 0

class SomethingWrong(Exception): ...

def handler(event, context):
    global calls
    calls += 1
    print("event", json.dumps(event))
    if event == "raise":
        raise SomethingWrong("for a reason")
    if event == "exit":
        os._exit(3)
    if isinstance(event, dict):  # meet: come back once so many invocations are here
        open(os.path.join(event["folder"], str(os.getpid())), "w").close()
        while len(os.listdir(event["folder"])) < event["number"]:
            time.sleep(0.01)
    if event == "hang":
        time.sleep(3_000)
    if event == "where":
        import botocore
        return {"path": sys.path, "environment": dict(os.environ), "botocore": botocore.__file__}
    return {"process": os.getpid(), "calls": calls, "left": context.get_remaining_time_in_millis()}
"""


@pytest.fixture
def function(aws: EmbeddedAws) -> EmbeddedAws:
    """Return an embedded AWS with one function."""
    sandbox.function(aws, SOURCE, Timeout=900, MemorySize=256, Environment={"Variables": {"OWN": "variable"}})
    return aws


def test_an_environment_stays_warm(function: EmbeddedAws) -> None:
    """Consecutive invocations run in one process, each with the whole time-out."""
    first, _ = sandbox.invoke(function)
    second, _ = sandbox.invoke(function)
    assert second["process"] == first["process"]
    assert (first["calls"], second["calls"]) == (1, 2)
    assert 600_000 < second["left"] <= 900_000


def test_concurrent_invocations_run_concurrently(function: EmbeddedAws, tmp_path: Path) -> None:
    """Each has its own environment, and all of them stay warm."""

    def invoke(folder: Path) -> int:
        return int(sandbox.invoke(function, {"folder": str(folder), "number": 3})[0]["process"])

    processes: list[set[int]] = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        with ThreadPoolExecutor(3) as pool:
            processes.append(set(pool.map(invoke, [folder] * 3)))
    assert len(processes[0]) == 3
    assert processes[1] == processes[0]


def test_nothing_of_this_process_reaches_a_function(function: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees only its own code, its layers, the packages of the managed runtime, and Lambda's variables."""
    monkeypatch.setenv("SOME_SECRET", "of the developer")
    where, _ = sandbox.invoke(function, "where")
    assert not [folder for folder in where["path"] if "site-packages" in folder]
    assert where["botocore"].startswith(os.fspath(BUILD / "runtime"))
    environment = where["environment"]
    assert "SOME_SECRET" not in environment
    assert environment["OWN"] == "variable"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "function"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_ENDPOINT_URL"] == function.endpoint_url
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")


def test_an_exception_has_the_shape_of_lambda(function: EmbeddedAws) -> None:
    """A state machine's ErrorEquals matches the class name."""
    payload, error = sandbox.invoke(function, "raise")
    assert error == "Unhandled"
    assert payload["errorType"] == "SomethingWrong"
    assert payload["errorMessage"] == "for a reason"
    assert "raise SomethingWrong" in payload["stackTrace"][-1]


def test_an_exit_is_a_runtime_error_and_the_next_invocation_starts_cold(function: EmbeddedAws) -> None:
    """A process that has exited is not used again."""
    payload, error = sandbox.invoke(function, "exit")
    assert (payload["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert sandbox.invoke(function)[0]["calls"] == 1


def test_a_time_out_kills_the_process(function: EmbeddedAws) -> None:
    """A function is killed after its Timeout, with Lambda's message."""
    function.client("lambda").update_function_configuration(FunctionName="function", Timeout=1)
    payload, error = sandbox.invoke(function, "hang")
    assert (payload["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert sandbox.invoke(function)[0]["calls"] == 1


def test_a_module_that_does_not_load_fails_each_invocation(aws: EmbeddedAws) -> None:
    """Each invocation fails with the error of the initialization."""
    sandbox.function(aws, "import absent_module\ndef handler(event, context): ...")
    for _ in range(2):
        payload, error = sandbox.invoke(aws)
        assert (payload["errorType"], error) == ("Runtime.ImportModuleError", "Unhandled")
        assert "absent_module" in payload["errorMessage"]


def test_an_update_replaces_the_processes(function: EmbeddedAws) -> None:
    """The next invocation runs with the new code or variable."""
    before, _ = sandbox.invoke(function)
    client = function.client("lambda")
    client.update_function_configuration(FunctionName="function", Environment={"Variables": {"OWN": "other"}})
    assert sandbox.invoke(function, "where")[0]["environment"]["OWN"] == "other"
    client.update_function_code(FunctionName="function", ZipFile=sandbox.zipped("def handler(*_): return 'new'"))
    assert sandbox.invoke(function) == ("new", None)
    with pytest.raises(ProcessLookupError):
        os.kill(before["process"], 0)


def test_a_function_that_does_not_exist_is_not_found(aws: EmbeddedAws) -> None:
    """Stock moto would return the input."""
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="absent", Payload="{}")


def test_reserved_concurrency_is_enforced(function: EmbeddedAws) -> None:
    """One more invocation fails with 429."""
    client = function.client("lambda")
    client.put_function_concurrency(FunctionName="function", ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
        client.invoke(FunctionName="function", Payload="{}")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_logs_are_in_cloudwatch(function: EmbeddedAws) -> None:
    """The log group has the function's output and Lambda's own lines, in order."""
    sandbox.invoke(function, "raise")
    lines = lambda_service.logs("function")
    starts = [line.split()[0] for line in lines]
    assert starts.index("cold") < 2  # from the process's start: before or after Lambda's own first line
    starts.remove("cold")
    assert starts == ["START", "event", "[ERROR]", "END", "REPORT"]
    events = function.client("logs").filter_log_events(logGroupName="/aws/lambda/function")["events"]
    assert [event["message"] for event in events] == lines


def test_a_function_without_permission_to_log_logs_nothing(aws: EmbeddedAws) -> None:
    """As on AWS, lines are lost without an error."""
    other = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    sandbox.function(aws, SOURCE, Role=sandbox.role(aws, other))
    assert sandbox.invoke(aws)[1] is None
    assert lambda_service.logs("function") == []


def test_a_log_group_and_format_of_its_own(aws: EmbeddedAws) -> None:
    """LoggingConfig, which moto drops, takes effect."""
    aws.client("logs").create_log_group(logGroupName="/own")
    sandbox.function(aws, SOURCE, LoggingConfig={"LogGroup": "/own", "LogFormat": "JSON"})
    sandbox.invoke(aws, "raise")
    errors = [json.loads(line) for line in lambda_service.logs("function") if line.startswith("{")]
    assert [error["errorType"] for error in errors] == ["SomethingWrong"]
    events = aws.client("logs").filter_log_events(logGroupName="/own")["events"]
    assert len(events) > 3


def test_an_asynchronous_invocation_returns_at_once(function: EmbeddedAws) -> None:
    """InvocationType Event returns 202, and the function runs."""
    response = function.client("lambda").invoke(FunctionName="function", InvocationType="Event", Payload='"later"')
    assert response["StatusCode"] == 202
    eventually(lambda: 'event "later"' in lambda_service.logs("function") or None)


def test_an_asynchronous_invocation_that_is_refused_is_a_failed_one(aws: EmbeddedAws) -> None:
    """It is attempted again, and its event is in the dead-letter queue after the last attempt."""
    aws.settings.functions.async_retry_seconds = 0.01
    dead = event_bridge.queue(aws, "dead")
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead}
    role = sandbox.role(aws, sends, services=("states",))
    sandbox.function(aws, SOURCE, Role=role, DeadLetterConfig={"TargetArn": dead})
    aws.client("lambda").invoke(FunctionName="function", InvocationType="Event", Payload='"later"')
    assert eventually(lambda: event_bridge.bodies(aws, "dead") or None) == ["later"]


def test_a_deleted_function_is_not_invoked_again(function: EmbeddedAws) -> None:
    """A failed asynchronous invocation ends with its function; its role may be gone, too."""
    function.settings.functions.async_retry_seconds = 0.2
    before = threading.active_count()
    function.client("lambda").invoke(FunctionName="function", InvocationType="Event", Payload='"raise"')
    eventually(lambda: "[ERROR]" in "".join(lambda_service.logs("function")) or None)
    function.client("lambda").delete_function(FunctionName="function")
    function.client("iam").delete_role_policy(RoleName="function-role", PolicyName="own")
    function.client("iam").delete_role(RoleName="function-role")
    eventually(lambda: threading.active_count() <= before or None, expected="end of the invocation's thread")


def test_a_role_must_trust_lambda(aws: EmbeddedAws) -> None:
    """A function cannot run in a role that only Step Functions may assume."""
    client = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = client.create_role(RoleName="other", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sandbox.function(aws, SOURCE, Role=arn)
    with pytest.raises(aws.client("lambda").exceptions.ClientError, match="unable to assume"):
        sandbox.invoke(aws)


def test_a_reset_ends_an_asynchronous_invocation(aws: EmbeddedAws) -> None:
    """Its thread ends too, although no caller waits for it."""
    sandbox.function(aws, "import time\ndef handler(event, context): time.sleep(20)", Timeout=30)
    before = threading.active_count()
    aws.client("lambda").invoke(FunctionName="function", InvocationType="Event", Payload=b"{}")
    aws.reset()
    assert threading.active_count() <= before


def test_reset_while_a_function_writes_a_metric(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto resets under a lock that finding a back end for the metric needs: neither waits for the other."""
    sandbox.function(aws, "def handler(event, context): print('a line')")
    is_writing, is_locked = threading.Event(), threading.Event()

    def extract(line: str, _settings: object) -> None:
        if line == "a line":
            is_writing.set()
            is_locked.wait()
            with backend_lock:
                pass

    monkeypatch.setattr(embedded_metrics, "extract", extract)
    invocation = threading.Thread(target=sandbox.invoke, args=[aws], daemon=True)
    invocation.start()
    assert is_writing.wait(PATIENCE_SECONDS)
    with backend_lock:
        is_locked.set()
        BackendDict.reset()
    aws.reset()
    invocation.join(PATIENCE_SECONDS)
    assert not invocation.is_alive()


def test_published_versions(aws: EmbeddedAws) -> None:
    """A function that is published as it is created runs, as do its version and an alias; another is not found."""
    sandbox.function(aws, "def handler(event, context): return context.function_version", Publish=True)
    client = aws.client("lambda")
    client.create_alias(FunctionName="function", Name="live", FunctionVersion="1")
    for qualifier, ran in (("$LATEST", "$LATEST"), ("1", "1"), ("live", "1")):
        answer = client.invoke(FunctionName="function", Qualifier=qualifier)
        assert json.load(answer["Payload"]) == ran
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.invoke(FunctionName="function", Qualifier="9")


def test_limits(function: EmbeddedAws) -> None:
    """Events have 6 MB at most, asynchronous ones 1 MB; a function runs for 15 minutes at most."""
    client = function.client("lambda")
    for invocation_type, size in (("RequestResponse", 6_291_456), ("Event", 1_048_576)):
        with pytest.raises(ClientError, match="RequestTooLargeException"):
            client.invoke(FunctionName="function", InvocationType=invocation_type, Payload=b'"' + b"x" * size + b'"')
    with pytest.raises(ClientError, match="less than or equal to 900"):
        client.update_function_configuration(FunctionName="function", Timeout=901)
