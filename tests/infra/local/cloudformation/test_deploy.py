"""A template is deployed completely, or the deployment fails and names what is not supported."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.build import BUILD
from infra.local.cloudformation.deploy import deploy, destroy
from infra.local.cloudformation.intrinsics import InvalidTemplate, Resolver
from infra.local.cloudformation.resource import UnsupportedFeature
from infra.local.cloudformation.resources.registry import LIMITATIONS, RESOURCE_TYPES
from infra.local.iam import enforcement
from infra.local.server import EmbeddedAws
from infra.template import load_template
from tests.support import sandbox

SAMPLE = Path(__file__).with_name("sample.yaml")
SOURCE = """
import os, boto3, pydantic
def handler(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="report", Body=b"")
    return {"environment": dict(os.environ), "pydantic": pydantic.__file__}
"""
MACHINE = {"StartAt": "Sample", "States": {"Sample": {"Type": "Task", "Resource": "${SampleFunctionArn}", "End": True}}}

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Return the sample template, in a folder with its files."""
    (tmp_path / "functions.zip").write_bytes(sandbox.zipped(SOURCE))
    (tmp_path / "layer-host.zip").write_bytes((BUILD / "layer-host.zip").read_bytes())
    (tmp_path / "machine.asl.json").write_text(json.dumps(MACHINE))
    template = tmp_path / "template.yaml"
    template.write_text(SAMPLE.read_text())
    return template


def write_changed(sample: Path, change: Change) -> Path:
    """Write the template after a change, as JSON, which YAML includes, and return its path."""
    template = load_template(sample)
    change(template)
    sample.write_text(json.dumps(template))
    return sample


def test_deployed_workflow_runs(aws: EmbeddedAws, sample: Path) -> None:
    """The state machine invokes the function with its layer, environment and role."""
    outputs = deploy(aws, sample, {"Level": "high"}, "stack")
    execution = sandbox.start(aws, outputs["MachineArn"])
    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    expected = {
        "BUCKET": outputs["Bucket"],
        "LISTS": "30",
        "SECOND": "two",
        "JOINED": "eu-central-1-a-up",
        "LITERAL": f"${{Not}} own arn:aws:s3:::{outputs['Bucket']}",
        "FLAG": "true",
    }
    assert {name: output["environment"].get(name) for name in expected} == expected
    assert "KEY" not in output["environment"]
    assert output["pydantic"].endswith("python/pydantic/__init__.py")
    used = {(role.split("-")[1], action) for role, action, _ in enforcement.used_permissions()}
    assert used >= {("SampleFunctionRole", "s3:PutObject"), ("SampleMachineRole", "lambda:InvokeFunction")}


def test_resources_have_their_properties(aws: EmbeddedAws, sample: Path) -> None:
    """Every resource, read back through AWS's own API, is as the template defines it."""
    outputs = deploy(aws, sample, {}, "stack")
    stack = aws.stacks["stack"].resources
    s3, bucket = aws.client("s3"), outputs["Bucket"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (rule["ID"], rule["Expiration"], rule["Filter"]) == ("old", {"Days": 400}, {"Prefix": "executions/"})
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "security"}]

    function = aws.client("lambda").get_function(FunctionName=stack["SampleFunction"][1].ref)
    configuration = function["Configuration"]
    assert (configuration["Handler"], configuration["Timeout"]) == ("app.handler", 10)
    assert configuration["Architectures"] == ["arm64"]
    assert configuration["TracingConfig"] == {"Mode": "Active"}
    assert len(configuration["Layers"]) == 1
    assert function["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert function["Tags"] == {"lambda:createdBy": "SAM"}

    (group,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/lambda/stack", 30)
    machine = aws.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["MachineArn"])
    assert (machine["type"], machine["loggingConfiguration"]["level"]) == ("STANDARD", "ALL")
    assert machine["tracingConfiguration"] == {"enabled": True}

    client, auditor = aws.client("iam"), stack["AuditorRole"][1].ref
    assert client.list_role_policies(RoleName=auditor)["PolicyNames"] == ["inline"]
    (attached,) = client.list_attached_role_policies(RoleName=auditor)["AttachedPolicies"]
    assert attached["PolicyArn"] == stack["AuditorPolicy"][1].ref
    managed = client.list_attached_role_policies(RoleName=stack["SampleFunctionRole"][1].ref)["AttachedPolicies"]
    names = {policy["PolicyName"] for policy in managed}
    assert names == {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}


def test_conditions_include_resources_and_outputs(aws: EmbeddedAws, sample: Path) -> None:
    """A resource or output whose condition is false is left out."""
    assert "HighLogGroup" not in deploy(aws, sample, {}, "low")
    assert "OnlyWhenHigh" not in aws.stacks["low"].resources
    aws.reset()
    assert "HighLogGroup" in deploy(aws, sample, {"Level": "high", "KeyArn": "arn:aws:kms:::key"}, "high")
    role = aws.stacks["high"].resources["SampleFunctionRole"][1].ref
    assert enforcement.is_allowed(role, "kms:Decrypt", "arn:aws:kms:::key")


def test_destroy_deletes_all_but_retained_resources(aws: EmbeddedAws, sample: Path) -> None:
    """The bucket with DeletionPolicy Retain stays."""
    deploy(aws, sample, {"Level": "high"}, "stack")
    retained = aws.stacks["stack"].resources["KeptBucket"][1].ref
    destroy(aws, "stack")
    assert aws.client("iam").list_roles()["Roles"] == []
    assert aws.client("iam").list_policies(Scope="Local")["Policies"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert aws.client("lambda").list_layers()["Layers"] == []
    assert aws.client("logs").describe_log_groups()["logGroups"] == []
    buckets = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]
    assert buckets == ["deployment-123456789012-eu-central-1", retained]
    machines = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    assert machines == []


def test_names_depend_on_stack_and_logical_id(aws: EmbeddedAws, sample: Path) -> None:
    """A second deployment of a stack has the same names, so that diagrams and logs can be compared."""
    first = deploy(aws, sample, {}, "stack")
    aws.reset()
    assert deploy(aws, sample, {}, "stack") == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["Resources"].update(Table={"Type": "AWS::DynamoDB::Table"}), r"Table \(AWS::DynamoDB::Table\)"),
        (
            lambda t: t["Resources"]["SampleBucket"]["Properties"].update(AccelerateConfiguration={}),
            r"SampleBucket \(AWS::S3::Bucket\): AccelerateConfiguration",
        ),
        (
            lambda t: t["Resources"]["SampleFunction"]["Properties"].update(
                EphemeralStorage={"Size": 512}, KmsKeyArn="a"
            ),
            r"SampleFunction \(AWS::Lambda::Function\): KmsKeyArn",
        ),
        (lambda t: t["Resources"]["KeptBucket"].update(CreationPolicy={}), "KeptBucket .*: CreationPolicy"),
        (lambda t: t.update(Mappings={"Some": {"a": {"b": "c"}}}), "Section Mappings"),
    ],
)
def test_unsupported_features_are_refused(aws: EmbeddedAws, sample: Path, change: Change, message: str) -> None:
    """An unsupported type, property or section fails the deployment and is named."""
    with pytest.raises(UnsupportedFeature, match=message):
        deploy(aws, write_changed(sample, change), {}, "stack")


def test_missing_substitution_is_refused(aws: EmbeddedAws, sample: Path) -> None:
    """Otherwise the definition would refer to a function that does not exist."""
    machine = sample.with_name("machine.asl.json")
    machine.write_text(machine.read_text().replace("SampleFunctionArn", "OtherFunctionArn"))
    with pytest.raises(UnsupportedFeature, match=r"\$\{OtherFunctionArn\}"):
        deploy(aws, sample, {}, "stack")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Nonsense": "1"}, "no parameter Nonsense"),
        ({"Level": "middle"}, "Level may not be 'middle'"),
        ({"Lists": "101"}, "Lists may not be '101'"),
        ({"KeyArn": "key"}, "KeyArn may not be 'key'"),
    ],
)
def test_invalid_parameters_are_refused(
    aws: EmbeddedAws, sample: Path, parameters: dict[str, str], message: str
) -> None:
    """Nothing is created, as in CloudFormation."""
    with pytest.raises(InvalidTemplate, match=message):
        deploy(aws, sample, parameters, "stack")
    assert aws.stacks == {}


def test_missing_parameter_is_refused(aws: EmbeddedAws, sample: Path) -> None:
    """The template has no default for it."""
    with pytest.raises(InvalidTemplate, match="Parameter Level has no value"):
        deploy(aws, write_changed(sample, lambda t: t["Parameters"]["Level"].pop("Default")), {}, "stack")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"Ref": "Absent"}, "no Absent to refer to"),
        ({"Fn::GetAtt": ["Some", "Absent"]}, "Some has no attribute Absent"),
        ({"Fn::Cidr": ["10.0.0.0/24", 1, 8]}, "Fn::Cidr is not supported"),
    ],
)
def test_unresolvable_functions_are_refused(node: dict[str, Any], message: str) -> None:
    """No intrinsic function stays unresolved."""
    with pytest.raises(InvalidTemplate, match=message):
        Resolver({"Some": "some"}, {}).resolve(node)


def test_limitations_belong_to_supported_types() -> None:
    """Each limitation is one of a type that can be created."""
    assert {type_ for type_, _ in LIMITATIONS} <= RESOURCE_TYPES.keys()
