"""Checks what a bucket needs so that Private CA can write its CRL to it, and so that the stack notices the CRL."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.deploy import crl_configuration
from infra.deploy.account import Account
from infra.deploy.crl_configuration import CertificateAuthority
from infra.deploy.finding import Finding
from infra.deploy.parameters import ParameterRefused
from infra.iam_policy import PolicyNotEvaluated, is_service_allowed

_ACTIONS = ("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation")
_SERVICE = "acm-pca.amazonaws.com"
_TEST_KEY = "acm-pca-permission-test-key"  # which it writes when the CRL is turned on (aws: crl-planning)
_DEFAULT_REGION = "us-east-1"  # in which a bucket's LocationConstraint is empty


def check_place(bucket: str, account: Account) -> None:
    """Refuse a bucket that is not there, or in another Region: S3 sends events to EventBridge in its own alone.

    Raises ParameterRefused.
    """
    try:
        location = boto3.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] or _DEFAULT_REGION
    except ClientError as error:
        code = error.response["Error"]["Code"]
        reason = "does not exist" if code == "NoSuchBucket" else f"cannot be read ({code})"
        raise ParameterRefused(
            f"CrlBucketName: s3://{bucket} {reason}. What to do: name a bucket that you may read, or none, and the "
            "stack creates one"
        ) from None
    if location != account.region:
        raise ParameterRefused(f"CrlBucketName: s3://{bucket} is in {location}, wanted: {account.region}")


def find_problems(ca: CertificateAuthority, bucket: str, folder: str, account: Account) -> Iterator[Finding]:
    """Yield what the bucket lacks: versions, events, a policy that lets Private CA write, and ACLs that it may set."""
    s3 = boto3.client("s3")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        yield Finding(
            f"s3://{bucket} is not versioned, so the CRL that was enforced cannot be proved afterwards.",
            f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
            lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
        )
    notifications: dict[str, Any] = dict(s3.get_bucket_notification_configuration(Bucket=bucket))
    notifications.pop("ResponseMetadata", None)
    if "EventBridgeConfiguration" not in notifications:
        wanted = {**notifications, "EventBridgeConfiguration": {}}
        yield Finding(
            f"s3://{bucket} sends no events to EventBridge, so that a new CRL is noticed by the schedule alone.",
            f"aws s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration "
            f"{shlex.quote(json.dumps(wanted))}",
            lambda: s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted),  # type: ignore[arg-type]
        )
    yield from _acl_problems(s3, ca, bucket, account)
    yield from _policy_problems(s3, ca, bucket, folder)


def _acl_problems(s3: Any, ca: CertificateAuthority, bucket: str, account: Account) -> Iterator[Finding]:  # noqa: ANN401 - boto3
    """Yield a finding if Private CA sets an ACL that S3 refuses; BUCKET_OWNER_FULL_CONTROL is never refused."""
    if ca.bucket != bucket or ca.crl.get("S3ObjectAcl", "PUBLIC_READ") != "PUBLIC_READ":
        return
    blocked = _optional(s3.get_public_access_block, "PublicAccessBlockConfiguration", Bucket=bucket)
    everywhere = _optional(
        boto3.client("s3control", config=Config(retries={"total_max_attempts": 1})).get_public_access_block,
        "PublicAccessBlockConfiguration",
        AccountId=account.account_id,
    )
    rules = _optional(s3.get_bucket_ownership_controls, "OwnershipControls", Bucket=bucket).get("Rules", [])
    reasons = [
        *(["the bucket blocks public ACLs"] if blocked.get("BlockPublicAcls") else []),
        *(["the account blocks public ACLs"] if everywhere.get("BlockPublicAcls") else []),
        *(["its ACLs are disabled"] if any(each["ObjectOwnership"] == "BucketOwnerEnforced" for each in rules) else []),
    ]
    if reasons:
        private = {**ca.crl, "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL"}
        yield Finding(
            f"{ca.arn} writes its CRL with S3ObjectAcl PUBLIC_READ, wanted: BUCKET_OWNER_FULL_CONTROL. S3 refuses the "
            f"former in s3://{bucket}: {', '.join(reasons)}.",
            f"aws acm-pca update-certificate-authority --certificate-authority-arn {ca.arn} --revocation-configuration "
            f"{shlex.quote(json.dumps({**ca.revocation, 'CrlConfiguration': private}))}",
            lambda: crl_configuration.update(ca, private),
        )


def _optional(call: Any, key: str, **arguments: str) -> dict[str, Any]:  # noqa: ANN401 - a method of boto3
    """Return a part of a configuration; nothing if there is none, or it cannot be read."""
    try:
        return dict(call(**arguments)[key])
    except (ClientError, BotoCoreError):
        return {}


def _policy_problems(s3: Any, ca: CertificateAuthority, bucket: str, folder: str) -> Iterator[Finding]:  # noqa: ANN401 - boto3
    policy = _policy(s3, bucket)
    wanted = _with_statement(policy, ca, bucket)
    command = f"aws s3api put-bucket-policy --bucket {bucket} --policy {shlex.quote(wanted)}"
    try:
        denied = _denied_actions(policy, ca, bucket, folder)
        still_denied = denied and _denied_actions(wanted, ca, bucket, folder)
    except PolicyNotEvaluated as error:
        yield Finding(
            f"The policy of s3://{bucket} could not be evaluated ({error}).",
            f"check that it allows {_SERVICE} {', '.join(_ACTIONS)} for {ca.arn}",
        )
        return
    if still_denied:
        yield Finding(
            f"A Deny in the policy of s3://{bucket} keeps {_SERVICE} from {', '.join(still_denied)} for {ca.arn}.",
            "except the service from the Deny, e.g. with the condition Bool aws:PrincipalIsAWSService false",
        )
    elif denied:
        yield Finding(
            f"The policy of s3://{bucket} does not allow {_SERVICE} {', '.join(denied)} for {ca.arn}.",
            command,
            lambda: s3.put_bucket_policy(Bucket=bucket, Policy=wanted),
        )


def _with_statement(policy: str | None, ca: CertificateAuthority, bucket: str) -> str:
    """Return a policy with the statement that lets Private CA write, for this CA alone, added to it."""
    _, partition, _, _, account_id, _ = ca.arn.split(":", 5)
    document = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    present = document["Statement"]
    statement = {
        "Sid": f"PrivateCa{ca.arn.rpartition('/')[2].replace('-', '')}",
        "Effect": "Allow",
        "Principal": {"Service": _SERVICE},
        "Action": list(_ACTIONS),
        "Resource": [f"arn:{partition}:s3:::{bucket}", f"arn:{partition}:s3:::{bucket}/*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id, "aws:SourceArn": ca.arn}},
    }
    return json.dumps({**document, "Statement": [*([present] if isinstance(present, dict) else present), statement]})


def _denied_actions(policy: str | None, ca: CertificateAuthority, bucket: str, folder: str) -> list[str]:
    """Return the actions that the policy does not allow Private CA on the bucket, or on an object that it writes."""
    _, partition, _, _, account_id, _ = ca.arn.split(":", 5)
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    objects = [f"{bucket_arn}/{key}" for key in (ca.key(folder), *([] if ca.bucket == bucket else [_TEST_KEY]))]

    def is_allowed(action: str, resource: str) -> bool:
        return is_service_allowed(
            policy,
            service=_SERVICE,
            action=action,
            resource=resource,
            source_arn=ca.arn,
            source_account=account_id,
        )

    return [
        action
        for action in _ACTIONS
        if not all(is_allowed(action, resource) for resource in (objects if "Object" in action else [bucket_arn]))
    ]


def _policy(s3: Any, bucket: str) -> str | None:  # noqa: ANN401 - boto3 makes its classes as it runs
    try:
        return str(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return None
        raise
