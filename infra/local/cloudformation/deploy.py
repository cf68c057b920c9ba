"""Deploys the SAM template to the embedded AWS, the way `sam deploy` and CloudFormation do on AWS.

Local files go to a bucket, SAM becomes plain CloudFormation (AWS's own translator, offline), intrinsic functions are
resolved, and each resource is created after those it refers to. Whatever would be missing raises `NotRealised`.
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
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from infra.local.cloudformation import intrinsics
from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import NotRealised, Properties, Realised
from infra.local.cloudformation.resources.registry import NOT_LOCAL, REALISERS
from infra.template import load_template

Outputs = dict[str, str]

# Files that the embedded AWS takes in place of those that AWS gets: its processes run on this machine.
STANDS_IN_FOR = {"layer-arm64.zip": "layer-host.zip"}

# The SAM properties that name a local file, as `sam package` knows them.
LOCAL_FILES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
GLOBALS = {"Function": "CodeUri"}

# What a replacement would lose: objects, messages, subscribers, executions, lines.
HAVE_STATE = {
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
    """What a deployment has created, in that order, and its outputs."""

    resources: dict[str, tuple[str, Realised]] = field(default_factory=dict)
    outputs: Outputs = field(default_factory=dict)
    retained: set[str] = field(default_factory=set)
    properties: dict[str, str] = field(default_factory=dict)  # resolved, as JSON, to see at the next deployment


def deploy(aws: Aws, template: Path, parameters: Mapping[str, str], stack_name: str) -> Outputs:
    """Create or update all resources of a template; return its outputs. What is there stands in `aws.stacks`.

    Raises:
        TemplateRefused: a parameter or an intrinsic function is not as CloudFormation wants it.
        NotRealised: a type or property would silently be missing.

    """
    return realise(aws, package(aws, template), parameters, stack_name)


def realise(aws: Aws, template: dict[str, Any], parameters: Mapping[str, str], stack_name: str) -> Outputs:
    """Do so with a template whose files are in a bucket already."""
    plain = transform(template, parameters, aws.settings.region)
    if unknown := plain.keys() - SECTIONS:
        raise NotRealised(f"Section {', '.join(sorted(unknown))}")
    names = intrinsics.parameter_values(plain.get("Parameters", {}), parameters)
    resolver = intrinsics.Resolver(names | _pseudo_parameters(aws, stack_name), plain.get("Conditions", {}))
    wanted = {
        logical_id: resource
        for logical_id, resource in plain["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }
    _check_types(wanted)
    stack: Stack = aws.stacks.setdefault(stack_name, Stack())
    for logical_id in _in_order(wanted):
        resource = wanted[logical_id]
        values = resolver.resolve(resource.get("Properties", {}))
        realised = _realise(aws, stack, stack_name, (logical_id, resource["Type"]), values)
        if resource.get("DeletionPolicy", "Delete") != "Delete":
            stack.retained.add(logical_id)
        resolver.names[logical_id] = realised.ref
        resolver.attributes |= {(logical_id, name): value for name, value in realised.attributes.items()}
    for logical_id in [each for each in reversed(stack.resources) if each not in wanted]:
        _remove(aws, stack, logical_id)
    stack.outputs = {
        name: str(resolver.resolve(output["Value"]))
        for name, output in plain.get("Outputs", {}).items()
        if "Condition" not in output or resolver.holds(output["Condition"])
    }
    return stack.outputs


def _realise(aws: Aws, stack: Stack, stack_name: str, named: tuple[str, str], values: Mapping[str, Any]) -> Realised:
    """Create a resource, leave it alone if it is as wanted, or change it: in place where it has a state to lose."""
    logical_id, type_ = named
    known, text = stack.resources.get(logical_id), json.dumps(values, sort_keys=True, default=str)
    if known and stack.properties[logical_id] == text:
        return known[1]
    properties, realiser = Properties(type_, logical_id, values, stack_name), REALISERS[type_]
    if known and realiser.update:
        realised = realiser.update(aws, known[1], properties)
    elif known and type_ in HAVE_STATE:
        raise NotRealised(f"{logical_id} ({type_}): an update that keeps its state")
    else:
        if known:
            realiser.delete(aws, known[1])
        realised = realiser.create(aws, properties)
    stack.resources[logical_id], stack.properties[logical_id] = (type_, realised), text
    properties.check_all_taken(NOT_LOCAL)
    return realised


def _remove(aws: Aws, stack: Stack, logical_id: str) -> None:
    type_, realised = stack.resources.pop(logical_id)
    del stack.properties[logical_id]
    if logical_id not in stack.retained:
        REALISERS[type_].delete(aws, realised)


def destroy(aws: Aws, stack_name: str) -> None:
    """Delete what a deployment has created, the last first, but for what the template says to retain."""
    stack = aws.stacks.pop(stack_name)
    for logical_id in list(reversed(stack.resources)):
        _remove(aws, stack, logical_id)


def package(aws: Aws, path: Path) -> dict[str, Any]:
    """Read a template, put its local files into a bucket and let it name them there, as `sam package` does."""
    template = load_template(path)
    bucket = f"deployment-{aws.settings.account_id}-{aws.settings.region}"
    s3, where = aws.client("s3"), {"LocationConstraint": aws.settings.region}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    sections = [(template.get("Globals", {}).get(kind, {}), name) for kind, name in GLOBALS.items()]
    for resource in template["Resources"].values():
        name = LOCAL_FILES.get(resource["Type"])
        sections += [(resource.get("Properties", {}), name)] if name else []
    for properties, name in sections:
        file = properties.get(name)
        if isinstance(file, str) and not file.startswith("s3://"):
            properties[name] = f"s3://{bucket}/{_upload(aws, bucket, path.parent / file)}"
    return template


def _upload(aws: Aws, bucket: str, file: Path) -> str:
    content = file.with_name(STANDS_IN_FOR.get(file.name, file.name)).read_bytes()
    key = hashlib.sha256(content).hexdigest() + file.suffix
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def transform(template: dict[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """Return a SAM template as plain CloudFormation."""
    translator = Translator(None, Parser(), boto_session=boto3.session.Session(region_name=region))
    plain = translator.translate(template, dict(parameters), get_managed_policy_map=dict)
    copy: dict[str, Any] = json.loads(json.dumps(plain))  # the translator's own string and dict classes go
    return copy


def _pseudo_parameters(aws: Aws, stack_name: str) -> dict[str, Any]:
    settings = aws.settings
    return {
        "AWS::AccountId": settings.account_id,
        "AWS::Region": settings.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack_name,
        "AWS::StackId": f"arn:aws:cloudformation:{settings.region}:{settings.account_id}:stack/{stack_name}/local",
        "AWS::NotificationARNs": [],
    }


def _check_types(resources: Mapping[str, Mapping[str, Any]]) -> None:
    for logical_id, resource in resources.items():
        if resource["Type"] not in REALISERS:
            raise NotRealised(f"{logical_id} ({resource['Type']})")
        if unknown := resource.keys() - ATTRIBUTES:
            raise NotRealised(f"{logical_id} ({resource['Type']}): {', '.join(sorted(unknown))}")


def _in_order(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Order resources so that each comes after those it refers to."""
    graph = {}
    for logical_id, resource in resources.items():
        named = resource.get("DependsOn", [])
        needs = {
            *intrinsics.references(resource.get("Properties", {})),
            *([named] if isinstance(named, str) else named),
        }
        graph[logical_id] = needs & resources.keys()
    return list(TopologicalSorter(graph).static_order())
