"""What `make deploy` and `make destroy` do, with the real SAM; the stack alone keeps its parameters."""

import json
import os
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.pki import serial_number
from infra.deploy import deploy
from infra.deploy.stack import Stack, read_stack
from infra.local.core import faults
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from tests.infra.deploy.terminal import run_at_terminal
from tests.support.waiting import eventually

QUICK = "PollIntervalSeconds=1 DeadlineSeconds=60 GiveWaySeconds=5"


def run(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run the command line without a terminal; return what it and SAM print."""
    capfd.readouterr()
    ended = deploy.main(list(arguments))
    printed = capfd.readouterr()
    assert ended == code, printed
    return printed.out + printed.err


def parameters(stack: str) -> dict[str, str]:
    """Return a stack's parameters."""
    found = read_stack(stack)
    assert found is not None
    return found.parameters


def create_trusted_ca(aws: EmbeddedAws) -> tuple[PrivateCa, str]:
    """Create a root, a CA under it, and a trust store that trusts both; return the CA and the trust store's ARN."""
    root = PrivateCa.create_root(aws, "Root")
    authority = PrivateCa.create_under(root, "CA")
    return authority, create_trust_store(aws, "clients", [authority, root])


def revoke(aws: EmbeddedAws, stack: str, authority: PrivateCa, folder: Path) -> Any:  # noqa: ANN401 - JSON
    """Revoke a new client's certificate by an execution of a stack; return the execution's output."""
    aws.settings.private_ca.crl_delay_seconds = 0.3
    client, found = authority.issue_client(folder, "client"), read_stack(stack)
    assert found is not None
    arn = aws.client("stepfunctions").start_execution(
        stateMachineArn=found.outputs["StateMachineArn"],
        input=json.dumps({"Serials": [serial_number.to_hex(client.serial)]}),
    )["executionArn"]
    return json.loads(eventually(lambda: _output(aws, arn), every=0.2))


def _output(aws: EmbeddedAws, arn: str) -> str | None:
    execution = aws.client("stepfunctions").describe_execution(executionArn=arn)
    assert execution["status"] in ("RUNNING", "SUCCEEDED"), execution
    output: str | None = execution.get("output")
    return output


def test_what_is_refused_before_anything_is_deployed(
    shell: EmbeddedAws, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is shown first; what is unknown, missing or not there is one sentence each."""
    missing = f"arn:aws:acm-pca:{shell.settings.region}:123456789012:certificate-authority/a"
    assert "no parameter Nonsense" in run(capfd, "up", "--parameters", "Nonsense=1", code=2)
    assert "there is no CA arn:" in run(capfd, "up", "--parameters", f"CertificateAuthorityArn={missing}", code=2)
    output = run(capfd, "up", code=2)
    assert output.startswith("Account 123456789012, Region eu-central-1, stack mtls-revocation, as arn:aws:")
    assert "CertificateAuthorityArn must be given" in output
    assert "there is no stack nowhere in eu-central-1" in run(capfd, "down", "--stack", "nowhere", code=2)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert run(capfd, "up", code=2) == (
        "make deploy: no AWS credentials were found: run `aws configure` or `aws sso login`, or set AWS_PROFILE\n"
    )


@pytest.mark.slow("SAM packages and deploys two stacks five times")
def test_two_stacks(shell: EmbeddedAws, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Guided by Enter alone, then changed one parameter at a time, beside another stack, and both removed."""
    authority, _ = create_trusted_ca(shell)
    code, output = run_at_terminal(["infra.deploy", "up"], {})
    assert code == 0, output
    assert output.count("Change this now? [y/n] (y):") == 1
    assert "A first reconcile has started" in output
    first = parameters("mtls-revocation")
    assert first["CertificateAuthorityArn"] == authority.arn
    assert first["ReconcileSchedule"] == "rate(1 hour)"
    # A value with everything that shells, SAM and CloudFormation give a meaning to, and the others stay.
    changed = {"PollIntervalSeconds": "1", "DeadlineSeconds": "60", "GiveWaySeconds": "5"}
    odd = {"ReconcileSchedule": "rate(2 hours)", "CrlFolder": """a b='c',"d\""""}
    given = f"""{QUICK} ReconcileSchedule='rate(2 hours)' CrlFolder="a b='c',\\"d\\"" """
    output = run(capfd, "up", "--parameters", given)
    assert parameters("mtls-revocation") == {**first, **changed, **odd}
    assert "DeadlineSeconds: 7200 → 60" in output
    assert "cannot block a certificate yet" in output
    assert "writes its CRL to s3://" in output
    assert "What to do: make deploy STACK=mtls-revocation REGION=eu-central-1 TURN_ON_CRL=yes, or, to read" in output
    run(capfd, "up", "--parameters", "CrlFolder=crl")
    assert "No changes to deploy" in run(capfd, "up")  # by a colleague, who has nothing but the clone
    assert parameters("mtls-revocation") == {**first, **changed, "ReconcileSchedule": "rate(2 hours)"}
    assert revoke(shell, "mtls-revocation", authority, tmp_path)["Summary"]["Enforced"] == 1
    _add_and_remove_another(shell, tmp_path, capfd)
    assert "there is no terminal to confirm at: add YES=1" in run(capfd, "down", code=2)
    code, output = run_at_terminal(["infra.deploy", "down"], {})
    assert (code, "Nothing was removed." in output) == (1, True)
    code, output = run_at_terminal(["infra.deploy", "down"], {"Type its name": "mtls-revocation"})
    assert code == 0, output
    assert "still writes its CRL to" in output
    assert output.split("Kept, to empty and delete by hand: ")[1].count("s3://") == 3
    assert shell.client("stepfunctions").list_state_machines()["stateMachines"] == []


@pytest.mark.usefixtures("shell")
def test_a_crl_bucket_of_somebody_else(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not among those to empty and delete: another stack may use it."""
    outputs = {"CrlBucketName": "shared", "WorkflowBucketName": "reports"}
    for own, named in (("s3://shared (CRLs), ", ""), ("", "shared")):
        stack = Stack("mine", {"CrlBucketName": named, "CertificateAuthorityArn": "arn"}, outputs, is_remains=False)
        monkeypatch.setattr(deploy, "read_stack", lambda _name, stack=stack: stack)
        monkeypatch.setattr(deploy, "_warn_of_crl", lambda *_arguments: None)
        assert f"These buckets stay: {own}s3://reports (reports)." in run(capfd, "down", code=2)


def _add_and_remove_another(shell: EmbeddedAws, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Deploy a second stack for another CA; the first is not touched."""
    other, before = PrivateCa.create_root(shell, "Other"), parameters("mtls-revocation")
    store = create_trust_store(shell, "others", [other])
    values = f"CertificateAuthorityArn={other.arn} TrustStoreArns={store} {QUICK}"
    run(capfd, "up", "--stack", "other", "--turn-on-crl", "--parameters", values)
    assert parameters("other")["CertificateAuthorityArn"] == other.arn
    assert revoke(shell, "other", other, tmp_path)["Summary"]["Enforced"] == 1
    run(capfd, "down", "--stack", "other", "--yes")
    assert read_stack("other") is None
    assert parameters("mtls-revocation") == before


@pytest.mark.slow("SAM packages and deploys a stack four times")
def test_failed_deployments(shell: EmbeddedAws, capfd: pytest.CaptureFixture[str]) -> None:
    """What is left of one is removed by the next; a failed update leaves the stack as it was."""
    authority, store = create_trusted_ca(shell)
    given = f"CertificateAuthorityArn={authority.arn} TrustStoreArns={store} {QUICK}"
    faults.add("sns:CreateTopic", code="AuthorizationError")
    run(capfd, "up", "--parameters", given, code=1)
    failed = read_stack("mtls-revocation")
    assert failed is not None
    assert failed.is_remains
    assert shell.client("lambda").list_functions()["Functions"] == []
    assert "Deleting what is left of stack mtls-revocation" in run(capfd, "up", "--parameters", given)
    before = parameters("mtls-revocation")
    faults.add("events:PutRule", code="InternalException")
    run(capfd, "up", "--parameters", "ReconcileSchedule='rate(2 hours)'", code=1)
    assert parameters("mtls-revocation") == before
    run(capfd, "up", "--parameters", "ReconcileSchedule='rate(2 hours)'")
    assert parameters("mtls-revocation")["ReconcileSchedule"] == "rate(2 hours)"
