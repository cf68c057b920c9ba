"""CloudFormation's short forms are read as the long ones, and the project's template can be read."""

import tomllib
from pathlib import Path

import pytest
import yaml

from functions.version import VERSION
from infra.local.cloudformation.deploy import destroy
from infra.local.lab.lab import STACK, deployed_lab
from infra.local.server import EmbeddedAws
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


@pytest.mark.parametrize("key", ["", "arn:aws:kms:eu-central-1:123456789012:key/mine"])
def test_encryption_and_retention(aws: EmbeddedAws, tmp_path: Path, key: str) -> None:
    """With a key, buckets and topic use it, and each function's role may; reports expire if wanted."""
    with deployed_lab(aws, tmp_path / "pki", KmsKeyArn=key, ReportRetentionDays="90" if key else "0") as lab:
        s3 = aws.client("s3")
        for name in ("CrlBucketName", "WorkflowBucketName", "InputBucketName"):
            (rule,) = s3.get_bucket_encryption(Bucket=lab.outputs[name])["ServerSideEncryptionConfiguration"]["Rules"]
            wanted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
            assert rule["ApplyServerSideEncryptionByDefault"] == wanted
        topic = aws.client("sns").get_topic_attributes(TopicArn=lab.outputs["NotificationTopicArn"])["Attributes"]
        assert topic.get("KmsMasterKeyId", "") == key
        roles = [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"] if "Function" in each["RoleName"]]
        assert len(roles) == len(aws.client("lambda").list_functions()["Functions"])
        allowed = [aws.client("iam").list_role_policies(RoleName=role)["PolicyNames"] for role in roles]
        assert {"KmsKey" in names for names in allowed} == {bool(key)}
        rules = s3.get_bucket_lifecycle_configuration(Bucket=lab.outputs["WorkflowBucketName"])["Rules"]
        assert [rule["Expiration"]["Days"] for rule in rules if rule.get("ID") == "Reports"] == [90] * bool(key)
        destroy(aws, STACK)
