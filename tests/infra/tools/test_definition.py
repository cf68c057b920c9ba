"""A definition that is formatted means the same, on fewer lines."""

import json

from infra.tools.definition import DEFINITION, compact

LONG = "x" * 70


def test_the_definition_stays_the_same() -> None:
    """Formatting changes neither values nor their order, and is stable."""
    definition = json.loads(DEFINITION.read_text())
    text = compact(definition)
    assert json.dumps(json.loads(text)) == json.dumps(definition)
    assert compact(json.loads(text)) == text


def test_what_fits_is_on_one_line() -> None:
    """Short values are, in longer ones as well; a list of texts fills its lines."""
    assert compact({"a": [1, 2], "b": {}}) == '{"a": [1, 2], "b": {}}'
    assert compact([LONG, LONG]) == f'[\n  "{LONG}",\n  "{LONG}"\n]'
    assert compact(["x" * 40] * 3) == f'[\n  "{"x" * 40}", "{"x" * 40}",\n  "{"x" * 40}"\n]'
    assert compact({"a": LONG, "b": {"c": LONG}}) == f'{{\n  "a": "{LONG}",\n  "b": {{"c": "{LONG}"}}\n}}'


def test_each_field_of_a_state_has_its_line() -> None:
    """They are looked up by name."""
    assert compact({"Type": "Pass", "Comment": LONG, "Next": LONG}).count("\n") == 4
