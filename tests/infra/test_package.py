"""The package can be deployed with the AWS CLI alone, and is the same each time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions.pki import serial_number
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from infra.package import package
from tests.support.waiting import eventually

AWS = Path(sys.executable).parent / "aws"


@pytest.mark.usefixtures("embedded_aws")  # which builds
def test_same_bytes_each_time(tmp_path: Path) -> None:
    """The checksums are those of the files, and equal in a second package."""
    files, again = package(tmp_path / "one"), package(tmp_path / "two")
    assert [each.name for each in files] == [each.name for each in again]
    assert [each.read_bytes() for each in files] == [each.read_bytes() for each in again]
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "one", capture_output=True, text=True, check=True
    )
    assert checked.stdout.count(": OK") == len(files) - 1


@pytest.mark.slow("three runs of the AWS CLI, and a whole stack")
def test_deployed_by_the_aws_cli(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Copied to a bucket and deployed as infra/README.md says, it revokes."""
    authority = PrivateCa.create_root(aws, "Root")
    store = create_trust_store(aws, "clients", [authority])
    aws.client("s3").create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": aws.settings.region}
    )
    package(tmp_path)
    overrides = {
        "ArtifactBucket": "artifacts",
        "ArtifactPrefix": "revocation/",
        "CertificateAuthorityArn": authority.arn,
        "TrustStoreArns": store,
        "PollIntervalSeconds": "1",
        "DeadlineSeconds": "60",
    }
    for command in (
        ["s3", "cp", "--quiet", "--recursive", ".", "s3://artifacts/revocation/"],
        [
            *("cloudformation", "deploy", "--template-file", "template.yaml", "--stack-name", "packaged"),
            *("--s3-bucket", "artifacts", "--capabilities", "CAPABILITY_IAM", "--parameter-overrides"),
            *(f"{name}={value}" for name, value in overrides.items()),
        ],
    ):
        environment = {**os.environ, **aws.environment()}
        ran = subprocess.run(
            [AWS, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    described = aws.client("cloudformation").describe_stacks(StackName="packaged")["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    authority.publish_crls_to(outputs["CrlBucketName"])
    aws.settings.private_ca.crl_delay_seconds = 0.3
    client = authority.issue_client(tmp_path, "client")
    stepfunctions = aws.client("stepfunctions")
    arn = stepfunctions.start_execution(
        stateMachineArn=outputs["StateMachineArn"],
        input=json.dumps({"Serials": [serial_number.to_hex(client.serial)]}),
    )["executionArn"]
    eventually(lambda: stepfunctions.describe_execution(executionArn=arn)["status"] != "RUNNING" or None, every=0.2)
    ended = stepfunctions.describe_execution(executionArn=arn)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
