"""The defaults of the template's parameters and of the functions' environment."""

import pytest
from pydantic.alias_generators import to_pascal

from functions.environment import Environment
from infra.template import load_template

PARAMETERS = load_template()["Parameters"]
# A list in a template is one text, and an ARN there has no default.
NUMBERS = {name: field.default for name, field in Environment.model_fields.items() if field.annotation in (int, float)}


@pytest.mark.parametrize("name", NUMBERS)
def test_default_of_the_environment_is_that_of_the_template(name: str) -> None:
    """A function that runs without a variable behaves as a stack that was deployed without the parameter."""
    assert PARAMETERS[to_pascal(name)]["Default"] == NUMBERS[name]
