"""How buckets of the template are made on the embedded AWS."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import NotRealised, Properties, Realised, Realiser, require_same_name, text

NOT_LOCAL: dict[tuple[str, str], str] = {
    ("AWS::S3::Bucket", "BucketEncryption"): "recorded; nothing is encrypted",
    ("AWS::S3::Bucket", "LifecycleConfiguration"): "recorded; nothing expires",
    ("AWS::S3::Bucket", "PublicAccessBlockConfiguration"): "recorded; unsigned requests are not refused",
    ("AWS::S3::BucketPolicy", "PolicyDocument"): "asked for AWS services; to others only its Deny statements matter",
}


def _bucket(aws: Aws, properties: Properties) -> Realised:
    client = aws.client("s3")
    name = properties.take("BucketName") or properties.name(63).lower()
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.settings.region})
    _configure_bucket(aws, name, properties)
    return Realised(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"})


def _update_bucket(aws: Aws, realised: Realised, properties: Properties) -> Realised:
    require_same_name(realised.ref, properties.take("BucketName"))
    _configure_bucket(aws, realised.ref, properties)
    return realised


def _configure_bucket(aws: Aws, name: str, properties: Properties) -> None:
    client = aws.client("s3")
    settings: dict[str, tuple[Callable[..., Any], str]] = {
        "VersioningConfiguration": (client.put_bucket_versioning, "VersioningConfiguration"),
        "PublicAccessBlockConfiguration": (client.put_public_access_block, "PublicAccessBlockConfiguration"),
        "OwnershipControls": (client.put_bucket_ownership_controls, "OwnershipControls"),
    }
    for property_, (put, argument) in settings.items():
        if value := properties.take(property_):
            put(Bucket=name, **{argument: {key: _switch(each) for key, each in value.items()}})
    if encryption := properties.take("BucketEncryption"):
        rules = [_encryption_rule(dict(rule)) for rule in encryption["ServerSideEncryptionConfiguration"]]
        client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if lifecycle := properties.take("LifecycleConfiguration"):
        rules = [_lifecycle_rule(dict(rule)) for rule in lifecycle["Rules"]]
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if notification := properties.take("NotificationConfiguration"):
        client.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=_notification(notification))
    if tags := properties.tags():
        named = [{"Key": key, "Value": value} for key, value in tags.items()]
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": named})


def _switch(value: object) -> object:
    """Give a switch that a template writes as a text."""
    return value == "true" if value in ("true", "false") else value


def _encryption_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {"ApplyServerSideEncryptionByDefault": rule.pop("ServerSideEncryptionByDefault")} | rule


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Translate a rule; what is not translated here has one name in both worlds, or boto3 refuses it."""
    translated: dict[str, Any] = {"Filter": {"Prefix": rule.pop("Prefix", "")}}
    if "Id" in rule:
        translated["ID"] = rule.pop("Id")
    if "ExpirationInDays" in rule:
        translated["Expiration"] = {"Days": int(rule.pop("ExpirationInDays"))}
    return translated | rule


def _notification(configuration: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := configuration.keys() - {"EventBridgeConfiguration"}:
        raise NotRealised(f"NotificationConfiguration: {', '.join(sorted(unknown))}")
    enabled = text(configuration["EventBridgeConfiguration"].get("EventBridgeEnabled", True)) == "true"
    return {"EventBridgeConfiguration": {}} if enabled else {}


def _delete_bucket(aws: Aws, realised: Realised) -> None:
    aws.client("s3").delete_bucket(Bucket=realised.ref)


def _bucket_policy(aws: Aws, properties: Properties) -> Realised:
    bucket = properties.take("Bucket")
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties.take("PolicyDocument")))
    return Realised(bucket, {})


REALISERS: dict[str, Realiser] = {
    "AWS::S3::Bucket": Realiser(_bucket, _delete_bucket, _update_bucket),
    "AWS::S3::BucketPolicy": Realiser(
        _bucket_policy, lambda aws, it: aws.client("s3").delete_bucket_policy(Bucket=it.ref)
    ),
}
