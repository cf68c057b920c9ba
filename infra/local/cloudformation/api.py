"""CloudFormation's API in front of the embedded deployer, so that `sam deploy` and `sam delete` themselves work.

moto keeps stacks, change sets and events; what is in a stack is made by `deploy.py` in the place of moto, which would
drop half of it without a word.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from moto.cloudformation.models import Stack
from moto.cloudformation.responses import CloudFormationResponse

from infra.build import BUILD
from infra.local.cloudformation import deploy
from infra.local.cloudformation.context import Aws


@dataclass(frozen=True)
class Output:
    """An output, as moto wants it."""

    key: str
    value: str
    description: str | None


@dataclass
class Contents:
    """What is in a stack: moto's ResourceMap, as far as change sets, updates and deletions ask for it."""

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
        """Find nothing to do: the template is parsed when it is deployed."""

    def values(self) -> list[Any]:
        """List no resources of moto's kind."""
        return []

    def build_change_set_actions(self, template: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
        """Tell what a template would add, change and remove."""
        known = self.template.get("Resources", {})
        wanted = {name: {"ResourceType": each["Type"]} for name, each in template.get("Resources", {}).items()}
        gone = {name: {"ResourceType": each["Type"]} for name, each in known.items() if name not in wanted}
        return {
            "Add": {name: each for name, each in wanted.items() if name not in known},
            "Modify": {name: each for name, each in wanted.items() if name in known},
            "Remove": gone,
        }

    def create(self, template: dict[str, Any]) -> bool:
        """Deploy, and be ready at once."""
        self.update(template, self.resolved_parameters)
        return True

    def update(self, template: dict[str, Any], parameters: Mapping[str, str] | None = None) -> None:
        """Deploy, with this machine's own layer in the place of the one for arm64."""
        known = {
            name: str(each["Default"]) for name, each in template.get("Parameters", {}).items() if "Default" in each
        }
        self.template, self.resolved_parameters = template, known | dict(parameters or self.resolved_parameters)
        self.stack.parameters = self.resolved_parameters  # what "no changes" is told by, the next time
        plain = json.loads(json.dumps(template))  # the parser's own classes go, and moto keeps what it was given
        _stand_in(self.aws, plain)
        deploy.realise(self.aws, plain, self.resolved_parameters, self.name)

    def delete(self) -> None:
        """Delete what was deployed."""
        if self.name in self.aws.stacks:
            deploy.destroy(self.aws, self.name)


@dataclass
class Outputs:
    """A stack's outputs: moto's OutputMap."""

    contents: Contents
    exports: list[Any] = field(default_factory=list)

    def values(self) -> Iterator[Output]:
        """Give each output."""
        stack = self.contents.aws.stacks.get(self.contents.name)
        described = self.contents.template.get("Outputs", {})
        for key, value in (stack.outputs if stack else {}).items():
            yield Output(key, value, described.get(key, {}).get("Description"))


def _stand_in(aws: Aws, template: Mapping[str, Any]) -> None:
    """Name this machine's own layer where the template names the object that holds the one for arm64."""
    for_aws, for_here = BUILD / "layer-arm64.zip", BUILD / "layer-host.zip"
    for resource in template.get("Resources", {}).values():
        uri = resource.get("Properties", {}).get("ContentUri")
        if resource["Type"] != "AWS::Serverless::LayerVersion" or not isinstance(uri, str):
            continue
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        if hashlib.sha256(content).digest() == hashlib.sha256(for_aws.read_bytes()).digest():
            aws.client("s3").put_object(Bucket=bucket, Key=f"{key}-host", Body=for_here.read_bytes())
            resource["Properties"]["ContentUri"] = f"{uri}-host"


def install(aws: Aws) -> None:
    """Have moto's stacks made by the embedded deployer."""

    def contents(stack: Stack) -> Contents:
        return Contents(aws, stack, stack.template_dict, dict(stack.parameters))

    def outputs(stack: Stack) -> Outputs:
        made: Any = stack.resource_map
        return Outputs(made)

    def template_of(_responses: CloudFormationResponse, template_url: str) -> str:
        """Read a template by its address here, which is one of a path: moto knows AWS's addresses alone."""
        bucket, _, key = urlsplit(template_url).path.lstrip("/").partition("/")
        body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()

    CloudFormationResponse._get_stack_from_s3_url = template_of  # type: ignore[assignment,method-assign] # noqa: SLF001
    Stack._create_resource_map = contents  # type: ignore[assignment,method-assign] # noqa: SLF001
    Stack._create_output_map = outputs  # type: ignore[assignment,method-assign] # noqa: SLF001
