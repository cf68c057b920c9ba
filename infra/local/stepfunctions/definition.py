"""Check a definition as CreateStateMachine does: its grammar, and that its transitions lead somewhere.

The codes, messages and places are those of AWS (aws: step-functions, ValidateStateMachineDefinition).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from infra.local.core.requests import ServiceError

MAX_DEFINITION_CHARACTERS = 1_048_576
_TERMINAL_TYPES = {"Succeed", "Fail"}


@dataclass(frozen=True)
class Diagnostic:
    """A fault of a definition; its location is empty where the definition as a whole has it."""

    code: str
    message: str
    location: str = ""

    def __str__(self) -> str:
        """Return the fault as the message of InvalidDefinition lists it."""
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")


def require_valid(definition: str) -> None:
    """Refuse a definition that has a fault.

    Raises:
        ServiceError: InvalidDefinition, with each fault.

    """
    if faults := find_faults(definition):
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(map(str, faults))}'")


def find_faults(definition: str) -> list[Diagnostic]:
    """Return the faults of a definition, in the order in which AWS lists them."""
    if len(definition) > MAX_DEFINITION_CHARACTERS:
        return [Diagnostic("DEFINITION_TOO_LONG", f"More than {MAX_DEFINITION_CHARACTERS} characters")]
    try:
        machine = json.loads(definition)
    except ValueError as error:
        return [Diagnostic("INVALID_JSON_DESCRIPTION", str(error))]
    if not isinstance(machine, dict):
        return [Diagnostic("SCHEMA_VALIDATION_FAILED", "The definition is not an object")]
    if missing := [name for name in ("StartAt", "States") if name not in machine]:
        return [Diagnostic("SCHEMA_VALIDATION_FAILED", f"These fields are required: [{', '.join(missing)}]", "/")]
    try:
        AmazonStateLanguageParser.parse(definition)
    except Exception as error:  # noqa: BLE001 - whatever moto's parser raises, it cannot run this definition
        return [Diagnostic("SCHEMA_VALIDATION_FAILED", str(error) or repr(error))]
    return list(_faults_of_transitions(machine, ""))


def _faults_of_transitions(machine: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    states: Mapping[str, Mapping[str, Any]] = machine["States"]
    transitions = [(f"{place}/StartAt", machine["StartAt"])]
    for name, state in states.items():
        transitions += _transitions(state, f"{place}/States/{name}")
    for where, target in transitions:
        if target not in states:
            yield Diagnostic("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", where)
    if not any(state.get("End") or state["Type"] in _TERMINAL_TYPES for state in states.values()):
        yield Diagnostic("MISSING_END_STATE", "Workflow has no terminal state")
        return
    targets = {target for _, target in transitions}
    for name, state in states.items():
        here = f"{place}/States/{name}"
        if name not in targets:
            yield Diagnostic("MISSING_TRANSITION_TARGET", f'State "{name}" is not reachable.', here)
        for inner in ("ItemProcessor", "Iterator"):
            if inner in state:
                yield from _faults_of_transitions(state[inner], f"{here}/{inner}")
        for index, branch in enumerate(state.get("Branches", [])):
            yield from _faults_of_transitions(branch, f"{here}/Branches[{index}]")


def _transitions(state: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for field in ("Next", "Default"):
        if field in state:
            yield f"{place}/{field}", state[field]
    for field in ("Catch", "Choices"):
        for index, each in enumerate(state.get(field, [])):
            yield f"{place}/{field}[{index}]/Next", each["Next"]
