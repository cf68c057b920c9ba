"""Whether a bucket policy lets an AWS service in."""

import json
from typing import Any

import pytest

from infra.local.iam import policy as bucket_policy

SERVICE = "acm-pca.amazonaws.com"
CONTEXT = {
    "aws:SourceAccount": "123456789012",
    "aws:SourceArn": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/one",
    "aws:SecureTransport": "true",
}
ALLOW: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": SERVICE},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::bucket/*",
}


def _allows(*statements: dict[str, Any]) -> bool:
    return bucket_policy.allows(
        json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        service=SERVICE,
        action="s3:PutObject",
        resource="arn:aws:s3:::bucket/crl/one.crl",
        context=CONTEXT,
    )


def test_a_bucket_without_a_policy_lets_no_service_in() -> None:
    """A service has no identity policy in the customer's account, so the bucket's must name it."""
    assert not bucket_policy.allows(None, service=SERVICE, action="s3:PutObject", resource="*", context={})


def test_a_statement_for_the_service_lets_it_in() -> None:
    """Principal, action and resource match, the latter by wildcard."""
    assert _allows(ALLOW)


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": "elasticloadbalancing.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Action": ["s3:GetObject", "s3:PutObjectAcl"]},
        {"Resource": "arn:aws:s3:::bucket"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:*:*:certificate-authority/two"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    ],
)
def test_a_statement_that_does_not_match_lets_nobody_in(change: dict[str, Any]) -> None:
    """Another principal, action or resource, a condition that fails, or one that cannot be read."""
    assert not _allows({**ALLOW, **change})


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"AWS:sourceaccount": ["111111111111", "123456789012"]}},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:acm-pca:*:123456789012:certificate-authority/*"}},
        {"StringNotEquals": {"aws:SourceAccount": "999999999999"}},
        {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
        {"Bool": {"aws:SecureTransport": True}},
    ],
)
def test_a_condition_that_holds_lets_in(condition: dict[str, Any]) -> None:
    """One of several values is enough; keys have no case; what is absent passes IfExists."""
    assert _allows({**ALLOW, "Condition": condition})


def test_a_deny_outweighs_an_allow() -> None:
    """An explicit deny wins, whichever comes first."""
    assert not _allows(ALLOW, {**ALLOW, "Effect": "Deny", "Principal": "*"})


def test_a_deny_of_plain_http_leaves_the_service_alone() -> None:
    """The usual statement against insecure transport does not keep Private CA out."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    assert _allows(ALLOW, {**ALLOW, "Effect": "Deny", "Principal": "*", "Condition": insecure})


def test_a_deny_that_cannot_be_read_denies() -> None:
    """What this evaluator does not know never helps the caller."""
    unknown = {"NumericLessThan": {"s3:max-keys": "10"}}
    assert not _allows(ALLOW, {**ALLOW, "Effect": "Deny", "Principal": "*", "Condition": unknown})
