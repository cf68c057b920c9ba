"""Checks the KMS keys that the parameters name, and that of the CRL's bucket."""

from collections.abc import Mapping

import boto3
from botocore.exceptions import ClientError

from infra.deploy.parameters import ParameterRefused


def check_key(name: str, arn: str) -> None:
    """Refuse a key that does not exist or is not enabled.

    Raises ParameterRefused.
    """
    try:
        state = boto3.client("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            raise ParameterRefused(f"{name}: there is no key {arn}") from None
        raise
    if state != "Enabled":
        raise ParameterRefused(f"{name}: {arn} is {state}, wanted: Enabled")


def check_crl_bucket(values: Mapping[str, str]) -> None:
    """Refuse a CRL bucket whose key the functions could not use.

    Raises ParameterRefused, with the parameter that is missing.
    """
    bucket, given = values.get("CrlBucketName", ""), values.get("CrlBucketKmsKeyArn", "")
    key = _key_of(bucket) if bucket else ""
    if key and given != key:
        raise ParameterRefused(
            f"s3://{bucket} is encrypted with the KMS key {key}, and CrlBucketKmsKeyArn is {given or 'empty'}: add "
            f"CrlBucketKmsKeyArn={key}"
        )


def _key_of(bucket: str) -> str:
    """Return the ARN of a bucket's key; nothing without one, without the permission to read it, or for an alias."""
    try:
        configuration = boto3.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    except ClientError:
        return ""
    keys = [
        rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "") for rule in configuration["Rules"]
    ]
    return next((key for key in keys if ":key/" in key), "")
