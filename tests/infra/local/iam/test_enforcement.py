"""Least privilege is enforced: a role may do what its policies allow, and what it did is recorded."""

import contextlib
import json
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from infra.iam_policy import PolicyNotEvaluated
from infra.local.core.requests import ServiceError
from infra.local.iam import enforcement
from infra.local.server import EmbeddedAws
from tests.support import sandbox

BUCKET = "arn:aws:s3:::bucket"
AUTHORITY = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/one"
TRUST_STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/one/0123456789abcdef"


@pytest.fixture
def filled(aws: EmbeddedAws) -> EmbeddedAws:
    """Return an embedded AWS that has a versioned bucket with one object."""
    client = aws.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": aws.settings.region})
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="bucket", Key="a key/ä", Body=b"content")
    return aws


def client_of(aws: EmbeddedAws, service: str, *statements: dict[str, Any], name: str = "role") -> Any:  # noqa: ANN401
    """Return a client that acts in a new role with these statements."""
    return sandbox.client_as(aws, sandbox.role(aws, *statements, name=name), service)


def allow(action: object, resource: object = "*", **more: object) -> dict[str, Any]:
    """Return a statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_an_allowed_call_is_recorded(filled: EmbeddedAws) -> None:
    """The record names role, action and resource, as IAM names them."""
    client = client_of(filled, "s3", allow("s3:GetObject", f"{BUCKET}/a key/*"))
    assert client.get_object(Bucket="bucket", Key="a key/ä")["Body"].read() == b"content"
    client.head_object(Bucket="bucket", Key="a key/ä")
    assert enforcement.used_permissions() == {("role", "s3:GetObject", f"{BUCKET}/a key/ä")}


def test_a_denied_call_has_the_message_of_aws(filled: EmbeddedAws) -> None:
    """The message names caller, action and resource, and nothing is recorded."""
    client = client_of(filled, "s3", allow("s3:GetObject", f"{BUCKET}/other"))
    with pytest.raises(ClientError) as refused:
        client.get_object(Bucket="bucket", Key="a key/ä")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["Error"]["Message"] == (
        "User: arn:aws:sts::123456789012:assumed-role/role/session is not authorized to perform: s3:GetObject "
        "on resource: arn:aws:s3:::bucket/a key/ä because no identity-based policy allows the s3:GetObject action"
    )
    assert enforcement.used_permissions() == set()


def test_a_refused_head_is_a_bare_403(filled: EmbeddedAws) -> None:
    """HEAD has no body, so the code is the status."""
    with pytest.raises(ClientError) as refused:
        client_of(filled, "s3", allow("s3:PutObject")).head_object(Bucket="bucket", Key="a key/ä")
    assert refused.value.response["Error"]["Code"] == "403"


def test_a_version_needs_its_own_permission(filled: EmbeddedAws) -> None:
    """Reading by version is s3:GetObjectVersion, which s3:GetObject does not include."""
    version = filled.client("s3").head_object(Bucket="bucket", Key="a key/ä")["VersionId"]
    with pytest.raises(ClientError, match="perform: s3:GetObjectVersion"):
        client_of(filled, "s3", allow("s3:GetObject")).get_object(Bucket="bucket", Key="a key/ä", VersionId=version)
    client = client_of(filled, "s3", allow("s3:GetObjectVersion"), name="other")
    assert client.get_object(Bucket="bucket", Key="a key/ä", VersionId=version)["Body"].read() == b"content"


@pytest.mark.parametrize("method", ["get_object", "head_object"])
def test_absence_is_revealed_to_roles_that_may_list(filled: EmbeddedAws, method: str) -> None:
    """Without s3:ListBucket an absent object is a 403, with it a 404, and the permission counts as used."""
    reading = allow("s3:GetObject")
    with pytest.raises(ClientError) as refused:
        getattr(client_of(filled, "s3", reading), method)(Bucket="bucket", Key="absent")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    client = client_of(filled, "s3", reading, allow("s3:ListBucket", BUCKET), name="lister")
    with pytest.raises(ClientError) as refused:
        getattr(client, method)(Bucket="bucket", Key="absent")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert ("lister", "s3:ListBucket", BUCKET) in enforcement.used_permissions()


def test_other_s3_actions(filled: EmbeddedAws) -> None:
    """Writing, listing and deleting are distinguished, and objects from buckets."""
    client = client_of(
        filled, "s3", allow(["s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "s3:GetBucketVersioning"])
    )
    client.put_object(Bucket="bucket", Key="new", Body=b"x" * 100_000)
    client.list_objects_v2(Bucket="bucket", Prefix="n")
    client.get_bucket_versioning(Bucket="bucket")
    client.delete_object(Bucket="bucket", Key="new")
    assert {(action, resource) for _, action, resource in enforcement.used_permissions()} == {
        ("s3:PutObject", f"{BUCKET}/new"),
        ("s3:ListBucket", BUCKET),
        ("s3:GetBucketVersioning", BUCKET),
        ("s3:DeleteObject", f"{BUCKET}/new"),
    }


def test_a_copy_is_not_mistaken_for_a_write(filled: EmbeddedAws) -> None:
    """Copying also reads, so a role that may only write cannot copy."""
    client = client_of(filled, "s3", allow(["s3:PutObject", "s3:Get*"]))
    with pytest.raises(ClientError, match="s3:CopyObject"):
        client.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": "a key/ä"})


def test_deny_outweighs_allow(filled: EmbeddedAws) -> None:
    """The message names the explicit deny."""
    deny = {"Effect": "Deny", "Action": "s3:Get*", "Resource": f"{BUCKET}/a*"}
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        client_of(filled, "s3", allow("*"), deny).get_object(Bucket="bucket", Key="a key/ä")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action", "resource", "code"),
    [
        (
            "acm-pca",
            "revoke_certificate",
            {"CertificateAuthorityArn": AUTHORITY, "CertificateSerial": "01:02", "RevocationReason": "SUPERSEDED"},
            "acm-pca:RevokeCertificate",
            AUTHORITY,
            "AccessDeniedException",
        ),
        (
            "elbv2",
            "add_trust_store_revocations",
            {"TrustStoreArn": TRUST_STORE},
            "elasticloadbalancing:AddTrustStoreRevocations",
            TRUST_STORE,
            "AccessDenied",
        ),
        (
            "elbv2",
            "describe_trust_store_revocations",
            {"TrustStoreArn": TRUST_STORE},
            "elasticloadbalancing:DescribeTrustStoreRevocations",
            "*",
            "AccessDenied",
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "some-function"},
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-central-1:123456789012:function:some-function",
            "AccessDeniedException",
        ),
        (
            "cloudwatch",
            "put_metric_data",
            {"Namespace": "some", "MetricData": [{"MetricName": "some", "Value": 1.0}]},
            "cloudwatch:PutMetricData",
            "*",
            "AccessDeniedException",
        ),
        (
            "sns",
            "publish",
            {"TopicArn": "arn:aws:sns:eu-central-1:123456789012:topic", "Message": "some"},
            "sns:Publish",
            "arn:aws:sns:eu-central-1:123456789012:topic",
            "AccessDenied",
        ),
    ],
)
def test_each_service_has_its_own_actions_and_errors(  # noqa: PLR0913, PLR0917 - one row of the table
    aws: EmbeddedAws,
    service: str,
    operation: str,
    arguments: dict[str, Any],
    action: str,
    resource: str,
    code: str,
) -> None:
    """Action and resource are IAM's; the error has the service's own form, so boto3 reads its code."""
    with pytest.raises(ClientError) as refused:
        getattr(client_of(aws, service, allow("sqs:*")), operation)(**arguments)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert f"perform: {action} on resource: {resource} because" in error["Message"]


def test_administrators_and_presigned_urls_pass(filled: EmbeddedAws) -> None:
    """Policies apply only to calls that a role signs."""
    url = filled.client("s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a key/ä"})
    with urlopen(url) as response:  # noqa: S310 - of the embedded AWS
        assert response.read() == b"content"
    assert enforcement.used_permissions() == set()


def test_credentials_from_before_a_reset_are_refused(filled: EmbeddedAws) -> None:
    """An unknown key of a role is not an administrator's."""
    client = client_of(filled, "s3", allow("*"))
    filled.reset()
    with pytest.raises(ClientError) as refused:
        client.list_buckets()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_a_service_requires_more_permissions(filled: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """`require`, called while a request is handled, checks that request's caller."""

    def list_buckets(*_: object, **__: object) -> list[object]:
        enforcement.require("s3:PutObject", f"{BUCKET}/crl")
        return []

    monkeypatch.setattr("moto.s3.models.S3Backend.list_buckets", list_buckets)
    with pytest.raises(ClientError, match="perform: s3:PutObject on resource: arn:aws:s3:::bucket/crl"):
        client_of(filled, "s3", allow("s3:ListAllMyBuckets")).list_buckets()
    client_of(filled, "s3", allow(["s3:ListAllMyBuckets", "s3:PutObject"]), name="other").list_buckets()
    assert ("other", "s3:PutObject", f"{BUCKET}/crl") in enforcement.used_permissions()


def test_require_outside_a_request_checks_nothing(aws: EmbeddedAws) -> None:
    """A service that acts on its own has no caller."""
    enforcement.require("s3:PutObject", BUCKET)
    assert enforcement.used_permissions() == set()
    del aws


def test_unused_permissions_are_found(filled: EmbeddedAws) -> None:
    """Each action and resource of a statement counts by itself; AWS's own policies do not."""
    statement = allow(["s3:GetObject", "s3:PutObject"], [f"{BUCKET}/*", "arn:aws:s3:::other/*"])
    client_of(filled, "s3", statement).get_object(Bucket="bucket", Key="a key/ä")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    enforcement.add_managed_policy(arn)
    filled.client("iam").attach_role_policy(RoleName="role", PolicyArn=arn)
    assert enforcement.unused_permissions() == {
        ("role", "s3:GetObject", "arn:aws:s3:::other/*"),
        ("role", "s3:PutObject", "arn:aws:s3:::other/*"),
        ("role", "s3:PutObject", f"{BUCKET}/*"),
    }


def test_conditions_are_evaluated_or_raise_an_error(filled: EmbeddedAws) -> None:
    """A few keys are known; any other raises an error instead of a silent yes or no."""
    known = allow("s3:GetObject", Condition={"StringEquals": {"aws:ResourceAccount": "123456789012"}})
    client_of(filled, "s3", known).get_object(Bucket="bucket", Key="a key/ä")
    other = allow("s3:GetObject", Condition={"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}})
    with pytest.raises(ClientError, match="because no identity-based policy"):
        client_of(filled, "s3", other, name="other").get_object(Bucket="bucket", Key="a key/ä")
    filled.client("iam").put_role_policy(
        RoleName="other",
        PolicyName="own",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}})]}
        ),
    )
    with pytest.raises(PolicyNotEvaluated, match="Bool on aws:SecureTransport"):
        enforcement.is_allowed("other", "s3:GetObject", f"{BUCKET}/some")


def test_the_conditions_of_a_trust_policy_count(aws: EmbeddedAws) -> None:
    """A role that trusts a service for another account only cannot be assumed for this one."""
    role_arn = sandbox.role(aws)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for account, is_trusted in (("123456789012", True), ("999999999999", False)):
        statement = {**trust, "Condition": {"StringEquals": {"aws:sourceaccount": account}}}
        aws.client("iam").update_assume_role_policy(
            RoleName="role", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement})
        )
        with contextlib.nullcontext() if is_trusted else pytest.raises(ServiceError, match="unable to assume"):
            enforcement.assume_role(role_arn, "lambda.amazonaws.com", "session")


def test_not_action_and_not_resource(aws: EmbeddedAws) -> None:
    """The negated elements match what they do not list."""
    statement = {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": f"{BUCKET}/secret*"}
    sandbox.role(aws, statement)
    assert enforcement.is_allowed("role", "s3:GetObject", f"{BUCKET}/open")
    assert not enforcement.is_allowed("role", "s3:PutObject", f"{BUCKET}/open")
    assert not enforcement.is_allowed("role", "s3:GetObject", f"{BUCKET}/secret-1")
