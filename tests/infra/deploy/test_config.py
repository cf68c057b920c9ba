"""samconfig.toml keeps the parameters in a form that SAM reads unchanged."""

import json
import subprocess
import tomllib
from pathlib import Path

from infra.deploy import deploy
from infra.deploy.config import read_config, write_config

ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/a"


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


def test_value_that_was_quoted_by_hand_is_upgraded(tmp_path: Path) -> None:
    """Quotation marks around a value of the list are SAM's, not the value's."""
    config = tmp_path / "samconfig.toml"
    write_config(config, "stack", "eu-west-1", {})
    table = "[default.deploy.parameters.parameter_overrides]"
    earlier = 'parameter_overrides = ["ReconcileSchedule=\\"rate(1 hour)\\"", "CrlFolder=crl"]'
    config.write_text(config.read_text().replace(table, earlier))
    parameters = {"ReconcileSchedule": "rate(1 hour)", "CrlFolder": "crl"}
    assert read_config(config) == ("stack", "eu-west-1", parameters)
    assert tomllib.loads(config.read_text())["default"]["deploy"]["parameters"]["parameter_overrides"] == parameters
