"""The customer's bucket for CRLs: what Private CA checks of it, and how it writes there."""

from typing import Any, Protocol

from moto.s3.exceptions import MissingBucket
from moto.s3.models import S3Backend, get_canned_acl, s3_backends

from infra.iam_policy import PolicyNotEvaluated, is_service_allowed
from infra.local.core.requests import ServiceError

SERVICE = "acm-pca.amazonaws.com"
PERMISSION_TEST_KEY = "acm-pca-permission-test-key"


class CrlBucketError(ServiceError):
    """Private CA cannot write to the CRL bucket (wording: hashicorp/terraform-provider-aws issue 33306)."""

    def __init__(self, bucket: str, reason: str) -> None:
        """Create the error; AWS itself does not give the reason."""
        message = (
            f"Permission error with your S3 bucket '{bucket}'. Check that your bucket policy, encryption "
            "settings, S3 Block Public Access settings, and global account permissions are configured correctly. "
            f"For more information, check the service documentation. ({reason})"
        )
        super().__init__("ValidationException", message)


class Owner(Protocol):
    """The CA that writes."""

    arn: str
    account_id: str


def write_object(ca: Owner, configuration: dict[str, Any], key: str, body: bytes) -> None:
    """Write an object to the bucket of a CrlConfiguration, if the bucket allows Private CA to.

    Raises:
        CrlBucketError: the bucket does not exist, or denies access.

    """
    name = configuration["S3BucketName"]
    partition = ca.arn.split(":")[1]
    s3: S3Backend = s3_backends[ca.account_id][partition]
    arn = f"arn:{partition}:s3:::{name}"
    try:
        bucket = s3.get_bucket(name)
    except MissingBucket as error:
        raise CrlBucketError(name, "the bucket does not exist") from error
    for action, resource in (
        ("s3:GetBucketAcl", arn),
        ("s3:GetBucketLocation", arn),
        ("s3:PutObject", f"{arn}/{key}"),
        ("s3:PutObjectAcl", f"{arn}/{key}"),
    ):
        policy = bucket.policy.decode() if bucket.policy else None
        try:
            is_allowed = is_service_allowed(
                policy,
                service=SERVICE,
                action=action,
                resource=resource,
                source_arn=ca.arn,
                source_account=ca.account_id,
            )
        except PolicyNotEvaluated as error:
            raise CrlBucketError(name, f"its policy cannot be evaluated ({error})") from error
        if not is_allowed:
            raise CrlBucketError(name, f"its policy does not allow {action} on {resource}")
    is_public = configuration.get("S3ObjectAcl", "PUBLIC_READ") == "PUBLIC_READ"
    # A bucket without the setting blocks public access too, as buckets do since April 2023.
    if is_public and (bucket.public_access_block is None or bucket.public_access_block.block_public_acls):
        raise CrlBucketError(name, "it blocks public access, and S3ObjectAcl is PUBLIC_READ")
    stored = s3.put_object(name, key, body)
    stored.set_acl(get_canned_acl("public-read" if is_public else "bucket-owner-full-control"))
