"""The structure of the state machine, little of which the local engine checks."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions import errors, limits, metrics
from functions.models import request, states
from functions.models.base import Model
from functions.revocation.batches import batch_numbers
from infra.template import load_template

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "statemachine" / "revocation.asl.json").read_text())
TEMPLATE = load_template()
# What Step Functions and Lambda raise by themselves.
BUILT_IN = re.compile(r"States\.(ALL|Timeout)|Lambda\.\w+|Runtime\.\w+|Sandbox\.Timedout")


def machines(machine: dict[str, Any] = DEFINITION) -> Iterator[dict[str, Any]]:
    """Return the state machine and those inside its Maps."""
    yield machine
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


STATES = {name: state for machine in machines() for name, state in machine["States"].items()}
TELLING = ("NotifyWaiting", "NotifyOutcome")
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def targets(state: dict[str, Any]) -> set[str]:
    """Return the states that may come next."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way["Next"] for way in ways if "Next" in way} | ({state["Default"]} if "Default" in state else set())


def snake(name: str) -> str:
    """Return the name of a state's file."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("machine", list(machines()), ids=lambda machine: machine["StartAt"])
def test_every_next_resolves_and_every_state_is_reachable(machine: dict[str, Any]) -> None:
    """No transition leads to a missing state, and no state is without a transition to it."""
    reached, ahead = set(), {machine["StartAt"]}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= targets(machine["States"][name]) - reached
    assert reached == set(machine["States"])


def test_every_state_has_a_comment() -> None:
    """One sentence, which the console shows."""
    assert all(re.fullmatch(r"[A-Z].*\.", state["Comment"]) for state in STATES.values())


def test_every_task_has_a_timeout_and_retries_transient_lambda_errors() -> None:
    """A Task without TimeoutSeconds can hang; one without the Retry fails at a transient error."""
    for name, task in TASKS.items():
        assert task["TimeoutSeconds"] <= 900, name
        assert task["Retry"][0] == TASKS["FindCrl"]["Retry"][0], name
        for retry in task["Retry"]:
            assert retry["MaxDelaySeconds"], name
            # After an unclear add, a wait that jitter cuts short could end before the list is visible.
            whole = retry["ErrorEquals"] == ["RevocationAddUnclear"]
            assert retry.get("JitterStrategy") == (None if whole else "FULL"), name


def test_an_error_is_retried_alike_by_every_task() -> None:
    """One Task shows how all of them retry an error, which stands in one block of each."""
    by_error: dict[str, object] = {}
    for name, task in TASKS.items():
        retried = [(error, retry) for retry in task["Retry"] for error in retry["ErrorEquals"]]
        assert len(dict(retried)) == len(retried), name
        for error, retry in retried:
            assert by_error.setdefault(error, retry) == retry, name


@pytest.mark.parametrize("error", ["Lambda.Unknown", "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout"])
def test_every_task_retries_a_crashed_function_twice(error: str) -> None:
    """AWS reports a function that ran out of memory or time by any of these names; running it again is safe."""
    for name, task in TASKS.items():
        (retry,) = (retry for retry in task["Retry"] if error in retry["ErrorEquals"])
        assert retry["MaxAttempts"] == 2, name


def test_a_function_that_cannot_be_imported_is_not_retried() -> None:
    """It fails again until it is deployed again."""
    retried = {error for task in TASKS.values() for retry in task["Retry"] for error in retry["ErrorEquals"]}
    assert "Runtime.ImportModuleError" not in retried


def test_every_task_and_map_leads_to_the_report_when_it_fails() -> None:
    """Every Catch leads to ReportRevocation, directly or through Pass states; a plan is its own report."""
    inner = {name for machine in list(machines())[1:] for name in machine["States"]}
    for name, state in STATES.items():
        if state["Type"] in ("Task", "Map") and name not in ("ReportRevocation", "PlanRevocation", *TELLING):
            caught = state["Catch"][-1]
            assert caught["ErrorEquals"] == ["States.ALL"], name
            assert caught["Next"] == "ReportRevocation" or (name in inner and STATES[caught["Next"]]["Type"] == "Pass")


@pytest.mark.parametrize("name", ["NotifyWaiting", "NotifyOutcome"])
def test_execution_continues_when_notification_fails(name: str) -> None:
    """A failed notification delays neither the enforcement nor the outcome."""
    (caught,) = STATES[name]["Catch"]
    assert caught == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.NotNotified", "Next": STATES[name]["Next"]}


def test_every_error_name_is_a_class_or_predefined() -> None:
    """A misspelled ErrorEquals would never match, and nobody would notice."""
    for name, state in STATES.items():
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]:
            for error in handler["ErrorEquals"]:
                known = inspect.isclass(getattr(errors, error, None)) or BUILT_IN.fullmatch(error)
                assert known, f"{name}: {error}"


MODELS: dict[str, type[Model]] = {
    "PrepareRevocation": request.ExecutionInput,
    "RevokeCertificate": states.RevokeCertificateInput,
    "PlanRevocation": request.ExecutionInput,
    "RevokeBatch": states.RevokeBatchInput,
    "FindCrl": states.FindCrlInput,
    "ConvertCrl": states.ConvertCrlInput,
    "AttachCrl": states.EnforceInput,
    "VerifyRevocation": states.EnforceInput,
    "RemoveSupersededCrls": states.EnforceInput,
    "ReportRevocation": states.ReportInput,
    "DetectDrift": states.DetectDriftInput,
    "NotifyWaiting": states.NotifyWaitingInput,
    "NotifyOutcome": states.NotifyOutcomeInput,
}


@pytest.mark.parametrize("name", MODELS)
def test_payload_has_the_fields_of_the_model(name: str) -> None:
    """A state sends exactly the fields that its function accepts."""
    selector = next(
        (s["ItemSelector"] for s in STATES.values() if name in s.get("ItemProcessor", {}).get("States", {})), None
    )
    payload = TASKS[name].get("Parameters", selector)
    assert payload is not None
    fields = {field.alias for field in MODELS[name].model_fields.values()}
    assert {key.removesuffix(".$") for key in payload} == fields


def test_state_file_and_resource_share_a_name() -> None:
    """One search finds state, file, resource and substitution."""
    for name, task in TASKS.items():
        assert task["Resource"] == f"${{{name}FunctionArn}}"
        handler = TEMPLATE["Resources"][f"{name}Function"]["Properties"]["Handler"]
        assert handler == f"functions.handlers.{snake(name)}.handler"
        assert (ROOT / "functions" / "handlers" / f"{snake(name)}.py").exists()
    substitutions = TEMPLATE["Resources"]["RevocationStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(substitutions) == {f"{name}FunctionArn" for name in TASKS}


def test_payload_of_the_longest_inline_list_is_below_the_limit() -> None:
    """500 long serials, each with its own reason and the longest error code, take two thirds of 256 KiB."""
    serial, at = ":".join(["ff"] * 20), "2026-01-01T00:00:00Z"
    one = {"Serial": serial, "Outcome": "ALREADY_REVOKED", "At": at, "Error": "ConcurrentModificationException"}
    wanted = {"Serial": serial, "RevocationReason": "CERTIFICATE_AUTHORITY_COMPROMISE"}
    longest = limits.MAX_INLINE_SERIALS
    state = {"Prepared": {"Serials": [wanted] * longest}, "Revocations": [one] * longest}
    assert len(json.dumps(state)) < 172 * 1024


def test_long_list_is_small_in_payload_and_history() -> None:
    """100,000 serials are batch numbers and counts in the payload; a batch is one task, even when throttled."""
    batches = batch_numbers(limits.MAX_SERIALS)
    done = {"Batch": 249, "Revoked": 399, "AlreadyRevoked": 399, "Expired": 399, "Failed": 399, "Error": "x" * 40}
    state = {"Prepared": {"Batches": batches}, "Batches": [done] * len(batches)}
    assert len(json.dumps(state)) < 64 * 1024
    busy = next(r for r in TASKS["RevokeBatch"]["Retry"] if "CertificateAuthorityBusy" in r["ErrorEquals"])
    assert len(batches) * (8 + 3 * busy["MaxAttempts"]) < 7_000  # test below: the wait needs the rest
    assert batch_numbers(limits.MAX_INLINE_SERIALS) == []
    assert batch_numbers(limits.MAX_INLINE_SERIALS + 1) == [0, 1]


def test_history_of_the_longest_wait_is_below_the_limit() -> None:
    """The longest list, every throttled retry, the most polls and a CRL every 30 minutes for 12 hours fit in 25,000."""
    busy = next(r for r in TASKS["RevokeCertificate"]["Retry"] if "CertificateAuthorityBusy" in r["ErrorEquals"])
    revoking = limits.MAX_INLINE_SERIALS * (7 + 3 * busy["MaxAttempts"])
    looking = limits.MAX_POLLS * 14  # FindCrl 5, two Choices 4, Wait 2, and a hiccup each
    enforcing = 24 * (9 + 26 * 10)  # ConvertCrl and Choice, then ten trust stores
    assert revoking + looking + enforcing < 25_000


def test_every_function_has_a_file_and_its_own_role() -> None:
    """Those that events start too: resource, file and handler share a name."""
    functions = {n: r for n, r in TEMPLATE["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}
    for name, resource in functions.items():
        assert resource["Properties"]["Handler"] == f"functions.handlers.{snake(name.removesuffix('Function'))}.handler"
        assert "Role" not in resource["Properties"], name  # SAM makes one for each
    handlers = {
        p.stem for p in (ROOT / "functions" / "handlers").glob("*.py") if "\nhandler = lambda_handler(" in p.read_text()
    }
    assert handlers == {snake(name.removesuffix("Function")) for name in functions}


EXAMPLES = sorted((ROOT / "statemachine" / "examples").glob("*.json"))
SCHEMA = Draft202012Validator(json.loads((ROOT / "statemachine" / "input.schema.json").read_text()))


def inputs(example: Path) -> list[dict[str, Any]]:
    """Return the inputs in an example: itself, or the details of the events in it."""
    read = json.loads(example.read_text())
    return [json.loads(entry["Detail"]) for entry in read] if isinstance(read, list) else [read]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_schema_and_model_accept_the_examples(example: Path) -> None:
    """A copied example works; fields that the deployment fills in may be absent."""
    filled = {
        "CertificateAuthorityArn": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a",
        "TrustStoreArns": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/b"],
    }
    for event in inputs(example):
        SCHEMA.validate(event)
        request.RevocationRequest.model_validate(event if "Crl" in event else {**filled, **event})


@pytest.mark.parametrize(
    "wrong", [{}, {"Serials": ["0xa1"], "Reconcile": True}, {"Reconcile": False}, {"Serial": "0xa1"}]
)
def test_schema_refuses_what_the_model_refuses(wrong: dict[str, Any]) -> None:
    """Serials or Reconcile, and not both."""
    assert not SCHEMA.is_valid(wrong)


def test_event_in_the_readme_is_the_example() -> None:
    """The command in the README holds the event of the example file, so what is copied is tested."""
    shown = re.search(r"put-events --entries '(\[.*?\])'", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1]) == json.loads((ROOT / "statemachine" / "examples" / "put-events.json").read_text())


def test_every_rule_retries_and_has_a_dead_letter_queue() -> None:
    """An event that cannot be delivered within a day is kept and raises an alarm."""
    rules = [
        (name, event)
        for name, resource in TEMPLATE["Resources"].items()
        for event in resource["Properties"].get("Events", {}).values()
    ]
    assert len(rules) == 6
    for name, event in rules:
        assert event["Properties"]["RetryPolicy"]["MaximumRetryAttempts"] == 185, name
        assert event["Properties"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}}, name


ALARMS = {n: r["Properties"] for n, r in TEMPLATE["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_names_its_instructions(name: str) -> None:
    """Its description names a heading of infra/README.md, and its action is the topic."""
    heading = f"Alarm: {name.removesuffix('Alarm')}"
    assert f"infra/README.md, '{heading}'" in ALARMS[name]["AlarmDescription"]
    assert f"\n### {heading}\n" in (ROOT / "infra" / "README.md").read_text()
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"] == [{"Ref": "NotificationTopic"}]


def test_alarms_and_dashboard_use_metrics_that_the_functions_emit() -> None:
    """An alarm on a misspelled metric would never be raised."""
    watched = {a["MetricName"] for a in ALARMS.values() if a.get("Namespace") == metrics.NAMESPACE}
    body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    drawn = {m[1] for w in json.loads(body)["widgets"] for m in w["properties"]["metrics"] if m[0] == metrics.NAMESPACE}
    assert watched <= drawn
    assert drawn == set(metrics.UNITS)
