"""How state machines of the template are created."""

import re
from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import (
    Properties,
    Resource,
    ResourceType,
    UnsupportedFeature,
    require_same_name,
    to_text,
)

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::StepFunctions::StateMachine", "LoggingConfiguration"): "recorded; executions write no log",
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration"): "recorded; there is no X-Ray",
}


def _create_state_machine(aws: Aws, properties: Properties) -> Resource:
    name = properties.take("StateMachineName") or properties.generate_name(80)
    arn = aws.client("stepfunctions").create_state_machine(
        name=name,
        type=properties.take("StateMachineType", "STANDARD"),
        tags=[{"key": key, "value": value} for key, value in properties.take_tags().items()],
        **_api_arguments(aws, properties),
    )["stateMachineArn"]
    return Resource(arn, {"Arn": arn, "Name": name})


def _update_state_machine(aws: Aws, resource: Resource, properties: Properties) -> Resource:
    require_same_name(resource.attributes["Name"], properties.take("StateMachineName"))
    properties.take("StateMachineType")
    properties.take_tags()
    aws.client("stepfunctions").update_state_machine(stateMachineArn=resource.ref, **_api_arguments(aws, properties))
    return resource


def _api_arguments(aws: Aws, properties: Properties) -> dict[str, Any]:
    location = properties.take("DefinitionS3Location")
    content = aws.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"].read()
    substitutions = properties.take("DefinitionSubstitutions", {})

    def substitute(match: re.Match[str]) -> str:
        if match[1] not in substitutions:
            raise UnsupportedFeature(f"The definition's {match[0]} is not in DefinitionSubstitutions")
        return to_text(substitutions[match[1]])

    configuration = properties.take_present(
        loggingConfiguration="LoggingConfiguration", tracingConfiguration="TracingConfiguration"
    )
    return {
        "definition": re.sub(r"\$\{(\w+)\}", substitute, content.decode()),
        "roleArn": properties.take("RoleArn"),
        **_lower_keys(configuration),
    }


def _lower_keys(node: Any) -> Any:  # noqa: ANN401 - any part of a template
    """Return a part of the template with the keys of the Step Functions API, which begin in lower case."""
    if isinstance(node, list):
        return [_lower_keys(each) for each in node]
    if isinstance(node, dict):
        return {key[0].lower() + key[1:]: _lower_keys(value) for key, value in node.items()}
    return node


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::StepFunctions::StateMachine": ResourceType(
        _create_state_machine,
        lambda aws, resource: aws.client("stepfunctions").delete_state_machine(stateMachineArn=resource.ref),
        _update_state_machine,
    ),
}
