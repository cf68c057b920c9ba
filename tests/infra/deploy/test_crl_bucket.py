"""What differs from the CRL configuration that the stack needs, and what the CRL's bucket lacks."""

import json
from pathlib import Path

import pytest

from infra.deploy import crl_bucket
from infra.local.cloudformation import deploy as embedded_deploy
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws

ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"


def test_ca_without_crl_is_pointed_at_the_stacks_bucket(shell: EmbeddedAws, tmp_path: Path) -> None:
    """The message has both buckets, and the bucket that the stack creates lacks nothing."""
    region = shell.settings.region
    with deployed_lab(shell, tmp_path / "pki") as lab:
        bucket, arn = lab.outputs["CrlBucketName"], lab.authority.arn
        assert crl_bucket.find_difference(arn, bucket, region) is None
        assert list(crl_bucket.find_problems(arn, bucket, region)) == []
        other = crl_bucket.find_difference(arn, "elsewhere", region)
        assert other
        assert bucket in other
        assert "elsewhere" in other
        off = {"CrlConfiguration": {"Enabled": False}}
        client = shell.client("acm-pca")
        client.update_certificate_authority(CertificateAuthorityArn=arn, RevocationConfiguration=off)
        assert "publishes no CRL" in (crl_bucket.find_difference(arn, bucket, region) or "")
        assert bucket in crl_bucket.turn_on_crl(arn, bucket, region)
        assert crl_bucket.find_difference(arn, bucket, region) is None
        embedded_deploy.destroy(shell, "mtls-revocation")


def test_what_an_existing_bucket_lacks_is_shown(shell: EmbeddedAws) -> None:
    """Versioning, events, and Private CA in its policy; a policy that allows some actions lacks the others."""
    s3, region = shell.client("s3"), shell.settings.region
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": region})
    problems = list(crl_bucket.find_problems(ARN, "mine", region))
    assert [
        word for word in ("not versioned", "EventBridge", "s3:PutObjectAcl") if word not in " ".join(problems)
    ] == []
    statement = {"Effect": "Allow", "Principal": {"Service": "acm-pca.amazonaws.com"}, "Action": "s3:PutObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": "arn:aws:s3:::mine/*"}]}
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))
    (*_, problem) = crl_bucket.find_problems(ARN, "mine", region)
    assert "s3:PutObjectAcl" in problem
    assert "s3:PutObject," not in problem


@pytest.mark.parametrize(
    ("actions", "further", "message"),
    [
        (["s3:Put*", "s3:getbucket*"], None, None),
        ("s3:*", {"Effect": "Deny", "NotPrincipal": {"AWS": ARN}, "Action": "s3:DeleteObject"}, None),
        ("s3:*", {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}, "acm-pca.amazonaws.com s3:PutObject"),
        ("s3:*", {"Effect": "Deny", "NotPrincipal": {"AWS": ARN}, "Action": "s3:GetBucketAcl"}, "s3:GetBucketAcl for"),
        (
            "s3:*",
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::/0"}}},
            "could not be evaluated (IpAddress on aws:SourceIp",
        ),
    ],
)
def test_the_policy_of_an_existing_bucket_is_evaluated(
    shell: EmbeddedAws, actions: object, further: dict[str, object] | None, message: str | None
) -> None:
    """Wildcards allow, a Deny denies, and what cannot be evaluated is left to the operator."""
    s3, region = shell.client("s3"), shell.settings.region
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": region})
    resources = {"Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/lists/*"]}
    allow = {"Effect": "Allow", "Principal": {"Service": "acm-pca.amazonaws.com"}, "Action": actions, **resources}
    policy = {"Version": "2012-10-17", "Statement": [allow, {**further, **resources}] if further else allow}
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))
    messages = [each for each in crl_bucket.find_problems(ARN, "mine", region, "lists/") if "policy" in each]
    assert len(messages) == (message is not None)
    assert (message or "") in "".join(messages)
