"""The structure of the state machine, of which the local engine checks little."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions import contracts, errors

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "statemachine" / "revocation.asl.json").read_text())
# What Step Functions and Lambda raise by themselves.
BUILT_IN = re.compile(r"States\.(ALL|Timeout)|Lambda\.\w+|Sandbox\.Timedout")


def machines(machine: dict[str, Any] = DEFINITION) -> Iterator[dict[str, Any]]:
    """Give the state machine and those inside its Maps."""
    yield machine
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


STATES = {name: state for machine in machines() for name, state in machine["States"].items()}
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
    """A failure that a state machine can catch leads, over whatever Pass, to ReportRevocation."""
    inner = {name for machine in list(machines())[1:] for name in machine["States"]}
    for name, state in STATES.items():
        if state["Type"] in ("Task", "Map") and name != "ReportRevocation":
            caught = state["Catch"][-1]
            assert caught["ErrorEquals"] == ["States.ALL"], name
            assert caught["Next"] == "ReportRevocation" or (name in inner and STATES[caught["Next"]]["Type"] == "Pass")


def test_every_error_name_is_a_class_or_built_in() -> None:
    """A misspelt ErrorEquals never matches, silently."""
    for name, state in STATES.items():
        for handler in [*state.get("Retry", []), *state.get("Catch", [])]:
            for error in handler["ErrorEquals"]:
                known = inspect.isclass(getattr(errors, error, None)) or BUILT_IN.fullmatch(error)
                assert known, f"{name}: {error}"


QUESTIONS: dict[str, type[contracts.Model]] = {
    "PrepareRevocation": contracts.ExecutionInput,
    "RevokeCertificate": contracts.RevokeCertificateInput,
    "FindCrl": contracts.FindCrlInput,
    "ConvertCrl": contracts.ConvertCrlInput,
    "AttachCrl": contracts.EnforceInput,
    "VerifyRevocation": contracts.EnforceInput,
    "RemoveSupersededCrls": contracts.EnforceInput,
    "ReportRevocation": contracts.ReportInput,
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
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda *_: None)  # type: ignore[attr-defined]
    template = yaml.load((ROOT / "infra" / "template.yaml").read_text(), loader)  # noqa: S506 - a SafeLoader
    for name, task in TASKS.items():
        assert task["Resource"] == f"${{{name}FunctionArn}}"
        handler = template["Resources"][f"{name}Function"]["Properties"]["Handler"]
        assert handler == f"functions.{snake(name)}.handler"
        assert (ROOT / "functions" / f"{snake(name)}.py").exists()
    substitutions = template["Resources"]["RevocationStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert set(substitutions) == {f"{name}FunctionArn" for name in TASKS}


def test_payloads_of_the_largest_list_stay_far_below_the_limit() -> None:
    """500 serials of 20 octets, each failed with the longest error code, fill less than half of 256 KiB."""
    serial, at = ":".join(["ff"] * 20), "2026-01-01T00:00:00Z"
    one = {"Serial": serial, "Outcome": "ALREADY_REVOKED", "At": at, "Error": "ConcurrentModificationException"}
    state = {"Prepared": {"Serials": [serial] * contracts.MAX_INLINE_SERIALS}, "Revocations": [one] * 500}
    assert len(json.dumps(state)) < 128 * 1024


def test_the_history_of_the_longest_wait_stays_below_its_limit() -> None:
    """The longest list with every throttled retry, the most looks, and a CRL each half hour for 12 hours fit 25,000."""
    busy = next(r for r in TASKS["RevokeCertificate"]["Retry"] if "CertificateAuthorityBusy" in r["ErrorEquals"])
    revoking = contracts.MAX_INLINE_SERIALS * (7 + 3 * busy["MaxAttempts"])
    looking = contracts.MAX_POLLS * 12  # FindCrl 5, Choice 2, Wait 2, and a hiccup each
    enforcing = 24 * (9 + 26 * 10)  # ConvertCrl and Choice, then ten trust stores
    assert revoking + looking + enforcing < 25_000
