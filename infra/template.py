"""Reads `template.yaml`, CloudFormation's short forms included."""

from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).with_name("template.yaml")
Node = Any  # dicts, lists and scalars: what a template consists of


class _Loader(yaml.CSafeLoader):
    """YAML with `!Ref`, `!GetAtt` and the other short forms."""


def _expand_short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Node:
    value: Node
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type] # the third kind there is
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _expand_short_form)


def load_template(path: Path = TEMPLATE) -> dict[str, Node]:
    """Return a template as parsed YAML, with `{"Ref": …}` and `{"Fn::…": …}` in place of the short forms."""
    template: dict[str, Node] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader's subclass
    return template
