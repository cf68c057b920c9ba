"""IAM policies are evaluated as IAM's grammar defines; what is not known raises an error."""

import json
import re
from typing import Any

import pytest

from infra.iam_policy import Decision, PolicyNotEvaluated, Principal, Request, evaluate, is_service_allowed

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session"
CA = f"arn:aws:acm-pca:eu-central-1:{ACCOUNT}:certificate-authority/one"
SERVICE = "acm-pca.amazonaws.com"
ALLOW: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": SERVICE},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::bucket/*",
}
DENY_ALL = {**ALLOW, "Effect": "Deny", "Principal": "*"}
IDENTITY = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*"}


def is_allowed(*statements: dict[str, Any]) -> bool:
    """Return whether a bucket policy lets Private CA write its CRL."""
    return is_service_allowed(
        json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        service=SERVICE,
        action="s3:PutObject",
        resource="arn:aws:s3:::bucket/crl/one.crl",
        source_arn=CA,
        source_account=ACCOUNT,
    )


def decide(
    *statements: dict[str, Any],
    principal: Principal | None = None,
    action: str = "s3:PutObject",
    resource: str | None = "arn:aws:s3:::bucket/crl/one.crl",
    **keys: str,
) -> Decision:
    """Return what a policy decides about a request; without a principal it is an identity policy."""
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return evaluate([policy], Request(action, resource, principal, keys, has_every_key=True))


def test_a_bucket_without_a_policy_allows_no_service() -> None:
    """A service has no identity policy in the customer's account, so the bucket's must name it."""
    arguments = {"service": SERVICE, "action": "s3:PutObject", "resource": "*"}
    assert not is_service_allowed(None, **arguments, source_arn=CA, source_account=ACCOUNT)


def test_a_statement_for_the_service_allows_it() -> None:
    """Principal, action and resource match, the latter by wildcard."""
    assert is_allowed(ALLOW)


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": "elasticloadbalancing.amazonaws.com"}},
        {"Principal": {"AWS": ROOT}},
        {"Action": ["s3:GetObject", "s3:PutObjectAcl"]},
        {"Resource": "arn:aws:s3:::bucket"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:*:*:certificate-authority/two"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_a_statement_that_does_not_match_allows_nothing(change: dict[str, Any]) -> None:
    """The principal, action or resource differs, or a condition is not met."""
    assert not is_allowed({**ALLOW, **change})


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"AWS:sourceaccount": ["111111111111", ACCOUNT]}},
        {"StringEqualsIgnoreCase": {"aws:SourceArn": CA.upper()}},
        {"StringLike": {"aws:SourceArn": "*:certificate-authority/o?e"}},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:acm-pca:*:123456789012:certificate-authority/*"}},
        {"ArnLike": {"aws:SourceArn": "*"}},
        {"ArnNotLike": {"aws:SourceArn": "arn:aws:acm-pca:*:certificate-authority/*"}},  # five parts of six
        {"StringNotEquals": {"aws:SourceAccount": ["999999999999", "111111111111"]}},
        {"StringNotLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
        {"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
        {"Bool": {"aws:SecureTransport": True}},
        {"Bool": {"aws:PrincipalIsAWSService": "true"}},
        {"Null": {"aws:SourceVpc": "true", "aws:SourceArn": False}},
        {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": CA}, "Bool": {"aws:SecureTransport": "true"}},
    ],
)
def test_a_condition_that_is_met(condition: dict[str, Any]) -> None:
    """One of several values is enough; keys are case-insensitive; an absent key satisfies ...IfExists and Not...."""
    assert is_allowed({**ALLOW, "Condition": condition})


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"aws:SourceAccount": ["999999999999", ACCOUNT]}},
        {"StringNotEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
        {"ArnNotEquals": {"aws:SourceArn": CA}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Null": {"aws:SourceArn": "true"}},
        {"Null": {"aws:SourceVpc": "false"}},
        {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceVpc": "vpc-1"}},
        {"StringEquals": {"aws:SourceArn": CA.upper()}},
    ],
)
def test_a_condition_that_is_not_met(condition: dict[str, Any]) -> None:
    """Each key of each operator must be met; none of a negated operator's values may match."""
    assert not is_allowed({**ALLOW, "Condition": condition})


def test_an_explicit_deny_outweighs_an_allow() -> None:
    """The order of the statements does not matter."""
    assert not is_allowed(ALLOW, DENY_ALL)
    assert not is_allowed(DENY_ALL, ALLOW)
    deny = {**IDENTITY, "Effect": "Deny", "Action": "s3:*"}
    assert decide(IDENTITY, deny) is Decision.EXPLICIT_DENY
    assert decide(deny) is Decision.EXPLICIT_DENY
    assert decide({**IDENTITY, "Action": "s3:GetObject"}) is Decision.IMPLICIT_DENY


def test_a_deny_of_plain_http_leaves_the_service_alone() -> None:
    """The usual statement against insecure transport does not keep Private CA out."""
    assert is_allowed(ALLOW, {**DENY_ALL, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})


def test_a_deny_outside_the_organization_may_except_services() -> None:
    """A service belongs to no organization, so only aws:PrincipalIsAWSService excepts it."""
    outside = {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}
    assert not is_allowed(ALLOW, {**DENY_ALL, "Condition": outside})
    excepted = {**outside, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    assert is_allowed(ALLOW, {**DENY_ALL, "Condition": excepted})


def test_a_single_statement_needs_no_list() -> None:
    """Nor does a single action or resource."""
    request = Request("s3:PutObject", "arn:aws:s3:::bucket/key", None, {}, has_every_key=True)
    assert evaluate([json.dumps({"Statement": IDENTITY})], request) is Decision.ALLOWED


@pytest.mark.parametrize("action", ["S3:putOBJECT", "s3:Put*", "s3:P?tObject", "*", ["s3:GetObject", "s3:PutObject"]])
def test_actions_are_case_insensitive_and_have_wildcards(action: object) -> None:
    """`*` is any text, `?` one character."""
    assert is_allowed({**ALLOW, "Action": action})


@pytest.mark.parametrize(
    ("resource", "matches"),
    [
        ("arn:aws:s3:::bucket/crl/???.crl", True),
        ("arn:aws:s3:::bucket/CRL/one.crl", False),
        ("arn:aws:s3:::bucket/crl/one?crl?", False),
        ("arn:aws:s3:::bucket/crl/[o]ne.crl", False),
        (["arn:aws:s3:::other/*", "*/one.crl"], True),
    ],
)
def test_resources_are_case_sensitive(resource: object, matches: bool) -> None:  # noqa: FBT001 - a row's own
    """A wildcard may reach beyond slashes; nothing but `*` and `?` is special."""
    assert is_allowed({**ALLOW, "Resource": resource}) is matches


def test_not_action_matches_every_other_action() -> None:
    """In a Deny it denies all but the actions it lists."""
    all_but = {**{key: value for key, value in DENY_ALL.items() if key != "Action"}, "NotAction": "S3:put*"}
    assert is_allowed(ALLOW, all_but)
    assert not is_allowed(ALLOW, {**all_but, "NotAction": ["s3:GetObject", "s3:ListBucket"]})


def test_not_resource_matches_every_other_resource() -> None:
    """In a Deny it denies all but the resources it lists."""
    all_but = {key: value for key, value in DENY_ALL.items() if key != "Resource"}
    assert is_allowed(ALLOW, {**all_but, "NotResource": "arn:aws:s3:::bucket/crl/*"})
    assert not is_allowed(ALLOW, {**all_but, "NotResource": ["arn:aws:s3:::bucket/CRL/*", "arn:aws:s3:::bucket"]})


@pytest.mark.parametrize(
    ("excepted", "allowed"),
    [
        ({"Service": SERVICE}, True),
        ({"Service": ["logs.amazonaws.com", SERVICE], "AWS": ROLE}, True),
        ("*", True),
        ({"AWS": ROLE}, False),
        ({"Service": "logs.amazonaws.com"}, False),
    ],
)
def test_not_principal_denies_all_but_those_it_lists(excepted: object, allowed: bool) -> None:  # noqa: FBT001 - a row's own
    """A service that it does not list is denied too."""
    deny = {**{key: value for key, value in DENY_ALL.items() if key != "Principal"}, "NotPrincipal": excepted}
    assert is_allowed(ALLOW, deny) is allowed


@pytest.mark.parametrize(
    ("listed", "matches"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ACCOUNT}, True),
        ({"AWS": ["999999999999", ROOT]}, True),
        ({"AWS": ROLE}, True),
        ({"AWS": SESSION}, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}, False),
        ({"AWS": "999999999999"}, False),
        ({"Service": ROLE}, False),
    ],
)
def test_role_session_is_listed_by_account_role_or_itself(listed: object, matches: bool) -> None:  # noqa: FBT001 - a row's own
    """A wildcard stands for everybody, not for a part of a name."""
    principal = Principal.account(ACCOUNT, ROLE, SESSION)
    assert (decide({**ALLOW, "Principal": listed}, principal=principal) is Decision.ALLOWED) is matches


def test_not_principal_excepts_a_role_session_only_with_its_role_and_account() -> None:
    """IAM evaluates the account first, then the role, then the session."""
    principal = Principal.account(ACCOUNT, ROLE, SESSION)
    deny = {key: value for key, value in DENY_ALL.items() if key != "Principal"}
    listed = {**deny, "NotPrincipal": {"AWS": [ROLE, SESSION]}}
    assert decide(listed, principal=principal) is Decision.EXPLICIT_DENY
    listed = {**deny, "NotPrincipal": {"AWS": [ROLE, SESSION, ACCOUNT]}}
    assert decide(listed, principal=principal) is Decision.IMPLICIT_DENY


def test_a_trust_policy_has_no_resource() -> None:
    """The role that it belongs to is the resource; its conditions count."""
    trust = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    request: dict[str, Any] = {
        "principal": Principal.service(SERVICE),
        "action": "sts:AssumeRole",
        "resource": None,
    }
    assert decide(trust, **request) is Decision.ALLOWED
    condition = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
    assert decide({**trust, "Condition": condition}, **request) is Decision.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "IpAddress on aws:SourceIp: the operator"),
        ({"Condition": {"NumericLessThan": {"s3:max-keys": "10"}}}, "NumericLessThan on s3:max-keys: the operator"),
        ({"Condition": {"NotStringEquals": {"aws:SourceAccount": ACCOUNT}}}, "NotStringEquals on aws:SourceAccount: "),
        ({"Condition": {"NullIfExists": {"aws:SourceVpc": "true"}}}, "NullIfExists on aws:SourceVpc: the operator"),
        ({"Condition": {"StringEquals": {"aws:SourceArn": "${aws:PrincipalArn}"}}}, "variable in ${aws:PrincipalArn}"),
        ({"Resource": "arn:aws:s3:::bucket/${aws:username}/*"}, "variable in arn:aws:s3:::bucket/${aws:username}/*"),
        ({"Effect": "allow"}, "Effect allow in"),
        ({"NotAction": "s3:GetObject"}, "not exactly one of Action and NotAction in"),
        ({"Principal": SERVICE}, f"Principal {SERVICE} in"),
        ({"Unknown": "element"}, "['Unknown'] in"),
    ],
)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_is_not_known_raises_an_error(effect: str, change: dict[str, Any], message: str) -> None:
    """It must not count as an Allow, and not as the absence of a Deny."""
    with pytest.raises(PolicyNotEvaluated, match=re.escape(message)):
        is_allowed(ALLOW, {**ALLOW, "Effect": effect, **change})


def test_a_value_that_is_not_known_raises_an_error() -> None:
    """Unless the request has no other keys, a key that is missing may have any value."""
    policy = {"Statement": {**IDENTITY, "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}}
    request = Request("s3:PutObject", "arn:aws:s3:::bucket/key", None, {}, has_every_key=False)
    with pytest.raises(PolicyNotEvaluated, match="StringNotEquals on aws:SourceVpc"):
        evaluate([policy], request)


@pytest.mark.parametrize("missing", ["Action", "Resource"])
def test_a_statement_must_have_its_elements(missing: str) -> None:
    """Resource and identity policies name actions and resources."""
    with pytest.raises(PolicyNotEvaluated, match=f"not exactly one of {missing}"):
        decide({key: value for key, value in IDENTITY.items() if key != missing})


def test_a_principal_belongs_into_resource_policies_alone() -> None:
    """An identity policy has none, a resource policy needs one."""
    with pytest.raises(PolicyNotEvaluated, match="of an identity policy"):
        decide(ALLOW)
    with pytest.raises(PolicyNotEvaluated, match="not exactly one of Principal"):
        is_allowed(IDENTITY)
