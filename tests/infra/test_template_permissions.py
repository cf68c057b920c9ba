"""Each action of the template's roles is one that AWS publishes, with resources of a type that the action has."""

import json
import subprocess
from pathlib import Path

import pytest

from infra import iam_policy
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("published_actions.py")
PYTHON = ROOT / ".tools" / "checkov" / "bin" / "python"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/mine"


def permissions(aws: EmbeddedAws) -> list[tuple[str, str, str]]:
    """Return what each role's own policies allow: role, action, resource."""
    iam = aws.client("iam")
    return [
        (role["RoleName"], action, resource)
        for role in iam.list_roles()["Roles"]
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        for statement in iam_policy.statements(
            iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
        )
        for action in iam_policy.as_list(statement["Action"])
        for resource in iam_policy.as_list(statement["Resource"])
    ]


def faults(listed: list[tuple[str, str, str]]) -> list[list[str]]:
    """Return the permissions that AWS would never match, each with the reason."""
    ran = subprocess.run([PYTHON, SCRIPT], input=json.dumps(listed), capture_output=True, text=True, check=True)
    found: list[list[str]] = json.loads(ran.stdout)
    return found


@pytest.mark.slow("a stack of its own, and AWS's list of actions")
def test_permissions_are_as_aws_publishes_them(aws: EmbeddedAws, tmp_path: Path) -> None:
    """With and without named trust stores and a key; what is wrong on purpose is found."""
    for key in ("", KEY):
        with deployed_lab(aws, tmp_path / "pki", KmsKeyArn=key, CrlBucketKmsKeyArn=key):
            listed = permissions(aws)
        aws.reset()
        assert len(listed) > 100
        assert faults(listed) == []
    wrong = [
        ("role", "s3:GetObjekt", "arn:aws:s3:::bucket/key"),
        ("role", "s3:GetObject", "arn:aws:s3:::bucket"),
        ("role", "sns:Publish", "*"),
        ("role", "elasticloadbalancing:DescribeTrustStores", "arn:aws:elasticloadbalancing:r:1:truststore/a/b"),
    ]
    assert [each[1] for each in faults(wrong)] == [action for _, action, _ in wrong]
