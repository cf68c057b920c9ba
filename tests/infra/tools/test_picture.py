"""The pictures show the state machine as it is: compared with its definition, by their elements' ids."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from infra.tools import picture
from infra.tools.definition import DEFINITION

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = json.loads(DEFINITION.read_text())


def groups(svg: str) -> dict[str, str]:
    """Return the classes of the elements with an id, by id."""
    root = ET.fromstring(svg)  # noqa: S314 - our own
    return {element.attrib["id"]: element.attrib["class"] for element in root.iter(f"{SVG}g")}


def flatten(machine: dict[str, Any]) -> dict[str, Any]:
    """Return all states by name, those of Maps too."""
    inner = [flatten(state["ItemProcessor"]) for state in machine["States"].values() if "ItemProcessor" in state]
    return {**machine["States"], **{name: state for states in inner for name, state in states.items()}}


def targets(state: dict[str, Any]) -> set[str]:
    """Return every state that can follow."""
    found = {each["Next"] for each in [*state.get("Choices", []), *state.get("Catch", [])]}
    return found | {state[field] for field in ("Next", "Default") if field in state}


def test_every_state_and_transition_is_drawn() -> None:
    """None is missing, and none is made up."""
    states = flatten(MACHINE)
    expected = {name: state["Type"] for name, state in states.items()}
    drawn = groups(picture.draw())
    assert {name: kind for name, kind in drawn.items() if "--" not in name} == expected
    transitions = {f"{name}--{target}" for name, state in states.items() for target in targets(state)}
    assert {name for name in drawn if "--" in name} == transitions


def test_failures_are_marked() -> None:
    """A transition that only a Catch makes is drawn in another colour."""
    drawn = groups(picture.draw())
    assert (drawn["FindCrl--ReportRevocation"], drawn["FindCrl--IsCrlUsable"]) == ("failure", "transition")


@pytest.mark.parametrize("label", ["DryRun", "Status COMPLETE or PARTIAL", "NumberMissing 0"])
def test_conditions_are_shown(label: str) -> None:
    """A Choice's conditions stand at its transitions."""
    assert label in picture.draw()


def test_the_main_path_has_ten_states() -> None:
    """It is drawn without the states that only decide, and leads back to the poll and to the attaching."""
    drawn = groups(picture.draw_main_path())
    assert [name for name in flatten(MACHINE) if name in drawn] == [
        name for name in flatten(MACHINE) if name in picture.MAIN_PATH
    ]
    assert {"PrepareRevocation--RevokeCertificate", "WaitForCrl--FindCrl", "RemoveSupersededCrls--AttachCrl"} <= set(
        drawn
    )
    assert not {"PrepareRevocation--ConvertCrl", "FindCrl--AttachCrl"} & set(drawn)
