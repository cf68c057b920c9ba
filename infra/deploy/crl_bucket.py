"""Checks where the CA writes its CRL and what that bucket lacks; points the CA at the stack's bucket on request."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.iam_policy import PolicyNotEvaluated, is_service_allowed

_ACTIONS = ("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation")
_SERVICE = "acm-pca.amazonaws.com"
_VALID_DAYS = 7


def _configuration(arn: str, region: str) -> dict[str, Any]:
    client = boto3.client("acm-pca", region_name=region)
    authority = client.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    return dict(authority.get("RevocationConfiguration", {}))


def find_difference(arn: str, bucket: str, region: str) -> str | None:
    """Return how the CA's CRL configuration differs from the stack's bucket, with both values; None if it does not."""
    crl = _configuration(arn, region).get("CrlConfiguration", {})
    if not crl.get("Enabled"):
        return f"{arn} publishes no CRL, wanted: one in s3://{bucket}."
    if crl.get("S3BucketName") != bucket:
        return f"{arn} writes its CRL to s3://{crl.get('S3BucketName')}, and the stack reads s3://{bucket}."
    return None


def turn_on_crl(arn: str, bucket: str, region: str) -> str:
    """Configure the CA to write complete CRLs to the bucket, change nothing else, and return what changed."""
    before = _configuration(arn, region)
    crl = before.get("CrlConfiguration", {})
    unchanged = {
        name: crl[name]
        for name in ("CustomCname", "CustomPath", "CrlDistributionPointExtensionConfiguration")
        if name in crl
    }
    after = {
        **unchanged,
        "Enabled": True,
        "ExpirationInDays": crl.get("ExpirationInDays", _VALID_DAYS),
        "S3BucketName": bucket,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    }
    boto3.client("acm-pca", region_name=region).update_certificate_authority(
        CertificateAuthorityArn=arn,
        RevocationConfiguration={**before, "CrlConfiguration": after},  # type: ignore[typeddict-item]
    )
    return f"CrlConfiguration of {arn} was {json.dumps(crl)}, is {json.dumps(after)}."


def find_problems(arn: str, bucket: str, region: str, folder: str = "crl") -> Iterator[str]:
    """Yield what the bucket lacks: versioning, events to EventBridge, and a policy that lets Private CA write."""
    s3 = boto3.client("s3", region_name=region)
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        remedy = f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
        yield f"s3://{bucket} is not versioned: {remedy}"
    if "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=bucket):
        remedy = "turn them on in its properties; until then only the schedule reconciles"
        yield f"s3://{bucket} sends no events to EventBridge: {remedy}"
    try:
        denied = _denied_actions(_policy(s3, bucket), arn, bucket, folder)
    except PolicyNotEvaluated as error:
        yield (
            f"The policy of s3://{bucket} could not be evaluated ({error}): check that it allows "
            f"{_SERVICE} {', '.join(_ACTIONS)} for {arn}"
        )
        return
    if denied:
        yield f"The policy of s3://{bucket} does not allow {_SERVICE} {', '.join(denied)} for {arn}"


def _denied_actions(policy: str | None, arn: str, bucket: str, folder: str) -> list[str]:
    """Return the actions that the policy does not allow Private CA on the bucket and on the CRL in it."""
    _, partition, _, _, account_id, name = arn.split(":", 5)
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    crl_arn = f"{bucket_arn}/{folder.strip('/')}/{name.rpartition('/')[2]}.crl"
    return [
        action
        for action in _ACTIONS
        if not is_service_allowed(
            policy,
            service=_SERVICE,
            action=action,
            resource=crl_arn if "Object" in action else bucket_arn,
            source_arn=arn,
            source_account=account_id,
        )
    ]


def _policy(s3: Any, bucket: str) -> str | None:  # noqa: ANN401 - boto3 makes its classes as it runs
    try:
        return str(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return None
        raise
