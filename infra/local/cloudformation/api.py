"""CloudFormation's API in front of the embedded deployer, so that `sam deploy` and `sam delete` themselves work.

moto keeps stacks, change sets and events. The resources are created by `deploy.py`, because moto would silently skip
half of them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from moto.cloudformation import models, responses
from moto.cloudformation.models import Stack
from moto.cloudformation.parsing import Output
from moto.cloudformation.responses import CloudFormationResponse
from samtranslator.yaml_helper import intrinsics_multi_constructor

from infra.build import BUILD
from infra.local.cloudformation import deploy, intrinsics, rollback
from infra.local.cloudformation.context import Aws


@dataclass
class EmbeddedResourceMap:
    """A stack's resources: the part of moto's ResourceMap that change sets, updates and deletions use."""

    aws: Aws
    stack: Stack
    template: dict[str, Any]
    resolved_parameters: dict[str, str]
    no_echo_parameter_keys: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    def load(self) -> None:
        """Do nothing: the template is parsed when it is deployed."""

    def values(self) -> list[Any]:
        """Return no resources of moto's own classes."""
        return []

    def build_change_set_actions(self, template: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
        """Return what a template would add, change and remove, as the change set lists it."""
        current = self.template.get("Resources", {})
        declared = {name: {"ResourceType": each["Type"]} for name, each in template.get("Resources", {}).items()}
        removed = {name: {"ResourceType": each["Type"]} for name, each in current.items() if name not in declared}
        return {
            "Add": {name: each for name, each in declared.items() if name not in current},
            "Modify": {name: each for name, each in declared.items() if name in current},
            "Remove": removed,
        }

    def create(self, template: dict[str, Any]) -> bool:
        """Deploy the stack; it is complete on return."""
        self.update(template, self.resolved_parameters)
        return True

    def update(self, template: dict[str, Any], parameters: Mapping[str, str] | None = None) -> None:
        """Deploy, with the layer built for this machine instead of the one for arm64."""
        defaults = {
            name: str(each["Default"]) for name, each in template.get("Parameters", {}).items() if "Default" in each
        }
        self.template, self.resolved_parameters = template, defaults | dict(parameters or self.resolved_parameters)
        self.stack.parameters = self.resolved_parameters  # compared by the next update to detect that nothing changed
        # A copy without the parser's own classes, such as the date of an unquoted version; moto keeps the original.
        plain = json.loads(json.dumps(template, default=str))
        _replace_layer(self.aws, plain, self.resolved_parameters)
        deploy.deploy_packaged(self.aws, plain, self.resolved_parameters, self.name)

    def delete(self) -> None:
        """Delete the deployed resources."""
        if self.name in self.aws.stacks:
            deploy.destroy(self.aws, self.name)


@dataclass
class EmbeddedOutputMap:
    """A stack's outputs: moto's OutputMap."""

    resource_map: EmbeddedResourceMap
    exports: list[Any] = field(default_factory=list)

    def values(self) -> Iterator[Output]:
        """Yield each output."""
        stack = self.resource_map.aws.stacks.get(self.resource_map.name)
        declared = self.resource_map.template.get("Outputs", {})
        for key, value in (stack.outputs if stack else {}).items():
            yield Output(key, value, declared.get(key, {}).get("Description"))


def _replace_layer(aws: Aws, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """Replace the layer for arm64, which the template names in S3, by the one built for this machine."""
    arm64_layer, host_layer = BUILD / "layer-arm64.zip", BUILD / "layer-host.zip"
    resolver = intrinsics.Resolver(dict(parameters), {})
    for resource in template.get("Resources", {}).values():
        uri = resolver.resolve(resource.get("Properties", {}).get("ContentUri"))
        if resource["Type"] != "AWS::Serverless::LayerVersion" or uri is None:
            continue
        bucket, key = (uri["Bucket"], uri["Key"]) if isinstance(uri, dict) else _bucket_and_key(uri)
        content = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        if hashlib.sha256(content).digest() == hashlib.sha256(arm64_layer.read_bytes()).digest():
            aws.client("s3").put_object(Bucket=bucket, Key=f"{key}-host", Body=host_layer.read_bytes())
            resource["Properties"]["ContentUri"] = f"s3://{bucket}/{key}-host"


def _bucket_and_key(uri: str) -> tuple[str, str]:
    scheme, _, location = uri.partition("://")
    bucket, _, key = location.partition("/")
    if scheme != "s3" or not key:
        raise intrinsics.InvalidTemplate(f"ContentUri {uri!r} is not of the form s3://bucket/key")
    return bucket, key


def install(aws: Aws) -> None:
    """Make moto create the resources of its stacks with the embedded deployer."""

    def create_resource_map(stack: Stack) -> EmbeddedResourceMap:
        return EmbeddedResourceMap(aws, stack, stack.template_dict, dict(stack.parameters))

    def create_output_map(stack: Stack) -> EmbeddedOutputMap:
        resource_map: Any = stack.resource_map
        return EmbeddedOutputMap(resource_map)

    def read_template(_responses: CloudFormationResponse, template_url: str) -> str:
        """Read a template from S3 by its path-style URL; moto expects a host name of AWS."""
        bucket, _, key = urlsplit(template_url).path.lstrip("/").partition("/")
        body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()

    for module in (models, responses):  # moto's own does not know !Condition, or functions of a mapping
        module.yaml_tag_constructor = intrinsics_multi_constructor  # type: ignore[attr-defined]
    rollback.install(aws)
    CloudFormationResponse._get_stack_from_s3_url = read_template  # type: ignore[assignment,method-assign] # noqa: SLF001
    Stack._create_resource_map = create_resource_map  # type: ignore[assignment,method-assign] # noqa: SLF001
    Stack._create_output_map = create_output_map  # type: ignore[assignment,method-assign] # noqa: SLF001
