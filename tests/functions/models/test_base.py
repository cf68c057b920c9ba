"""Every document of the room: AWS's names in JSON, no unknown fields, and no change."""

import inspect

import pytest
from pydantic import BaseModel

from functions.models import drift, report, request, states
from functions.models.base import Model

MODELS = [
    model
    for module in (drift, report, request, states)
    for _, model in inspect.getmembers(module, inspect.isclass)
    if issubclass(model, Model) and model.__module__ == module.__name__
]


@pytest.mark.parametrize("model", MODELS)
def test_model_is_closed_and_frozen(model: type[BaseModel]) -> None:
    """An unknown field is refused, but for those of a later version's report; and a model cannot be changed."""
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"] is True


@pytest.mark.parametrize("model", MODELS)
def test_names_are_aws_names(model: type[BaseModel]) -> None:
    """A payload can be pasted into the AWS CLI."""
    for name, field in model.model_fields.items():
        outside = field.serialization_alias or name
        assert outside[0].isupper()
        assert outside.lower() == name.replace("_", "")
