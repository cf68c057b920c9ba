"""A definition that AWS refuses is refused with its code, its message and the place of the fault."""

import json
import re
from typing import Any

import pytest

from infra.local.server import EmbeddedAws
from infra.local.stepfunctions.definition import find_faults
from infra.template import TEMPLATE
from tests.support import sandbox

PASS, SUCCEED = {"Type": "Pass", "End": True}, {"Type": "Succeed"}
NEXT = "MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere at "
CHOICE = {"Variable": "$.a", "IsPresent": True, "Next": "Nowhere"}


def definition(first: dict[str, Any], **others: dict[str, Any]) -> str:
    """Return a definition that starts at `First`."""
    return json.dumps({"StartAt": "First", "States": {"First": first, **others}})


TASK = {"Type": "Task", "Resource": "arn:aws:lambda:eu-central-1:123456789012:function:f", "End": True}
INNER = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "Next": "Nowhere"}, "End": SUCCEED}}
CASES = {
    definition(PASS): [],
    definition({"Type": "Pass", "Next": "Nowhere"}, End=SUCCEED): [
        NEXT + "/States/First/Next",
        'MISSING_TRANSITION_TARGET: State "End" is not reachable. at /States/End',
    ],
    definition({"Type": "Choice", "Choices": [CHOICE], "Default": "End"}, End=SUCCEED): [
        NEXT + "/States/First/Choices[0]/Next"
    ],
    definition({"Type": "Choice", "Choices": [CHOICE | {"Next": "End"}], "Default": "Nowhere"}, End=SUCCEED): [
        NEXT + "/States/First/Default"
    ],
    definition(TASK | {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Nowhere"}]}): [
        NEXT + "/States/First/Catch[0]/Next"
    ],
    definition({"Type": "Map", "ItemProcessor": INNER, "End": True}): [
        NEXT + "/States/First/ItemProcessor/States/Inner/Next",
        'MISSING_TRANSITION_TARGET: State "End" is not reachable. at /States/First/ItemProcessor/States/End',
    ],
    json.dumps({"StartAt": "Nowhere", "States": {"First": PASS}}): [
        NEXT + "/StartAt",
        'MISSING_TRANSITION_TARGET: State "First" is not reachable. at /States/First',
    ],
    definition({"Type": "Pass", "Next": "First"}): ["MISSING_END_STATE: Workflow has no terminal state"],
    json.dumps({"States": {"First": PASS}}): ["SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /"],
    "[]": ["SCHEMA_VALIDATION_FAILED: The definition is not an object"],
}


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_faults(text: str, expected: list[str]) -> None:
    """Each transition that leads nowhere is named, and each state that none leads to."""
    assert [str(fault) for fault in find_faults(text)] == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "INVALID_JSON_DESCRIPTION"),
        (" " * 1_048_577, "DEFINITION_TOO_LONG"),
        (definition({"Type": "Nonsense"}), "SCHEMA_VALIDATION_FAILED"),
    ],
)
def test_other_faults(text: str, code: str) -> None:
    """A text that is not a definition has one fault."""
    assert [fault.code for fault in find_faults(text)] == [code]


def test_own_definition_has_no_fault() -> None:
    """The state machine of this project passes."""
    file = TEMPLATE.parent.parent / "statemachine/revocation.asl.json"
    function = "arn:aws:lambda:eu-central-1:123456789012:function:f"
    assert find_faults(re.sub(r"\$\{\w+\}", function, file.read_text())) == []


def test_create_and_update_refuse_and_validate_answers(aws: EmbeddedAws) -> None:
    """All three check the same."""
    client, bad = aws.client("stepfunctions"), definition({"Type": "Pass", "Next": "Nowhere"}, End=SUCCEED)
    arn = sandbox.machine(aws, {"Only": SUCCEED})
    role = client.describe_state_machine(stateMachineArn=arn)["roleArn"]
    message = "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere"
    with pytest.raises(client.exceptions.InvalidDefinition, match=message):
        client.create_state_machine(name="bad", definition=bad, roleArn=role)
    with pytest.raises(client.exceptions.InvalidDefinition, match=message):
        client.update_state_machine(stateMachineArn=arn, definition=bad)
    answer = client.validate_state_machine_definition(definition=bad)
    assert (answer["result"], answer["diagnostics"][0]["location"]) == ("FAIL", "/States/First/Next")
    assert client.validate_state_machine_definition(definition=definition(PASS))["result"] == "OK"
