"""The template's parameters are checked before anything is deployed."""

import pytest

from infra.deploy import parameters
from infra.deploy.account import Account
from infra.deploy.parameters import ParameterRefused, check, check_all, definitions
from infra.template import load_template

HERE = Account("123456789012", "eu-central-1", "arn:aws:iam::123456789012:user/operator")
CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"
STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/clients/0a1b2c3d4e5f6789"


def test_every_parameter_is_asked_for_and_described() -> None:
    """Each is in a group, and each default is a value that the template accepts."""
    assert definitions().keys() == load_template()["Parameters"].keys()
    for name, definition in definitions().items():
        assert definition["Description"].strip().endswith("."), name
        if "Default" in definition:
            check(name, str(definition["Default"]), HERE, {})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CertificateAuthorityArn", "arn:aws:s3:::x", "must be the ARN of a CA"),
        ("CertificateAuthorityArn", "", "is empty"),
        ("CertificateAuthorityArn", CA.replace("eu-central-1", "us-east-1"), "in us-east-1. A stack serves"),
        ("CertificateAuthorityArn", CA.replace("123456789012", "210987654321"), "of account 210987654321"),
        ("CertificateAuthorityArn", CA.replace("arn:aws:", "arn:aws-cn:"), "deploy it there"),
        ("TrustStoreArns", "arn:aws:x:bogus", "'arn:aws:x:bogus', wanted: arn:aws:elasticloadbalancing:eu-central-1:1"),
        ("TrustStoreArns", f"{STORE}, {STORE}", "several between commas without blanks"),
        ("TrustStoreArns", f"{STORE},{STORE.replace('eu-central-1', 'us-east-1')}", "in us-east-1"),
        ("NotificationEmail", "not-an-email", "must be one mail address"),
        ("LogRetentionDays", "7777", "must be one of 1, 3, 5"),
        ("DeadlineSeconds", "soon", "must be a whole number"),
        ("DeadlineSeconds", "-1", "must be a whole number"),
        ("DeadlineSeconds", "0", "must be at least 1"),
        ("DeadlineSeconds", "5", "must be more than PollIntervalSeconds, which is 60"),
        ("DeadlineSeconds", "24001", "more than 400 polls at PollIntervalSeconds 60"),
        ("GiveWaySeconds", "60", "must be more than PollIntervalSeconds, which is 60"),
        ("MaxDroppedEntriesPercent", "101", "must be at most 100"),
        ("ReconcileSchedule", "hourly", "must be rate(…)"),
        ("CrlFolder", "crl\\ca", "not contain a backslash"),
        ("AcceptNamesakes", "yes", "must be one of true, false"),
    ],
)
def test_refused_at_once(name: str, value: str, message: str) -> None:
    """The message has the parameter, the value and the constraint."""
    with pytest.raises(ParameterRefused, match=f"^{name} ") as refused:
        check(name, value, HERE, {})
    assert message in str(refused.value)


def test_accepted() -> None:
    """Of this account and Region, and fitting each other."""
    check_all({"CertificateAuthorityArn": CA, "TrustStoreArns": f"{STORE},{STORE}", "NotificationEmail": "a@b.c"}, HERE)
    check("GiveWaySeconds", "20", HERE, {"PollIntervalSeconds": "10"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "CertificateAuthorityArn must be given"),
        ({"CertificateAuthorityArn": CA, "Nonsense": "1"}, "no parameter Nonsense: infra/README.md lists"),
        (
            {"CertificateAuthorityArn": CA, "DeadlineSecond": "1"},
            r"no parameter DeadlineSecond: did you mean DeadlineSeconds\?",
        ),
        ({"CertificateAuthorityArn": CA, "PollIntervalSeconds": "90"}, "GiveWaySeconds is 90, and must be more than"),
    ],
)
def test_a_stack_that_would_not_work(values: dict[str, str], message: str) -> None:
    """What is missing, unknown or contradictory is named."""
    with pytest.raises(ParameterRefused, match=message):
        check_all(values, HERE)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("A=1 B=", {"A": "1", "B": ""}),
        ("A='rate(1 hour)' B=\"x=y, z\"", {"A": "rate(1 hour)", "B": "x=y, z"}),
    ],
)
def test_parsing(text: str, values: dict[str, str]) -> None:
    """As a shell reads it."""
    assert parameters.parse(text) == values


@pytest.mark.parametrize("text", ["A", "A='", "A=1 2"])
def test_text_that_cannot_be_parsed(text: str) -> None:
    """It is refused with an explanation."""
    with pytest.raises(ParameterRefused, match="PARAMETERS "):
        parameters.parse(text)
