"""How roles and policies of the template are created."""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, ResourceType
from infra.local.iam import enforcement


def _create_role(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("iam")
    role = client.create_role(
        RoleName=properties.take("RoleName") or properties.generate_name(64),
        AssumeRolePolicyDocument=json.dumps(properties.take("AssumeRolePolicyDocument")),
        Tags=properties.take_tag_list(),
        **properties.take_present("Path", "Description", "MaxSessionDuration"),
    )["Role"]
    for arn in properties.take("ManagedPolicyArns", []):
        enforcement.add_managed_policy(arn)
        client.attach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    for policy in properties.take("Policies", []):
        document = _document(policy["PolicyDocument"])
        client.put_role_policy(RoleName=role["RoleName"], PolicyName=policy["PolicyName"], PolicyDocument=document)
    return Resource(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _delete_role(aws: Aws, resource: Resource) -> None:
    client, name = aws.client("iam"), resource.ref
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=name)


def _document(policy: Mapping[str, Any]) -> str:
    """Return a policy as JSON, with the version: optional for IAM, required by moto."""
    return json.dumps({"Version": "2012-10-17"} | dict(policy))


def _create_managed_policy(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("iam")
    arn = client.create_policy(
        PolicyName=properties.take("ManagedPolicyName") or properties.generate_name(128),
        PolicyDocument=_document(properties.take("PolicyDocument")),
        **properties.take_present("Path", "Description"),
    )["Policy"]["Arn"]
    for role in properties.take("Roles", []):
        client.attach_role_policy(RoleName=role, PolicyArn=arn)
    return Resource(arn, {"PolicyArn": arn})


def _delete_managed_policy(aws: Aws, resource: Resource) -> None:
    client = aws.client("iam")
    for role in client.list_entities_for_policy(PolicyArn=resource.ref)["PolicyRoles"]:
        client.detach_role_policy(RoleName=role["RoleName"], PolicyArn=resource.ref)
    client.delete_policy(PolicyArn=resource.ref)


def _create_policy(aws: Aws, properties: Properties) -> Resource:
    name, document = properties.take("PolicyName"), _document(properties.take("PolicyDocument"))
    roles = properties.take("Roles", [])
    for role in roles:
        aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    return Resource(name, {"Id": json.dumps(roles)})


def _delete_policy(aws: Aws, resource: Resource) -> None:
    for role in json.loads(resource.attributes["Id"]):
        aws.client("iam").delete_role_policy(RoleName=role, PolicyName=resource.ref)


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::IAM::Role": ResourceType(_create_role, _delete_role),
    "AWS::IAM::ManagedPolicy": ResourceType(_create_managed_policy, _delete_managed_policy),
    "AWS::IAM::Policy": ResourceType(_create_policy, _delete_policy),
}
