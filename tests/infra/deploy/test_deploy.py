"""What `make deploy` and `make destroy` do, with the real SAM."""

import argparse
import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.prompt import Prompt

from functions.pki import serial_number
from infra.deploy import deploy
from infra.deploy.parameters import ParameterRefused
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from tests.support.waiting import eventually


def options(tmp_path: Path, *arguments: str) -> argparse.Namespace:
    """Read arguments as the command line does."""
    return deploy.parse_options([*arguments, "--config", str(tmp_path / "samconfig.toml")])


def test_unknown_and_missing_parameters_are_named(tmp_path: Path) -> None:
    """They are refused before anything is deployed."""
    with pytest.raises(ParameterRefused, match="no parameter Nonsense"):
        deploy.deploy_stack(options(tmp_path, "up", "Nonsense=1"), Console())
    with pytest.raises(ParameterRefused, match="CertificateAuthorityArn must be given"):
        deploy.deploy_stack(options(tmp_path, "up", "TrustStoreArns=a"), Console())


@pytest.mark.slow("SAM packages and deploys the whole stack, twice")
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
    arn = started["executionArn"]
    eventually(lambda: stepfunctions.describe_execution(executionArn=arn)["status"] != "RUNNING" or None, every=0.2)
    assert stepfunctions.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
    assert deploy.main(["up", *config]) == 0
    assert "No changes to deploy" in capfd.readouterr().out
    assert deploy.main(["down", *config, "--yes"]) == 0
    output = capfd.readouterr().out
    assert "still writes its CRL to" in output
    assert "Kept: s3://" in output
    assert stepfunctions.list_state_machines()["stateMachines"] == []
