"""How functions, layers and permissions of the template are created."""

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, ResourceType, to_text

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::Lambda::Function", "Runtime"): "functions run on this machine's own Python",
    ("AWS::Lambda::Function", "Architectures"): "functions run on this machine's own processor",
    ("AWS::Lambda::Function", "MemorySize"): "passed to the function; not enforced",
    ("AWS::Lambda::Function", "TracingConfig"): "recorded; there is no X-Ray",
    ("AWS::Lambda::LayerVersion", "Content"): "build/layer-host.zip stands in for build/layer-arm64.zip",
}


def _create_function(aws: Aws, properties: Properties) -> Resource:
    environment = properties.take("Environment", {}).get("Variables", {})
    concurrency = properties.take("ReservedConcurrentExecutions")
    client = aws.client("lambda")
    function = client.create_function(
        FunctionName=properties.take("FunctionName") or properties.generate_name(64),
        Environment={"Variables": {name: to_text(value) for name, value in environment.items()}},
        Timeout=int(properties.take("Timeout", 3)),
        MemorySize=int(properties.take("MemorySize", 128)),
        Tags=properties.take_tags(),
        **properties.take_present(
            "Code",
            "Handler",
            "Role",
            "Runtime",
            "Description",
            "Layers",
            "Architectures",
            "TracingConfig",
            "LoggingConfig",
            "EphemeralStorage",
            "DeadLetterConfig",
        ),
    )
    if concurrency is not None:
        client.put_function_concurrency(
            FunctionName=function["FunctionName"], ReservedConcurrentExecutions=int(concurrency)
        )
    return Resource(function["FunctionName"], {"Arn": function["FunctionArn"]})


def _create_layer_version(aws: Aws, properties: Properties) -> Resource:
    arn = aws.client("lambda").publish_layer_version(
        LayerName=properties.take("LayerName") or properties.generate_name(140),
        **properties.take_present(
            "Content", "Description", "LicenseInfo", "CompatibleArchitectures", "CompatibleRuntimes"
        ),
    )["LayerVersionArn"]
    return Resource(arn, {"LayerVersionArn": arn})


def _delete_layer_version(aws: Aws, resource: Resource) -> None:
    *_, name, version = resource.ref.split(":")
    aws.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))


def _create_permission(aws: Aws, properties: Properties) -> Resource:
    function, statement = properties.take("FunctionName"), properties.generate_name(100)
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId=statement,
        **properties.take_present("Action", "Principal", "SourceAccount", "SourceArn"),
    )
    return Resource(statement, {"FunctionName": function})


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::Lambda::Function": ResourceType(
        _create_function, lambda aws, resource: aws.client("lambda").delete_function(FunctionName=resource.ref)
    ),
    "AWS::Lambda::LayerVersion": ResourceType(_create_layer_version, _delete_layer_version),
    "AWS::Lambda::Permission": ResourceType(
        _create_permission,
        lambda aws, resource: aws.client("lambda").remove_permission(
            FunctionName=resource.attributes["FunctionName"], StatementId=resource.ref
        ),
        is_attached=True,
    ),
}
