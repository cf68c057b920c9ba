"""What `make deploy` and `make destroy` do, with the real SAM, and what they ask, keep, check and correct around it."""

import argparse
import io
import json
import subprocess
import time
import tomllib
from pathlib import Path

import pytest
from rich.console import Console
from rich.prompt import Prompt

from functions.pki import serial_number
from infra.deploy import crl_bucket, deploy
from infra.deploy.config import read_config, write_config
from infra.deploy.parameters import ParameterRefused, ask_parameters, check_parameter
from infra.local.cloudformation import deploy as embedded
from infra.local.lab.lab import create_trust_store, deployed_lab
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from infra.template import load_template

PARAMETERS = load_template()["Parameters"]
ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"


@pytest.fixture
def shell(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """Return the embedded AWS, with the environment of a shell that uses it."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return aws


def options(tmp_path: Path, *arguments: str) -> argparse.Namespace:
    """Read arguments as the command line does."""
    return deploy.parse_options([*arguments, "--config", str(tmp_path / "samconfig.toml")])


def test_every_parameter_has_a_description() -> None:
    """The first run shows it; each default is a value that the template accepts."""
    for name, definition in PARAMETERS.items():
        assert definition["Description"].strip().endswith("."), name
        if "Default" in definition:
            check_parameter(name, str(definition["Default"]), definition)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CertificateAuthorityArn", "arn:aws:s3:::x", "must match"),
        ("DeadlineSeconds", "soon", "must be a whole number"),
        ("DeadlineSeconds", "0", "must be at least 1"),
        ("CertificateAuthorityArn", "", "must match"),
        ("ReconcileSchedule", "hourly", "must match"),
        ("CrlFolder", "crl\\ca", "must not contain a backslash"),
    ],
)
def test_value_that_the_template_refuses_is_refused_at_once(name: str, value: str, message: str) -> None:
    """The message has the constraint."""
    with pytest.raises(ParameterRefused, match=message):
        check_parameter(name, value, PARAMETERS[name])


def test_unknown_and_missing_parameters_are_named(tmp_path: Path) -> None:
    """They are refused before anything is deployed."""
    with pytest.raises(ParameterRefused, match="no parameter Nonsense"):
        deploy.deploy_stack(options(tmp_path, "up", "Nonsense=1"), Console())
    with pytest.raises(ParameterRefused, match="CertificateAuthorityArn must be given"):
        deploy.deploy_stack(options(tmp_path, "up", "TrustStoreArns=a"), Console())


READ_PARAMETERS = """
import json, sys, tomllib
from samcli.cli.types import CfnParameterOverridesType
overrides = tomllib.load(open(sys.argv[1], "rb"))["default"]["deploy"]["parameters"]["parameter_overrides"]
print(json.dumps(CfnParameterOverridesType().convert(overrides, None, None)))
"""


def test_sam_reads_the_parameters_unchanged(tmp_path: Path) -> None:
    """Blanks, commas, equals signs and quotation marks reach SAM unchanged; an empty answer is left to the default."""
    config = tmp_path / "samconfig.toml"
    parameters = {
        "CertificateAuthorityArn": ARN,
        "TrustStoreArns": "a,b",
        "ReconcileSchedule": "cron(0 0/2 * * ? *)",
        "CrlFolder": "a b = 'c' \"d\"",
        "CrlBucketName": '"quoted"',
        "NotificationEmail": "'",
    }
    write_config(config, "stack", "eu-west-1", {**parameters, "DeadlineSeconds": ""})
    assert read_config(config) == ("stack", "eu-west-1", parameters)
    python = deploy.SAM.with_name("python")
    read = subprocess.run([python, "-c", READ_PARAMETERS, config], capture_output=True, text=True, check=True)
    assert json.loads(read.stdout) == parameters


def test_config_with_a_list_of_parameters_is_upgraded(tmp_path: Path) -> None:
    """Earlier versions wrote a list; it becomes a table before SAM reads it, and other settings stay."""
    config = tmp_path / "samconfig.toml"
    write_config(config, "stack", "eu-west-1", {})
    table = "[default.deploy.parameters.parameter_overrides]"
    earlier = 'parameter_overrides = [\n  "ReconcileSchedule=rate(1 hour)"\n]\nrole_arn = "arn:x"'
    config.write_text(config.read_text().replace(table, earlier))
    assert read_config(config) == ("stack", "eu-west-1", {"ReconcileSchedule": "rate(1 hour)"})
    parameters = tomllib.loads(config.read_text())["default"]["deploy"]["parameters"]
    assert parameters["parameter_overrides"] == {"ReconcileSchedule": "rate(1 hour)"}
    assert (parameters["role_arn"], parameters["resolve_s3"]) == ("arn:x", True)


def test_deployed_twice_and_destroyed(
    shell: EmbeddedAws, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guided deploy with its defaults works, a second run changes nothing, and the last removes the stack."""
    root = PrivateCa.create_root(shell, "Root")
    authority = PrivateCa.create_under(root, "CA")
    config = ["--config", str(tmp_path / "samconfig.toml")]
    answers = {
        "CertificateAuthorityArn": authority.arn,
        "TrustStoreArns": create_trust_store(shell, "clients", [authority, root]),
        "PollIntervalSeconds": "1",
        "DeadlineSeconds": "60",
        "GiveWaySeconds": "5",
    }
    monkeypatch.setattr(Prompt, "ask", lambda name, default, **_: answers.get(name, default))
    assert deploy.main(["up", *config, "--turn-on-crl"]) == 0
    output = capfd.readouterr().out
    assert "publishes no CRL, wanted: one in s3://" in output
    assert "Start: aws stepfunctions start-execution" in output
    shell.settings.private_ca.crl_delay_seconds = 0.3
    client = authority.issue_client(tmp_path, "client")
    stepfunctions = shell.client("stepfunctions")
    machine = stepfunctions.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    started = stepfunctions.start_execution(
        stateMachineArn=machine, input=json.dumps({"Serials": [serial_number.to_hex(client.serial)]})
    )
    for _ in range(1200):
        described = stepfunctions.describe_execution(executionArn=started["executionArn"])
        if described["status"] != "RUNNING":
            break
        time.sleep(0.1)
    assert described["status"] == "SUCCEEDED"
    assert deploy.main(["up", *config]) == 0
    assert "No changes to deploy" in capfd.readouterr().out
    assert deploy.main(["down", *config, "--yes"]) == 0
    output = capfd.readouterr().out
    assert "still writes its CRL to" in output
    assert "Kept: s3://" in output
    assert stepfunctions.list_state_machines()["stateMachines"] == []


def test_first_run_asks_and_lists_resources(shell: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter is shown, with the account's CAs and trust stores; after a wrong answer it asks again."""
    root = PrivateCa.create_root(shell, "Root")
    answers = iter(["nonsense", root.arn, "arn:x"])
    monkeypatch.setattr(Prompt, "ask", lambda _name, default, **_: next(answers, default))
    shown = Console(file=io.StringIO(), width=200)
    parameters = ask_parameters(shown, shell.settings.region)
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    assert parameters["CertificateAuthorityArn"] == root.arn
    assert f"{root.arn} (ACTIVE)" in text
    assert "'nonsense', and must match" in text
    assert all(name in text for name in PARAMETERS)
    assert parameters["GiveWaySeconds"] == "90"


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
        embedded.destroy(shell, "mtls-revocation")


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
