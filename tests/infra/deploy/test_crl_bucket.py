"""What a bucket lacks before Private CA can write its CRL to it, and the stack notices it."""

import dataclasses
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.deploy.account import Account
from infra.deploy.crl_bucket import check_place, find_problems
from infra.deploy.crl_configuration import CertificateAuthority, read_ca, turn_on
from infra.deploy.parameters import ParameterRefused
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws

ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"
CA = CertificateAuthority(ARN, {})
SERVICE = {"Service": "acm-pca.amazonaws.com"}
RESOURCES = {"Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]}
ALL = ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"]


@pytest.fixture
def s3(shell: EmbeddedAws) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
    """Return a client of S3, which has a bucket of the user's own."""
    client = shell.client("s3")
    client.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": shell.settings.region})
    return client


def allow(actions: object = ALL, **more: object) -> dict[str, object]:
    """Return a statement that allows Private CA something."""
    return {"Effect": "Allow", "Principal": SERVICE, "Action": actions, **RESOURCES, **more}


def deny(**more: object) -> dict[str, object]:
    """Return a statement that denies something to everybody, unless it names a principal."""
    principal = {} if "NotPrincipal" in more else {"Principal": "*"}
    return {"Effect": "Deny", **principal, **RESOURCES, **more}


def if_equal(**keys: str) -> dict[str, object]:
    """Return a condition on global keys, whose names have an underscore for the colon."""
    return {"Condition": {"StringEquals": {name.replace("_", ":"): value for name, value in keys.items()}}}


def test_everything_that_is_lacking_can_be_fixed(s3: Any, account: Account) -> None:  # noqa: ANN401 - see above
    """Versions, events and the policy; afterwards nothing is found, and what was there before is kept."""
    s3.put_bucket_policy(
        Bucket="mine", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:PutObject")]})
    )
    findings = list(find_problems(CA, "mine", "lists", account))
    assert [
        word
        for word, finding in zip(("is not versioned", "EventBridge", "s3:PutObjectAcl"), findings, strict=True)
        if word not in finding.text
    ] == []
    assert "s3:PutObject," not in findings[2].text
    for finding in findings:
        assert finding.what_to_do.startswith("aws s3api put-bucket-")
        assert finding.fix is not None
        finding.fix()
    assert list(find_problems(CA, "mine", "lists", account)) == []
    statements = json.loads(s3.get_bucket_policy(Bucket="mine")["Policy"])["Statement"]
    assert statements[0] == allow("s3:PutObject")
    assert statements[1]["Condition"]["StringEquals"]["aws:SourceArn"] == ARN


POLICIES = [
    pytest.param([allow()], None, id="all actions"),
    pytest.param([allow(["s3:Put*", "s3:getbucket*"])], None, id="wildcards and another case"),
    pytest.param([allow("s3:*"), allow("s3:GetObject")], None, id="several statements"),
    pytest.param([allow(Resource="arn:aws:s3:::*")], None, id="every bucket"),
    pytest.param([allow(**if_equal(aws_SourceAccount="123456789012"))], None, id="own account"),
    pytest.param([allow(**if_equal(aws_SourceAccount="210987654321"))], "does not allow", id="another account"),
    pytest.param([allow(**if_equal(aws_SourceArn=f"{ARN}b"))], "does not allow", id="another CA alone"),
    pytest.param(
        [allow(**if_equal(aws_SourceArn=f"{ARN}b")), allow(**if_equal(aws_SourceArn=ARN))], None, id="two CAs"
    ),
    pytest.param([allow(Resource="arn:aws:s3:::mine/*")], "s3:GetBucketAcl, s3:GetBucketLocation", id="objects alone"),
    pytest.param(
        [allow(Resource=["arn:aws:s3:::mine", "arn:aws:s3:::mine/lists/*"])],
        "s3:PutObject, s3:Put",
        id="the folder alone",
    ),
    pytest.param([allow(Resource="arn:aws:s3:::mine")], "does not allow acm-pca", id="the bucket alone"),
    pytest.param([allow(Principal={"AWS": "123456789012"})], "does not allow", id="an account"),
    pytest.param([allow(Principal="*")], None, id="everybody"),
    pytest.param([allow(), deny(Action="s3:PutObject")], "A Deny .* keeps .* from s3:PutObject for", id="Deny"),
    pytest.param(
        [allow(), deny(Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})], None, id="TLS alone"
    ),
    pytest.param(
        [allow(), deny(Action="s3:*", Condition={"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}})],
        None,
        id="services excepted",
    ),
    pytest.param([allow(), deny(NotPrincipal={"AWS": ARN}, Action="s3:DeleteObject")], None, id="Deny of deletion"),
    pytest.param(
        [allow(), deny(NotPrincipal={"AWS": ARN}, Action="s3:GetBucketAcl")],
        "A Deny .*:GetBucketAcl",
        id="NotPrincipal",
    ),
    pytest.param(
        [allow(), deny(Action="*", Condition={"IpAddress": {"aws:SourceIp": "::/0"}})],
        r"could not be evaluated \(IpAddress on aws:SourceIp",
        id="not evaluated",
    ),
]


@pytest.mark.parametrize(("statements", "message"), POLICIES)
def test_policies(shell: EmbeddedAws, s3: Any, account: Account, statements: list[object], message: str | None) -> None:  # noqa: ANN401 - see above
    """They are judged as Private CA fares with them, and the fix helps where one is offered."""
    ca = CertificateAuthority(PrivateCa.create_root(shell, "Root").arn, {})
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace(ARN, ca.arn)
    s3.put_bucket_policy(Bucket="mine", Policy=policy)
    found = [each for each in find_problems(ca, "mine", "lists", account) if "policy of" in each.text]
    assert [bool(re.search(message or "", each.text)) for each in found] == [True] * (message is not None)
    assert can_write(ca) == (not found)
    for finding in found:
        if finding.fix:
            finding.fix()
            assert can_write(ca)


def can_write(ca: CertificateAuthority) -> bool:
    """Return whether Private CA takes the bucket for its CRL, which it tries before."""
    try:
        turn_on(ca, "mine", "lists")
    except ClientError:
        return False
    return True


@pytest.mark.parametrize(
    ("acl", "configure", "message"),
    [
        ("BUCKET_OWNER_FULL_CONTROL", None, None),
        ("PUBLIC_READ", None, None),
        ("PUBLIC_READ", "block", "the bucket blocks public ACLs"),
        ("PUBLIC_READ", "ownership", "its ACLs are disabled"),
    ],
)
def test_acl_that_s3_refuses(  # noqa: PLR0913, PLR0917 - fixtures and a row of a table
    shell: EmbeddedAws,
    s3: Any,  # noqa: ANN401 - see above
    account: Account,
    acl: str,
    configure: str | None,
    message: str | None,
) -> None:
    """Public ACLs need a bucket and an account that allow them; the fix asks for another ACL."""
    arn = PrivateCa.create_root(shell, "Root").arn
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow()]}))
    s3.put_public_access_block(Bucket="mine", PublicAccessBlockConfiguration={"BlockPublicAcls": configure == "block"})
    if configure == "ownership":
        rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        s3.put_bucket_ownership_controls(Bucket="mine", OwnershipControls=rules)
    on = {"Enabled": True, "S3BucketName": "mine", "S3ObjectAcl": acl, "CustomPath": "lists", "ExpirationInDays": 7}
    found = [
        each
        for each in find_problems(CertificateAuthority(arn, {"CrlConfiguration": on}), "mine", "lists", account)
        if "ACL" in each.text
    ]
    assert [message in each.text for each in found if message] == [True] * (message is not None)
    assert len(found) == (message is not None)
    for finding in found:
        assert finding.fix is not None
        finding.fix()
        assert read_ca(arn).crl["S3ObjectAcl"] == "BUCKET_OWNER_FULL_CONTROL"


@pytest.mark.usefixtures("s3")
def test_place(account: Account) -> None:
    """The bucket must be there, in this Region."""
    check_place("mine", account)
    with pytest.raises(ParameterRefused, match="s3://nowhere does not exist"):
        check_place("nowhere", account)
    with pytest.raises(ParameterRefused, match="s3://mine is in eu-central-1, wanted: eu-west-1"):
        check_place("mine", dataclasses.replace(account, region="eu-west-1"))
