"""The structure of the state machine, of which the local engine checks little."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions import errors, limits, metrics
from functions.models import request
from functions.models import states as contracts
from functions.models.base import Model
from functions.revocation import batches as outcomes
from infra.template import load_template

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "statemachine" / "revocation.asl.json").read_text())
TEMPLATE = load_template()
# What Step Functions and Lambda raise by themselves.
BUILT_IN = re.compile(r"States\.(ALL|Timeout)|Lambda\.\w+|Sandbox\.Timedout")


def machines(machine: dict[str, Any] = DEFINITION) -> Iterator[dict[str, Any]]:
    """Give the state machine and those inside its Maps."""
    yield machine
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


STATES = {name: state for machine in machines() for name, state in machine["States"].items()}
TELLING = ("NotifyWaiting", "NotifyOutcome")
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def targets(state: dict[str, Any]) -> set[str]:
    """Give the states that may come next."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way["Next"] for way in ways if "Next" in way} | ({state["Default"]} if "Default" in state else set())


def snake(name: str) -> str:
    """Give a state's name as its file is called."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("machine", list(machines()), ids=lambda machine: machine["StartAt"])
def test_all_states_are_reachable_and_every_next_resolves(machine: dict[str, Any]) -> None:
    """No state is named that is not there, and none is there that is never reached."""
    reached, ahead = set(), {machine["StartAt"]}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= targets(machine["States"][name]) - reached
    assert reached == set(machine["States"])


def test_every_state_says_what_it_does_in_one_sentence() -> None:
    """The console shows the Comment."""
    assert all(re.fullmatch(r"[A-Z].*\.", state["Comment"]) for state in STATES.values())


def test_every_task_is_bounded_and_retries_transient_lambda_errors() -> None:
    """A Task without TimeoutSeconds can hang; one without the Retry dies of a hiccup."""
    for name, task in TASKS.items():
        assert task["TimeoutSeconds"] <= 900, name
        assert task["Retry"][0] == TASKS["FindCrl"]["Retry"][0], name
        for retry in task["Retry"]:
            assert retry["MaxDelaySeconds"], name
            # After an unclear add, a wait that jitter cuts short could end before the list is to be seen.
            whole = retry["ErrorEquals"] == ["RevocationAddUnclear"]
            assert retry.get("JitterStrategy") == (None if whole else "FULL"), name


def test_every_task_and_map_has_a_way_to_the_report() -> None:
    """A failure that a state machine can catch leads, over whatever Pass, to ReportRevocation; a plan is a report."""
    inner = {name for machine in list(machines())[1:] for name in machine["States"]}
    for name, state in STATES.items():
        if state["Type"] in ("Task", "Map") and name not in ("ReportRevocation", "PlanRevocation", *TELLING):
            caught = state["Catch"][-1]
            assert caught["ErrorEquals"] == ["States.ALL"], name
            assert caught["Next"] == "ReportRevocation" or (name in inner and STATES[caught["Next"]]["Type"] == "Pass")


@pytest.mark.parametrize("name", ["NotifyWaiting", "NotifyOutcome"])
def test_whom_nobody_could_be_told_the_execution_goes_on(name: str) -> None:
    """That people could not be told holds up neither the block nor the verdict."""
    (caught,) = STATES[name]["Catch"]
    assert caught == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.NotNotified", "Next": STATES[name]["Next"]}


def test_every_error_name_is_a_class_or_built_in() -> None:
    """A misspelt ErrorEquals never matches, silently."""
    for name, state in STATES.items():
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]:
            for error in handler["ErrorEquals"]:
                known = inspect.isclass(getattr(errors, error, None)) or BUILT_IN.fullmatch(error)
                assert known, f"{name}: {error}"


QUESTIONS: dict[str, type[Model]] = {
    "PrepareRevocation": request.ExecutionInput,
    "RevokeCertificate": contracts.RevokeCertificateInput,
    "PlanRevocation": request.ExecutionInput,
    "RevokeBatch": contracts.RevokeBatchInput,
    "FindCrl": contracts.FindCrlInput,
    "ConvertCrl": contracts.ConvertCrlInput,
    "AttachCrl": contracts.EnforceInput,
    "VerifyRevocation": contracts.EnforceInput,
    "RemoveSupersededCrls": contracts.EnforceInput,
    "ReportRevocation": contracts.ReportInput,
    "DetectDrift": contracts.DetectDriftInput,
    "NotifyWaiting": contracts.NotifyWaitingInput,
    "NotifyOutcome": contracts.NotifyOutcomeInput,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_payload_keys_are_the_contracts_fields(name: str) -> None:
    """What a state sends is exactly what its function takes."""
    selector = next(
        (s["ItemSelector"] for s in STATES.values() if name in s.get("ItemProcessor", {}).get("States", {})), None
    )
    payload = TASKS[name].get("Parameters", selector)
    assert payload is not None
    fields = {field.alias for field in QUESTIONS[name].model_fields.values()}
    assert {key.removesuffix(".$") for key in payload} == fields


def test_a_state_its_file_and_its_resource_share_a_name() -> None:
    """One search finds state, file, resource and substitution."""
    for name, task in TASKS.items():
        assert task["Resource"] == f"${{{name}FunctionArn}}"
        handler = TEMPLATE["Resources"][f"{name}Function"]["Properties"]["Handler"]
        assert handler == f"functions.handlers.{snake(name)}.handler"
        assert (ROOT / "functions" / "handlers" / f"{snake(name)}.py").exists()
    substitutions = TEMPLATE["Resources"]["RevocationStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(substitutions) == {f"{name}FunctionArn" for name in TASKS}


def test_payloads_of_the_largest_list_stay_far_below_the_limit() -> None:
    """500 long serials, each with a reason of its own and the longest error code, fill two thirds of 256 KiB."""
    serial, at = ":".join(["ff"] * 20), "2026-01-01T00:00:00Z"
    one = {"Serial": serial, "Outcome": "ALREADY_REVOKED", "At": at, "Error": "ConcurrentModificationException"}
    wanted = {"Serial": serial, "RevocationReason": "CERTIFICATE_AUTHORITY_COMPROMISE"}
    longest = limits.MAX_INLINE_SERIALS
    state = {"Prepared": {"Serials": [wanted] * longest}, "Revocations": [one] * longest}
    assert len(json.dumps(state)) < 172 * 1024


def test_a_long_list_is_small_in_the_state_and_in_the_history() -> None:
    """100,000 serials are numbers of batches and their counts, and each batch is one task, busy retries included."""
    batches = outcomes.batches(limits.MAX_SERIALS)
    done = {"Batch": 249, "Revoked": 399, "AlreadyRevoked": 399, "Expired": 399, "Failed": 399, "Error": "x" * 40}
    state = {"Prepared": {"Batches": batches}, "Batches": [done] * len(batches)}
    assert len(json.dumps(state)) < 64 * 1024
    busy = next(r for r in TASKS["RevokeBatch"]["Retry"] if "CertificateAuthorityBusy" in r["ErrorEquals"])
    assert len(batches) * (8 + 3 * busy["MaxAttempts"]) < 7_000  # test below: the wait needs the rest
    assert outcomes.batches(limits.MAX_INLINE_SERIALS) == []
    assert outcomes.batches(limits.MAX_INLINE_SERIALS + 1) == [0, 1]


def test_the_history_of_the_longest_wait_stays_below_its_limit() -> None:
    """The longest list with every throttled retry, the most looks, and a CRL each half hour for 12 hours fit 25,000."""
    busy = next(r for r in TASKS["RevokeCertificate"]["Retry"] if "CertificateAuthorityBusy" in r["ErrorEquals"])
    revoking = limits.MAX_INLINE_SERIALS * (7 + 3 * busy["MaxAttempts"])
    looking = limits.MAX_POLLS * 14  # FindCrl 5, two Choices 4, Wait 2, and a hiccup each
    enforcing = 24 * (9 + 26 * 10)  # ConvertCrl and Choice, then ten trust stores
    assert revoking + looking + enforcing < limits.MAX_EXECUTION_EVENTS


def test_every_function_is_a_file_and_has_a_role_of_its_own() -> None:
    """Also those that events start: the resource, the file and the handler share a name."""
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
    """Give the inputs in an example: itself, or the details of the events in it."""
    read = json.loads(example.read_text())
    return [json.loads(entry["Detail"]) for entry in read] if isinstance(read, list) else [read]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_inputs_that_the_schema_and_the_contract_take(example: Path) -> None:
    """What somebody copies works; what the deployment fills in may be absent."""
    filled = {
        "CertificateAuthorityArn": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a",
        "TrustStoreArns": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/b"],
    }
    for given in inputs(example):
        SCHEMA.validate(given)
        request.RevocationRequest.model_validate(given if "Crl" in given else {**filled, **given})


@pytest.mark.parametrize(
    "wrong", [{}, {"Serials": ["0xa1"], "Reconcile": True}, {"Reconcile": False}, {"Serial": "0xa1"}]
)
def test_the_schema_refuses_what_the_contract_refuses(wrong: dict[str, Any]) -> None:
    """Serials or Reconcile, by name and not both."""
    assert not SCHEMA.is_valid(wrong)


def test_the_readmes_event_is_the_example() -> None:
    """The command in the README is what the example's file holds, so what is tested is what is copied."""
    shown = re.search(r"put-events --entries '(\[.*?\])'", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1]) == json.loads((ROOT / "statemachine" / "examples" / "put-events.json").read_text())


def test_every_rule_retries_and_has_a_dead_letter_queue() -> None:
    """What cannot be delivered for a day is kept and rings an alarm."""
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
def test_every_alarm_says_where_it_is_told_what_to_do(name: str) -> None:
    """Its description names a heading of infra/README.md, and it tells the topic."""
    heading = f"Alarm: {name.removesuffix('Alarm')}"
    assert f"infra/README.md, '{heading}'" in ALARMS[name]["AlarmDescription"]
    assert f"\n### {heading}\n" in (ROOT / "infra" / "README.md").read_text()
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"] == [{"Ref": "NotificationTopic"}]


def test_alarms_and_dashboard_watch_metrics_that_the_functions_emit() -> None:
    """A misspelt metric is silent for ever."""
    watched = {a["MetricName"] for a in ALARMS.values() if a.get("Namespace") == metrics.NAMESPACE}
    body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    drawn = {m[1] for w in json.loads(body)["widgets"] for m in w["properties"]["metrics"] if m[0] == metrics.NAMESPACE}
    assert watched <= drawn
    assert drawn == set(metrics.UNITS)
