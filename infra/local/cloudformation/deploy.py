"""Deploys the SAM template to the embedded AWS, the way `sam deploy` and CloudFormation do on AWS.

Local files go to a bucket, SAM becomes plain CloudFormation (AWS's own translator, offline), intrinsic functions are
resolved, and each resource is created after those it refers to. What would be left out raises `UnsupportedFeature`.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import boto3

from infra.local.cloudformation import intrinsics
from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, UnsupportedFeature
from infra.local.cloudformation.resources.registry import LIMITATIONS, RESOURCE_TYPES
from infra.local.core.clients import create_bucket
from infra.template import load_template

Outputs = dict[str, str]

# Files built for AWS, and what is deployed here instead: functions run on this machine.
LOCAL_REPLACEMENTS = {"layer-arm64.zip": "layer-host.zip"}

# The SAM properties that name a local file, as `sam package` knows them.
LOCAL_FILE_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
GLOBAL_FILE_PROPERTIES = {"Function": "CodeUri"}

# Types whose replacement would lose something: objects, messages, subscribers, executions, log events.
STATEFUL_TYPES = {
    "AWS::Events::EventBus",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
}
SECTIONS = {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions", "Resources", "Outputs"}
ATTRIBUTES = {"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"}


@dataclass
class Stack:
    """The resources of a deployment in the order of their creation, with their types, and its outputs."""

    resources: dict[str, tuple[str, Resource]] = field(default_factory=dict)
    outputs: Outputs = field(default_factory=dict)
    retained: dict[str, str] = field(default_factory=dict)  # with their DeletionPolicy
    properties: dict[str, str] = field(default_factory=dict)  # resolved, as JSON, to compare at the next deployment
    replaced: set[str] = field(default_factory=set)  # in the present deployment


def deploy(aws: Aws, template: Path, parameters: Mapping[str, str], stack_name: str) -> Outputs:
    """Create or update all resources of a template; return its outputs. The stack is kept in `aws.stacks`.

    Raises:
        InvalidTemplate: a parameter or an intrinsic function is invalid for CloudFormation.
        UnsupportedFeature: a type or property would silently be left out.

    """
    return deploy_packaged(aws, package(aws, template), parameters, stack_name)


def deploy_packaged(aws: Aws, template: dict[str, Any], parameters: Mapping[str, str], stack_name: str) -> Outputs:
    """Deploy a template whose local files are in a bucket already, as `deploy` does."""
    plain = transform(template, parameters, aws.settings.region)
    if unknown := plain.keys() - SECTIONS:
        raise UnsupportedFeature(f"Section {', '.join(sorted(unknown))}")
    names = intrinsics.parameter_values(plain.get("Parameters", {}), parameters)
    resolver = intrinsics.Resolver(names | _pseudo_parameters(aws, stack_name), plain.get("Conditions", {}))
    declared = {
        logical_id: resource
        for logical_id, resource in plain["Resources"].items()
        if "Condition" not in resource or resolver.is_true(resource["Condition"])
    }
    _check_types(declared)
    stack: Stack = aws.stacks.setdefault(stack_name, Stack())
    stack.replaced.clear()
    for logical_id in _creation_order(declared):
        resource = declared[logical_id]
        values = resolver.resolve(resource.get("Properties", {}))
        if RESOURCE_TYPES[resource["Type"]].is_attached and stack.replaced.intersection(
            intrinsics.references(resource.get("Properties", {}))
        ):
            stack.resources.pop(logical_id, None)  # it was deleted with the resource it belongs to
        deployed = _create_or_update(aws, stack, stack_name, (logical_id, resource["Type"]), values)
        if (policy := resource.get("DeletionPolicy", "Delete")) != "Delete":
            stack.retained[logical_id] = policy
        resolver.names[logical_id] = deployed.ref
        resolver.attributes |= {(logical_id, name): value for name, value in deployed.attributes.items()}
    for logical_id in [each for each in reversed(stack.resources) if each not in declared]:
        _remove(aws, stack, logical_id)
    stack.outputs = {
        name: str(resolver.resolve(output["Value"]))
        for name, output in plain.get("Outputs", {}).items()
        if "Condition" not in output or resolver.is_true(output["Condition"])
    }
    return stack.outputs


def _create_or_update(
    aws: Aws, stack: Stack, stack_name: str, identity: tuple[str, str], values: Mapping[str, Any]
) -> Resource:
    """Create, update or replace a resource of this logical ID and type, unless its properties are unchanged."""
    logical_id, type_ = identity
    existing, text = stack.resources.get(logical_id), json.dumps(values, sort_keys=True, default=str)
    if existing and stack.properties[logical_id] == text:
        return existing[1]
    properties, resource_type = Properties(type_, logical_id, values, stack_name), RESOURCE_TYPES[type_]
    if existing and resource_type.update:
        resource = resource_type.update(aws, existing[1], properties)
    elif existing and type_ in STATEFUL_TYPES:
        raise UnsupportedFeature(f"{logical_id} ({type_}): updating it would replace it and lose its state")
    else:
        if existing:
            resource_type.delete(aws, existing[1])
            stack.replaced.add(logical_id)
        try:
            resource = resource_type.create(aws, properties)
        except Exception:
            stack.resources.pop(logical_id, None)  # what it was to replace is gone
            raise
    stack.resources[logical_id], stack.properties[logical_id] = (type_, resource), text
    properties.check_all_taken(LIMITATIONS)
    return resource


def _remove(aws: Aws, stack: Stack, logical_id: str) -> None:
    type_, resource = stack.resources.pop(logical_id)
    del stack.properties[logical_id]
    if logical_id not in stack.retained:
        RESOURCE_TYPES[type_].delete(aws, resource)


def destroy(aws: Aws, stack_name: str, *, rolls_back: bool = False) -> None:
    """Delete a stack's resources, the last one first, except those that the template retains.

    If the creation of the stack is rolled back, those with RetainExceptOnCreate are deleted as well.
    """
    stack = aws.stacks.pop(stack_name)
    if rolls_back:
        stack.retained = {name: policy for name, policy in stack.retained.items() if policy == "Retain"}
    for logical_id in list(reversed(stack.resources)):
        _remove(aws, stack, logical_id)


def package(aws: Aws, path: Path) -> dict[str, Any]:
    """Read a template, upload its local files and return it with their S3 addresses, as `sam package` does."""
    template = load_template(path)
    bucket = f"deployment-{aws.settings.account_id}-{aws.settings.region}"
    s3 = aws.client("s3")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        create_bucket(s3, bucket)
    sections = [(template.get("Globals", {}).get(kind, {}), name) for kind, name in GLOBAL_FILE_PROPERTIES.items()]
    for resource in template["Resources"].values():
        name = LOCAL_FILE_PROPERTIES.get(resource["Type"])
        sections += [(resource.get("Properties", {}), name)] if name else []
    for properties, name in sections:
        file = properties.get(name)
        if isinstance(file, str) and not file.startswith("s3://"):
            properties[name] = f"s3://{bucket}/{_upload(aws, bucket, path.parent / file)}"
    return template


def _upload(aws: Aws, bucket: str, file: Path) -> str:
    content = file.with_name(LOCAL_REPLACEMENTS.get(file.name, file.name)).read_bytes()
    key = hashlib.sha256(content).hexdigest() + file.suffix
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def transform(template: dict[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """Return a SAM template as plain CloudFormation, which another template is already."""
    if "Transform" not in template:
        return template
    from samtranslator.parser.parser import Parser  # noqa: PLC0415 - takes half a second, which a test may not need
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    translator = Translator(None, Parser(), boto_session=boto3.session.Session(region_name=region))
    plain = translator.translate(template, dict(parameters), get_managed_policy_map=dict)
    copy: dict[str, Any] = json.loads(json.dumps(plain))  # without the translator's own classes
    return copy


def _pseudo_parameters(aws: Aws, stack_name: str) -> dict[str, Any]:
    settings = aws.settings
    identity = f"{settings.partition}:cloudformation:{settings.region}:{settings.account_id}"
    return {
        "AWS::AccountId": settings.account_id,
        "AWS::Region": settings.region,
        "AWS::Partition": settings.partition,
        "AWS::URLSuffix": settings.url_suffix,
        "AWS::StackName": stack_name,
        "AWS::StackId": f"arn:{identity}:stack/{stack_name}/local",
        "AWS::NotificationARNs": [],
    }


def _check_types(resources: Mapping[str, Mapping[str, Any]]) -> None:
    for logical_id, resource in resources.items():
        if resource["Type"] not in RESOURCE_TYPES:
            raise UnsupportedFeature(f"{logical_id} ({resource['Type']})")
        if unknown := resource.keys() - ATTRIBUTES:
            raise UnsupportedFeature(f"{logical_id} ({resource['Type']}): {', '.join(sorted(unknown))}")


def _creation_order(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Order resources so that each comes after those it refers to."""
    graph = {}
    for logical_id, resource in resources.items():
        depends_on = resource.get("DependsOn", [])
        dependencies = {
            *intrinsics.references(resource.get("Properties", {})),
            *([depends_on] if isinstance(depends_on, str) else depends_on),
        }
        graph[logical_id] = dependencies & resources.keys()
    return list(TopologicalSorter(graph).static_order())
