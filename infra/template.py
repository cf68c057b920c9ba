"""Reads `template.yaml`, CloudFormation's short forms included."""

from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor

TEMPLATE = Path(__file__).with_name("template.yaml")
Node = Any  # dicts, lists and scalars: what a template consists of


class _Loader(yaml.CSafeLoader):
    """YAML with `!Ref`, `!GetAtt` and the other short forms."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def load_template(path: Path = TEMPLATE) -> dict[str, Node]:
    """Return a template as parsed YAML, with `{"Ref": …}` and `{"Fn::…": …}` in place of the short forms."""
    template: dict[str, Node] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader's subclass
    return template
