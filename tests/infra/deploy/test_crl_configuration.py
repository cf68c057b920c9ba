"""Where the CA writes its CRL is compared with where the stack reads it."""

import json
from typing import Any

import pytest

from infra.deploy.crl_configuration import CertificateAuthority, find_differences, read_ca, turn_on
from infra.deploy.parameters import ParameterRefused
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws

ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"
ON = {"Enabled": True, "S3BucketName": "mine"}


@pytest.mark.parametrize(
    ("crl", "difference"),
    [
        ({}, "it publishes no CRL, and the stack reads one in s3://mine/crl/"),
        ({**ON, "Enabled": False}, "it publishes no CRL"),
        (ON, None),
        ({**ON, "S3BucketName": "other"}, "writes its CRL to s3://other/crl/, and the stack reads s3://mine/crl/"),
        ({**ON, "CustomPath": "lists/"}, "writes its CRL to s3://mine/lists/, and the stack reads s3://mine/crl/"),
        ({**ON, "S3BucketName": "mine/crl", "CustomPath": ""}, None),
        ({**ON, "CrlType": "PARTITIONED"}, "its CRLs are PARTITIONED"),
    ],
)
def test_differences(crl: dict[str, Any], difference: str | None) -> None:
    """Both values are shown; what the CA does not publish can be turned on without harm."""
    findings = list(
        find_differences(CertificateAuthority(ARN, {"CrlConfiguration": crl}), "mine", "crl", "make deploy")
    )
    assert len(findings) == (difference is not None)
    for finding in findings:
        assert (difference or "") in finding.text
        assert finding.is_harmless == ("no CRL" in finding.text)
        assert finding.what_to_do.startswith("make deploy TURN_ON_CRL=yes")
        assert ("CrlBucketName=" in finding.what_to_do) == ("writes its CRL to" in finding.text)


def test_turning_on_keeps_the_rest(shell: EmbeddedAws) -> None:
    """Validity, OCSP and CNAME stay; type, bucket, folder and ACL are those that the stack needs."""
    arn, ocsp = PrivateCa.create_root(shell, "Root").arn, {"Enabled": True}
    shell.client("s3").create_bucket(
        Bucket="mine", CreateBucketConfiguration={"LocationConstraint": shell.settings.region}
    )
    statement = {"Effect": "Allow", "Principal": {"Service": "acm-pca.amazonaws.com"}, "Action": "s3:*"}
    policy = {"Statement": [{**statement, "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]}]}
    shell.client("s3").put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))
    off = {"Enabled": False, "ExpirationInDays": 3, "CustomCname": "crl.example"}
    shell.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=arn, RevocationConfiguration={"CrlConfiguration": off, "OcspConfiguration": ocsp}
    )
    assert '"ExpirationInDays": 3' in turn_on(read_ca(arn), "mine", "lists")
    ca = read_ca(arn)
    assert list(find_differences(ca, "mine", "lists", "make deploy")) == []
    assert ca.revocation["OcspConfiguration"] == ocsp
    assert {name: ca.crl[name] for name in ("ExpirationInDays", "CustomCname", "CrlType", "S3ObjectAcl")} == {
        "ExpirationInDays": 3,
        "CustomCname": "crl.example",
        "CrlType": "COMPLETE",
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    }


def test_ca_that_cannot_be_used(shell: EmbeddedAws) -> None:
    """One that does not exist, or was never activated, is refused by name."""
    with pytest.raises(ParameterRefused, match=f"there is no CA {ARN}"):
        read_ca(ARN)
    pending = shell.client("acm-pca").create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Pending"},
        },
    )["CertificateAuthorityArn"]
    with pytest.raises(ParameterRefused, match="is PENDING_CERTIFICATE, wanted: ACTIVE or DISABLED"):
        read_ca(pending)
