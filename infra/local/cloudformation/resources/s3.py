"""How buckets of the template are created."""

import json
from collections.abc import Callable, Mapping
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
from infra.local.core.clients import create_bucket

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::S3::Bucket", "BucketEncryption"): "recorded; nothing is encrypted",
    ("AWS::S3::Bucket", "LifecycleConfiguration"): "recorded; nothing expires",
    ("AWS::S3::Bucket", "PublicAccessBlockConfiguration"): "recorded; unsigned requests are not refused",
    (
        "AWS::S3::BucketPolicy",
        "PolicyDocument",
    ): "evaluated for AWS services; for other callers only Deny statements",
}


def _create_bucket(aws: Aws, properties: Properties) -> Resource:
    client = aws.client("s3")
    name = properties.take("BucketName") or properties.generate_name(63).lower()
    create_bucket(client, name)
    _configure_bucket(aws, name, properties)
    domain_name = f"{name}.s3.{aws.settings.url_suffix}"
    return Resource(name, {"Arn": f"arn:{aws.settings.partition}:s3:::{name}", "DomainName": domain_name})


def _update_bucket(aws: Aws, resource: Resource, properties: Properties) -> Resource:
    require_same_name(resource.ref, properties.take("BucketName"))
    _configure_bucket(aws, resource.ref, properties)
    return resource


def _configure_bucket(aws: Aws, name: str, properties: Properties) -> None:
    client = aws.client("s3")
    settings: dict[str, tuple[Callable[..., Any], str]] = {
        "VersioningConfiguration": (client.put_bucket_versioning, "VersioningConfiguration"),
        "PublicAccessBlockConfiguration": (client.put_public_access_block, "PublicAccessBlockConfiguration"),
        "OwnershipControls": (client.put_bucket_ownership_controls, "OwnershipControls"),
    }
    for property_, (put, argument) in settings.items():
        if value := properties.take(property_):
            put(Bucket=name, **{argument: {key: _to_boolean(each) for key, each in value.items()}})
    if encryption := properties.take("BucketEncryption"):
        rules = [_encryption_rule(dict(rule)) for rule in encryption["ServerSideEncryptionConfiguration"]]
        client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if lifecycle := properties.take("LifecycleConfiguration"):
        rules = [_lifecycle_rule(dict(rule)) for rule in lifecycle["Rules"]]
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if notification := properties.take("NotificationConfiguration"):
        client.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=_notification(notification))
    if tags := properties.take_tag_list():
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})


def _to_boolean(value: object) -> object:
    """Return a boolean for the string that a template may hold instead."""
    return value == "true" if value in ("true", "false") else value


def _encryption_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {"ApplyServerSideEncryptionByDefault": rule.pop("ServerSideEncryptionByDefault")} | rule


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Translate a rule; other members have the same name in the API, or boto3 rejects them."""
    translated: dict[str, Any] = {"Filter": {"Prefix": rule.pop("Prefix", "")}}
    if "Id" in rule:
        translated["ID"] = rule.pop("Id")
    if "ExpirationInDays" in rule:
        translated["Expiration"] = {"Days": int(rule.pop("ExpirationInDays"))}
    return translated | rule


def _notification(configuration: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := configuration.keys() - {"EventBridgeConfiguration"}:
        raise UnsupportedFeature(f"NotificationConfiguration: {', '.join(sorted(unknown))}")
    enabled = to_text(configuration["EventBridgeConfiguration"].get("EventBridgeEnabled", True)) == "true"
    return {"EventBridgeConfiguration": {}} if enabled else {}


def _delete_bucket(aws: Aws, resource: Resource) -> None:
    aws.client("s3").delete_bucket(Bucket=resource.ref)


def _create_bucket_policy(aws: Aws, properties: Properties) -> Resource:
    bucket = properties.take("Bucket")
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties.take("PolicyDocument")))
    return Resource(bucket, {})


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::S3::Bucket": ResourceType(_create_bucket, _delete_bucket, _update_bucket),
    "AWS::S3::BucketPolicy": ResourceType(
        _create_bucket_policy, lambda aws, resource: aws.client("s3").delete_bucket_policy(Bucket=resource.ref)
    ),
}
