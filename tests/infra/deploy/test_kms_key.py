"""KMS keys are checked before a stack uses them."""

import pytest

from infra.deploy.account import Account
from infra.deploy.kms_key import check_crl_bucket, check_key
from infra.deploy.parameters import ParameterRefused, check
from infra.local.server import EmbeddedAws


def test_keys(shell: EmbeddedAws, account: Account) -> None:
    """It must be there, enabled, and in this account and Region."""
    kms = shell.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    check_key("KmsKeyArn", arn)
    check("KmsKeyArn", arn, account, {})
    with pytest.raises(ParameterRefused, match="in us-east-1"):
        check("KmsKeyArn", arn.replace(account.region, "us-east-1"), account, {})
    with pytest.raises(ParameterRefused, match="KmsKeyArn: there is no key"):
        check_key("KmsKeyArn", f"{arn[:-4]}0000")
    kms.disable_key(KeyId=arn.rpartition("/")[2])
    with pytest.raises(ParameterRefused, match="is Disabled, wanted: Enabled"):
        check_key("KmsKeyArn", arn)


def test_key_of_the_crl_bucket(shell: EmbeddedAws) -> None:
    """Without the parameter, the functions could not read the CRL."""
    s3, arn = shell.client("s3"), shell.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": shell.settings.region})
    check_crl_bucket({})
    check_crl_bucket({"CrlBucketName": "mine"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
    s3.put_bucket_encryption(Bucket="mine", ServerSideEncryptionConfiguration={"Rules": [rule]})
    with pytest.raises(ParameterRefused, match=f"CrlBucketKmsKeyArn is empty: add CrlBucketKmsKeyArn={arn}"):
        check_crl_bucket({"CrlBucketName": "mine"})
    check_crl_bucket({"CrlBucketName": "mine", "CrlBucketKmsKeyArn": arn})
