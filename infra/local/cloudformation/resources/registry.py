"""How each type of the template's resources is made on the embedded AWS, and what of it cannot be had there."""

import json
import re
from collections.abc import Mapping
from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import NotRealised, Properties, Realised, Realiser, require_same_name, text
from infra.local.cloudformation.resources import cloudwatch as resources_cloudwatch
from infra.local.cloudformation.resources import events as resources_events
from infra.local.cloudformation.resources import s3 as resources_s3
from infra.local.iam import enforcement as iam

# What is accepted although it has no effect, or not all of its effect, on the embedded AWS.
NOT_LOCAL: dict[tuple[str, str], str] = {
    ("AWS::Lambda::Function", "Runtime"): "functions run on this machine's own Python",
    ("AWS::Lambda::Function", "Architectures"): "functions run on this machine's own processor",
    ("AWS::Lambda::Function", "MemorySize"): "the function is told, but may use more",
    ("AWS::Lambda::Function", "TracingConfig"): "recorded; there is no X-Ray",
    ("AWS::Lambda::LayerVersion", "Content"): "build/layer-host.zip stands in for build/layer-arm64.zip",
    ("AWS::Logs::LogGroup", "RetentionInDays"): "recorded; nothing expires",
    ("AWS::StepFunctions::StateMachine", "LoggingConfiguration"): "recorded; executions write no log",
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration"): "recorded; there is no X-Ray",
    **resources_cloudwatch.NOT_LOCAL,
    **resources_events.NOT_LOCAL,
    **resources_s3.NOT_LOCAL,
}


def _role(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("iam")
    role = client.create_role(
        RoleName=properties.take("RoleName") or properties.name(64),
        AssumeRolePolicyDocument=json.dumps(properties.take("AssumeRolePolicyDocument")),
        Tags=[{"Key": key, "Value": value} for key, value in properties.tags().items()],
        **properties.chosen(Path="Path", Description="Description", MaxSessionDuration="MaxSessionDuration"),
    )["Role"]
    for arn in properties.take("ManagedPolicyArns", []):
        iam.provide_managed_policy(arn)
        client.attach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    for policy in properties.take("Policies", []):
        document = _document(policy["PolicyDocument"])
        client.put_role_policy(RoleName=role["RoleName"], PolicyName=policy["PolicyName"], PolicyDocument=document)
    return Realised(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _delete_role(aws: Aws, realised: Realised) -> None:
    client, name = aws.client("iam"), realised.ref
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=name)


def _document(policy: Mapping[str, Any]) -> str:
    """Write a policy; moto demands the version that IAM, and SAM's own policies, leave out."""
    return json.dumps({"Version": "2012-10-17"} | dict(policy))


def _managed_policy(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("iam")
    arn = client.create_policy(
        PolicyName=properties.take("ManagedPolicyName") or properties.name(128),
        PolicyDocument=_document(properties.take("PolicyDocument")),
        **properties.chosen(Path="Path", Description="Description"),
    )["Policy"]["Arn"]
    for role in properties.take("Roles", []):
        client.attach_role_policy(RoleName=role, PolicyArn=arn)
    return Realised(arn, {"PolicyArn": arn})


def _delete_managed_policy(aws: Aws, realised: Realised) -> None:
    client = aws.client("iam")
    for role in client.list_entities_for_policy(PolicyArn=realised.ref)["PolicyRoles"]:
        client.detach_role_policy(RoleName=role["RoleName"], PolicyArn=realised.ref)
    client.delete_policy(PolicyArn=realised.ref)


def _policy(aws: Aws, properties: Properties) -> Realised:
    name, document = properties.take("PolicyName"), _document(properties.take("PolicyDocument"))
    roles = properties.take("Roles", [])
    for role in roles:
        aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    return Realised(name, {"Id": json.dumps(roles)})


def _delete_policy(aws: Aws, realised: Realised) -> None:
    for role in json.loads(realised.attributes["Id"]):
        aws.client("iam").delete_role_policy(RoleName=role, PolicyName=realised.ref)


def _function(aws: Aws, properties: Properties) -> Realised:
    environment = properties.take("Environment", {}).get("Variables", {})
    concurrency = properties.take("ReservedConcurrentExecutions")
    client = aws.client("lambda")
    function = client.create_function(
        FunctionName=properties.take("FunctionName") or properties.name(64),
        Environment={"Variables": {name: text(value) for name, value in environment.items()}},
        Timeout=int(properties.take("Timeout", 3)),
        MemorySize=int(properties.take("MemorySize", 128)),
        Tags=properties.tags(),
        **properties.chosen(
            **{name: name for name in ("Code", "Handler", "Role", "Runtime", "Description", "Layers")},
            **{name: name for name in ("Architectures", "TracingConfig", "LoggingConfig", "EphemeralStorage")},
            DeadLetterConfig="DeadLetterConfig",
        ),
    )
    if concurrency is not None:
        client.put_function_concurrency(
            FunctionName=function["FunctionName"], ReservedConcurrentExecutions=int(concurrency)
        )
    return Realised(function["FunctionName"], {"Arn": function["FunctionArn"]})


def _layer_version(aws: Aws, properties: Properties) -> Realised:
    arn = aws.client("lambda").publish_layer_version(
        LayerName=properties.take("LayerName") or properties.name(140),
        **properties.chosen(
            **{name: name for name in ("Content", "Description", "LicenseInfo")},
            **{name: name for name in ("CompatibleArchitectures", "CompatibleRuntimes")},
        ),
    )["LayerVersionArn"]
    return Realised(arn, {"LayerVersionArn": arn})


def _delete_layer_version(aws: Aws, realised: Realised) -> None:
    *_, name, version = realised.ref.split(":")
    aws.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))


def _log_group(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("logs")
    name = properties.take("LogGroupName") or properties.name(512)
    client.create_log_group(
        logGroupName=name,
        tags=properties.tags(),
        **properties.chosen(logGroupClass="LogGroupClass", kmsKeyId="KmsKeyId"),
    )
    _retain(aws, name, properties)
    arn = f"arn:aws:logs:{aws.settings.region}:{aws.settings.account_id}:log-group:{name}:*"
    return Realised(name, {"Arn": arn})


def _retain(aws: Aws, name: str, properties: Properties) -> None:
    if retention := properties.take("RetentionInDays"):
        aws.client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(retention))


def _update_log_group(aws: Aws, realised: Realised, properties: Properties) -> Realised:
    require_same_name(realised.ref, properties.take("LogGroupName"))
    _retain(aws, realised.ref, properties)
    properties.tags()
    return realised


def _state_machine(aws: Aws, properties: Properties) -> Realised:
    name = properties.take("StateMachineName") or properties.name(80)
    arn = aws.client("stepfunctions").create_state_machine(
        name=name,
        type=properties.take("StateMachineType", "STANDARD"),
        tags=[{"key": key, "value": value} for key, value in properties.tags().items()],
        **_machine(aws, properties),
    )["stateMachineArn"]
    return Realised(arn, {"Arn": arn, "Name": name})


def _update_state_machine(aws: Aws, realised: Realised, properties: Properties) -> Realised:
    require_same_name(realised.attributes["Name"], properties.take("StateMachineName"))
    properties.take("StateMachineType")
    properties.tags()
    aws.client("stepfunctions").update_state_machine(stateMachineArn=realised.ref, **_machine(aws, properties))
    return realised


def _machine(aws: Aws, properties: Properties) -> dict[str, Any]:
    location = properties.take("DefinitionS3Location")
    content = aws.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"].read()
    substitutions = properties.take("DefinitionSubstitutions", {})

    def value(match: re.Match[str]) -> str:
        if match[1] not in substitutions:
            raise NotRealised(f"The definition's {match[0]} is not in DefinitionSubstitutions")
        return text(substitutions[match[1]])

    configuration = properties.chosen(
        loggingConfiguration="LoggingConfiguration", tracingConfiguration="TracingConfiguration"
    )
    return {
        "definition": re.sub(r"\$\{(\w+)\}", value, content.decode()),
        "roleArn": properties.take("RoleArn"),
        **_lower(configuration),
    }


def _lower(node: Any) -> Any:  # noqa: ANN401 - any part of a template
    """Begin each key with a small letter, as the API of Step Functions does."""
    if isinstance(node, list):
        return [_lower(each) for each in node]
    if isinstance(node, dict):
        return {key[0].lower() + key[1:]: _lower(value) for key, value in node.items()}
    return node


REALISERS: dict[str, Realiser] = {
    "AWS::IAM::Role": Realiser(_role, _delete_role),
    "AWS::IAM::ManagedPolicy": Realiser(_managed_policy, _delete_managed_policy),
    "AWS::IAM::Policy": Realiser(_policy, _delete_policy),
    "AWS::Lambda::Function": Realiser(
        _function, lambda aws, it: aws.client("lambda").delete_function(FunctionName=it.ref)
    ),
    "AWS::Lambda::LayerVersion": Realiser(_layer_version, _delete_layer_version),
    "AWS::Logs::LogGroup": Realiser(
        _log_group, lambda aws, it: aws.client("logs").delete_log_group(logGroupName=it.ref), _update_log_group
    ),
    "AWS::StepFunctions::StateMachine": Realiser(
        _state_machine,
        lambda aws, it: aws.client("stepfunctions").delete_state_machine(stateMachineArn=it.ref),
        _update_state_machine,
    ),
    **resources_cloudwatch.REALISERS,
    **resources_events.REALISERS,
    **resources_s3.REALISERS,
}
