"""What `make deploy` asks, keeps, looks at and mends around SAM; SAM's own part needs CloudFormation, so an account."""

import argparse
import io
import json
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from rich.prompt import Prompt

from infra import crl_bucket
from infra import deploy as operator
from infra.local import deploy as embedded
from infra.local import intrinsics
from infra.local.authority import Authority
from infra.local.laboratory import laboratory
from infra.local.server import EmbeddedAws

PARAMETERS = intrinsics.load(operator.TEMPLATE)["Parameters"]
ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"


@pytest.fixture
def shell(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """Return the embedded AWS with a shell's environment that leads to it."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return aws


def options(tmp_path: Path, *arguments: str) -> argparse.Namespace:
    """Read arguments as the command line does."""
    return operator._options([*arguments, "--config", str(tmp_path / "samconfig.toml")])  # noqa: SLF001


def test_every_parameter_says_what_it_is() -> None:
    """The first run shows it, and a default is one that the template takes."""
    for name, definition in PARAMETERS.items():
        assert definition["Description"].strip().endswith("."), name
        if "Default" in definition:
            operator.check(name, str(definition["Default"]), definition)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CertificateAuthorityArn", "arn:aws:s3:::x", "must match"),
        ("DeadlineSeconds", "soon", "must be a whole number"),
        ("DeadlineSeconds", "0", "must be at least 1"),
        ("TrustStoreArns", "", "has no default"),
        ("ReconcileSchedule", "hourly", "must match"),
    ],
)
def test_what_the_template_would_refuse_is_refused_at_once(name: str, value: str, told: str) -> None:
    """With the value, and what is wanted."""
    with pytest.raises(operator.ParameterRefused, match=told):
        operator.check(name, value, PARAMETERS[name])


def test_unknown_and_missing_parameters_are_named(tmp_path: Path) -> None:
    """Before anything is deployed."""
    with pytest.raises(operator.ParameterRefused, match="no parameter Nonsense"):
        operator.up(options(tmp_path, "up", "Nonsense=1"), Console())
    with pytest.raises(operator.ParameterRefused, match="TrustStoreArns must be given"):
        operator.up(options(tmp_path, "up", f"CertificateAuthorityArn={ARN}"), Console())


def test_answers_are_kept_as_sam_reads_them(tmp_path: Path) -> None:
    """What was answered is there at the next run, and SAM itself can read the file."""
    config = tmp_path / "samconfig.toml"
    given = {"CertificateAuthorityArn": ARN, "TrustStoreArns": "a,b", "ReconcileSchedule": "rate(2 hours)"}
    operator.write_config(config, "stack", "eu-west-1", {**given, "CrlBucketName": ""})
    assert operator.read_config(config) == ("stack", "eu-west-1", given)


def test_sam_takes_the_command(tmp_path: Path) -> None:
    """The real sam reads the config and the template; it stops where an account would be needed."""
    config = tmp_path / "samconfig.toml"
    operator.write_config(config, "stack", "eu-west-1", {"CertificateAuthorityArn": ARN, "TrustStoreArns": "a"})
    if not operator.SAM.exists():
        pytest.skip("sam is installed by make lint and make deploy")
    environment = {"PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    command: list[str | Path] = [operator.SAM, "deploy", "--template-file", operator.TEMPLATE, "--config-file", config]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode
    assert "Unable to locate credentials" in ran.stdout + ran.stderr


def test_the_first_run_asks_and_offers_what_is_there(shell: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter with its meaning; CAs and trust stores of the account to choose from; a wrong answer again."""
    root = Authority.create_root(shell, "Root")
    answers = iter(["nonsense", root.arn, "arn:x"])
    monkeypatch.setattr(Prompt, "ask", lambda _name, default, **_: next(answers, default))
    shown = Console(file=io.StringIO(), width=200)
    given = operator.ask(shown, shell.settings.region)
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    assert given["CertificateAuthorityArn"] == root.arn
    assert f"{root.arn} (ACTIVE)" in text
    assert "'nonsense', and must match" in text
    assert all(name in text for name in PARAMETERS)
    assert given["GiveWaySeconds"] == "90"


def test_a_ca_without_a_crl_is_pointed_to_the_stacks_bucket(shell: EmbeddedAws, tmp_path: Path) -> None:
    """It is told before and after, with both values, and the bucket that the stack made does its part."""
    region = shell.settings.region
    with laboratory(shell, tmp_path / "pki") as lab:
        bucket, arn = lab.outputs["CrlBucketName"], lab.authority.arn
        assert crl_bucket.differs(arn, bucket, region) is None
        # moto's GetBucketNotificationConfiguration leaves EventBridge out.
        assert [each for each in crl_bucket.faults(arn, bucket, region) if "EventBridge" not in each] == []
        other = crl_bucket.differs(arn, "elsewhere", region)
        assert other
        assert bucket in other
        assert "elsewhere" in other
        off = {"CrlConfiguration": {"Enabled": False}}
        client = shell.client("acm-pca")
        client.update_certificate_authority(CertificateAuthorityArn=arn, RevocationConfiguration=off)
        assert "publishes no CRL" in (crl_bucket.differs(arn, bucket, region) or "")
        assert bucket in crl_bucket.turn_on(arn, bucket, region)
        assert crl_bucket.differs(arn, bucket, region) is None
        embedded.destroy(shell, "mtls-revocation")


def test_what_an_existing_bucket_lacks_is_told(shell: EmbeddedAws) -> None:
    """Versions, events, and Private CA in its policy; one that lets it do part of it lacks the rest."""
    s3, region = shell.client("s3"), shell.settings.region
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": region})
    told = list(crl_bucket.faults(ARN, "mine", region))
    assert [word for word in ("not versioned", "EventBridge", "s3:PutObjectAcl") if word not in " ".join(told)] == []
    statement = {"Effect": "Allow", "Principal": {"Service": "acm-pca.amazonaws.com"}, "Action": "s3:PutObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": "arn:aws:s3:::mine/*"}]}
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))
    (*_, lacking) = crl_bucket.faults(ARN, "mine", region)
    assert "s3:PutObjectAcl" in lacking
    assert "s3:PutObject," not in lacking
