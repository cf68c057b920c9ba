"""The product's own stack, deployed twice and destroyed: stateful resources stay, and only buckets are left."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.pki import serial_number
from infra.local.cloudformation import deploy
from infra.local.cloudformation.resource import UnsupportedFeature
from infra.local.elbv2.responses import trust_store
from infra.local.lab.lab import STACK, Lab, deployed_lab
from infra.local.server import EmbeddedAws
from infra.template import TEMPLATE
from tests.support.workflow import Workflow


def parameters(lab: Lab, **more: str) -> dict[str, str]:
    """Return the parameters of the lab's stack, some of them changed."""
    current = {"CertificateAuthorityArn": lab.authority.arn, "TrustStoreArns": lab.trust_store_arn}
    return {**current, "PollIntervalSeconds": "1", "DeadlineSeconds": "300", "GiveWaySeconds": "10", **more}


def permissions(aws: EmbeddedAws, function: str) -> list[Any]:
    """Return the statements of a function's resource policy."""
    client = aws.client("lambda")
    try:
        return list(json.loads(client.get_policy(FunctionName=function)["Policy"])["Statement"])
    except client.exceptions.ResourceNotFoundException:
        return []


def list_resources(aws: EmbeddedAws) -> dict[str, Any]:
    """Return the resources of the account, by kind."""
    functions = sorted(function["FunctionName"] for function in aws.client("lambda").list_functions()["Functions"])
    return {
        "permissions": {function: permissions(aws, function) for function in functions},
        "functions": sorted(f["FunctionArn"] for f in aws.client("lambda").list_functions()["Functions"]),
        "machines": [m["stateMachineArn"] for m in aws.client("stepfunctions").list_state_machines()["stateMachines"]],
        "roles": sorted(r["RoleName"] for r in aws.client("iam").list_roles()["Roles"]),
        "rules": sorted(r["Name"] for r in aws.client("events").list_rules()["Rules"]),
        "buses": [b["Name"] for b in aws.client("events").list_event_buses()["EventBuses"]],
        "topics": aws.client("sns").list_topics()["Topics"],
        "queues": aws.client("sqs").list_queues().get("QueueUrls", []),
        "alarms": sorted(a["AlarmName"] for a in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]),
        "dashboards": aws.client("cloudwatch").list_dashboards().get("DashboardEntries", []),
        "groups": sorted(g["logGroupName"] for g in aws.client("logs").describe_log_groups()["logGroups"]),
        "layers": aws.client("lambda").list_layers()["Layers"],
    }


def test_update_applies_changes_and_keeps_state(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Lists, executions, reports and messages stay, the new parameters apply, and no resource is replaced."""
    aws.settings.private_ca.crl_delay_seconds = 0.3
    aws.settings.events.sends_s3_events = False
    with deployed_lab(aws, tmp_path / "pki") as lab:
        workflow = Workflow(lab, lab.trust_store_arn, folder=tmp_path)
        (client,) = workflow.clients(1)
        first = workflow.run(client)
        assert first.status == "SUCCEEDED"
        assert any(list_resources(aws)["permissions"].values())
        lists, before, sqs = trust_store(lab.trust_store_arn).visible_lists, list_resources(aws), aws.client("sqs")
        sqs.send_message(QueueUrl=lab.outputs["DeadLetterQueueUrl"], MessageBody="{}")
        again = deploy.deploy(aws, TEMPLATE, parameters(lab), STACK)
        assert again == lab.outputs
        assert list_resources(aws) == before
        key = "arn:aws:kms:eu-central-1:123456789012:key/mine"
        new = parameters(lab, LogRetentionDays="30", DeadlineSeconds="5", KmsKeyArn=key)
        changed = deploy.deploy(aws, TEMPLATE, new, STACK)
        assert changed == lab.outputs
        assert list_resources(aws) == before
        groups = aws.client("logs").describe_log_groups()["logGroups"]
        assert {group["retentionInDays"] for group in groups} == {30}
        topic = aws.client("sns").get_topic_attributes(TopicArn=lab.outputs["NotificationTopicArn"])["Attributes"]
        assert topic["KmsMasterKeyId"] == key
        assert trust_store(lab.trust_store_arn).visible_lists == lists
        assert workflow.report(first.arn) == first.report
        assert aws.client("stepfunctions").describe_execution(executionArn=first.arn)["status"] == "SUCCEEDED"
        assert sqs.receive_message(QueueUrl=lab.outputs["DeadLetterQueueUrl"])["Messages"][0]["Body"] == "{}"
        aws.settings.private_ca.publishes_crls = False
        (other,) = workflow.clients(1)
        arn = workflow.start_with({"Serials": [serial_number.to_hex(other.serial)]})
        assert workflow.wait(arn).error == "CrlNotPublished"  # after five seconds now, not 300


def test_replaced_functions_keep_their_permissions(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Every function is new after the update, and EventBridge may still invoke those that events start."""
    with deployed_lab(aws, tmp_path / "pki") as lab:
        before = list_resources(aws)
        assert any(before["permissions"].values())
        template = deploy.package(aws, TEMPLATE)
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["Description"] = "A new one."
        deploy.deploy_packaged(aws, template, parameters(lab), STACK)
        assert list_resources(aws) == before
        deploy.destroy(aws, STACK)


def test_destroy_keeps_the_buckets(aws: EmbeddedAws, tmp_path: Path) -> None:
    """CRLs and reports stay, and nothing else; a new stack can use the CRL bucket that is left."""
    before = list_resources(aws)
    with deployed_lab(aws, tmp_path / "pki") as lab:
        outputs, own = lab.outputs, lab.outputs["CrlBucketName"]
        deploy.destroy(aws, STACK)
        left = list_resources(aws)
        assert {kind: names for kind, names in left.items() if names != before[kind]} == {}
        names = {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]}
        assert {own, outputs["WorkflowBucketName"], outputs["InputBucketName"]} <= names
        other = deploy.deploy(aws, TEMPLATE, parameters(lab, CrlBucketName=own), "another")
        assert other["CrlBucketName"] == own
        rules = [r for r in aws.client("events").list_rules()["Rules"] if '"aws.s3"' in r.get("EventPattern", "")]
        watched = {json.loads(rule["EventPattern"])["detail"]["bucket"]["name"][0] for rule in rules}
        assert watched == {own, other["InputBucketName"]}


def test_update_that_would_lose_state_is_refused(aws: EmbeddedAws, tmp_path: Path) -> None:
    """A log group with another name would be a new one."""
    template = tmp_path / "t.yaml"
    text = "Resources:\n  G:\n    Type: AWS::Logs::LogGroup\n    Properties: {LogGroupName: %s}\n"
    template.write_text(text % "one")
    deploy.deploy(aws, template, {}, "s")
    template.write_text(text % "two")
    with pytest.raises(UnsupportedFeature, match="Changing the name one to two would replace"):
        deploy.deploy(aws, template, {}, "s")
