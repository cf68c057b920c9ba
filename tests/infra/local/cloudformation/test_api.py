"""CloudFormation's API as deployment tools use it: odd templates, roll-backs, nothing to change, and resets."""

import http.client
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from infra.local.core import faults
from infra.local.core.access_key import ACCESS_KEY_ID
from infra.local.server import EmbeddedAws

ROOT = Path(__file__).parents[4]
TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Name: {Type: String, Default: first}
Conditions:
  IsFirst: !Equals [!Ref Name, first]
  IsSecond: !Not [!Condition IsFirst]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
  Topic:
    Type: AWS::SNS::Topic
    DependsOn: Bucket
    Properties:
      DisplayName: !Ref Name
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Topic
    Condition: IsSecond
Outputs:
  Topic: {Value: !Ref Topic}
"""


def stack(aws: EmbeddedAws) -> dict[str, Any]:
    """Return the stack as it is described."""
    (described,) = aws.client("cloudformation").describe_stacks(StackName="stack")["Stacks"]
    return dict(described)


def create(aws: EmbeddedAws) -> None:
    """Create the stack."""
    aws.client("cloudformation").create_stack(StackName="stack", TemplateBody=TEMPLATE)


def update(aws: EmbeddedAws, name: str) -> None:
    """Update the stack by its parameter."""
    parameters = [{"ParameterKey": "Name", "ParameterValue": name}]
    aws.client("cloudformation").update_stack(StackName="stack", UsePreviousTemplate=True, Parameters=parameters)


def test_a_version_without_quotes(aws: EmbeddedAws) -> None:
    """YAML reads it as a date; conditions on conditions are read, too."""
    create(aws)
    assert stack(aws)["StackStatus"] == "CREATE_COMPLETE"
    assert "QueueUrls" not in aws.client("sqs").list_queues()
    update(aws, "second")
    assert stack(aws)["StackStatus"] == "UPDATE_COMPLETE"
    topic = aws.client("sns").get_topic_attributes(TopicArn=stack(aws)["Outputs"][0]["OutputValue"])["Attributes"]
    assert topic["DisplayName"] == "second"
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1
    with pytest.raises(ClientError, match="No updates are to be performed"):
        update(aws, "second")


def test_a_creation_that_fails(aws: EmbeddedAws) -> None:
    """Nothing is left of it, and its events say why."""
    faults.add("sns:CreateTopic", code="AuthorizationError", message="not today")
    create(aws)
    assert stack(aws)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert aws.client("s3").list_buckets()["Buckets"] == []
    events = aws.client("cloudformation").describe_stack_events(StackName="stack")["StackEvents"]
    assert any("not today" in each.get("ResourceStatusReason", "") for each in events)
    aws.client("cloudformation").delete_stack(StackName="stack")
    create(aws)
    assert stack(aws)["StackStatus"] == "CREATE_COMPLETE"


def test_an_update_that_fails(aws: EmbeddedAws) -> None:
    """The stack is as it was before."""
    create(aws)
    faults.add("sqs:CreateQueue", code="AccessDenied")
    update(aws, "second")
    described = stack(aws)
    assert described["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert described["Parameters"] == [{"ParameterKey": "Name", "ParameterValue": "first"}]
    topic = aws.client("sns").get_topic_attributes(TopicArn=described["Outputs"][0]["OutputValue"])["Attributes"]
    assert topic["DisplayName"] == "first"
    update(aws, "second")
    assert stack(aws)["StackStatus"] == "UPDATE_COMPLETE"


def test_an_update_that_cannot_be_rolled_back(aws: EmbeddedAws) -> None:
    """As on AWS the stack says so, and why."""
    create(aws)
    faults.add("sqs:CreateQueue", code="AccessDenied")

    def refuse_the_topic(action: str, _resource: str) -> None:
        if action == "sqs:CreateQueue":  # the topic has been updated by then
            faults.add("sns:SetTopicAttributes", code="AuthorizationError", message="not today")

    faults.observe(refuse_the_topic)
    update(aws, "second")
    assert stack(aws)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    events = aws.client("cloudformation").describe_stack_events(StackName="stack")["StackEvents"]
    assert any("not today" in each.get("ResourceStatusReason", "") for each in events)


def test_an_unknown_change_set(aws: EmbeddedAws) -> None:
    """Its name is in the error."""
    create(aws)
    with pytest.raises(ClientError, match=r"ChangeSetNotFound.*absent"):
        aws.client("cloudformation").execute_change_set(ChangeSetName="absent", StackName="stack")


def test_a_stack_after_a_reset_by_motos_own_address(aws: EmbeddedAws) -> None:
    """It is created anew."""
    create(aws)
    with closing(http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc)) as connection:
        scope = f"Credential={ACCESS_KEY_ID}/20260101/us-east-1/s3/aws4_request"
        connection.request("POST", "/moto-api/reset", headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
        assert connection.getresponse().status == 200
    create(aws)
    assert stack(aws)["StackStatus"] == "CREATE_COMPLETE"
    assert len(aws.client("s3").list_buckets()["Buckets"]) == 1


IN_US_EAST_1 = """
import pathlib, sys
from infra.local.core.settings import Settings
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws
with EmbeddedAws(Settings(region="us-east-1")) as aws:
    with deployed_lab(aws, pathlib.Path(sys.argv[1]), clients=()) as lab:
        print(lab.outputs["StateMachineArn"])
"""


@pytest.mark.slow("a process and a stack of its own")
def test_us_east_1(embedded_aws: EmbeddedAws, tmp_path: Path) -> None:
    """Its buckets have no location constraint."""
    assert embedded_aws  # which builds
    command = [sys.executable, "-c", IN_US_EAST_1, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("arn:aws:states:us-east-1:"), ran.stderr
