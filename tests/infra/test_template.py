"""CloudFormation's short forms are read as the long ones, and the project's template can be read."""

import tomllib
from pathlib import Path

import pytest
import yaml

from functions.version import VERSION
from infra.template import Node, load_template


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        ("!Ref Bucket", {"Ref": "Bucket"}),
        ("!Condition IsMain", {"Condition": "IsMain"}),
        ("!GetAtt Bucket.Arn", {"Fn::GetAtt": ["Bucket", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!GetAtt [Bucket, Arn]", {"Fn::GetAtt": ["Bucket", "Arn"]}),
        ("!Sub ${Bucket}/*", {"Fn::Sub": "${Bucket}/*"}),
        ("!If [IsMain, !Ref Bucket, ~]", {"Fn::If": ["IsMain", {"Ref": "Bucket"}, None]}),
        ("!Transform {Name: AWS::Include}", {"Fn::Transform": {"Name": "AWS::Include"}}),
    ],
)
def test_short_form_is_expanded(tmp_path: Path, short: str, expected: Node) -> None:
    """`!Name x` becomes `{"Fn::Name": x}`; Ref and Condition have no prefix."""
    path = tmp_path / "template.yaml"
    path.write_text(f"Value: {short}\n")
    assert load_template(path) == {"Value": expected}


def test_python_objects_are_refused(tmp_path: Path) -> None:
    """The loader is a safe one: YAML's tags for Python objects construct nothing."""
    path = tmp_path / "template.yaml"
    path.write_text("Value: !!python/name:os.system\n")
    with pytest.raises(yaml.constructor.ConstructorError):
        load_template(path)


def test_projects_template_is_the_default() -> None:
    """Deploying and the tools read it without naming it."""
    assert "RevocationStateMachine" in load_template()["Resources"]


def test_one_version() -> None:
    """The stack shows the version of its functions, which is the project's and is in the change log."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert load_template()["Outputs"]["Version"]["Value"] == project["version"] == VERSION
    assert f"\n## {VERSION}\n" in (root / "CHANGELOG.md").read_text()
