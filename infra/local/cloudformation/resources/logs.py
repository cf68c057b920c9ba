"""How log groups of the template are created."""

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, ResourceType, require_same_name

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::Logs::LogGroup", "RetentionInDays"): "recorded; nothing expires",
}


def _create_log_group(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("logs")
    name = properties.take("LogGroupName") or properties.generate_name(512)
    client.create_log_group(
        logGroupName=name,
        tags=properties.take_tags(),
        **properties.take_present(logGroupClass="LogGroupClass", kmsKeyId="KmsKeyId"),
    )
    _set_retention(aws, name, properties)
    arn = f"arn:{aws.settings.partition}:logs:{aws.settings.region}:{aws.settings.account_id}:log-group:{name}:*"
    return Resource(name, {"Arn": arn})


def _set_retention(aws: Aws, name: str, properties: Properties) -> None:
    if retention := properties.take("RetentionInDays"):
        aws.client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(retention))


def _update_log_group(aws: Aws, resource: Resource, properties: Properties) -> Resource:
    require_same_name(resource.ref, properties.take("LogGroupName"))
    _set_retention(aws, resource.ref, properties)
    properties.take_tags()
    return resource


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::Logs::LogGroup": ResourceType(
        _create_log_group,
        lambda aws, resource: aws.client("logs").delete_log_group(logGroupName=resource.ref),
        _update_log_group,
    ),
}
