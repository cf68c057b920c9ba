"""The SAM command line, which packages the code and has CloudFormation change the stack."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from infra.template import TEMPLATE

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"


def deploy(stack: str, region: str, changes: Mapping[str, str]) -> int:
    """Create or update a stack; parameters that are not among the changes stay as they are. Return SAM's exit code."""
    overrides = ["--parameter-overrides", *map(write_override, changes, changes.values())] if changes else []
    return _run(
        "deploy",
        *("--template-file", str(TEMPLATE), "--stack-name", stack, "--region", region),
        *("--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        "--no-progressbar",
        *overrides,
    )


def delete(stack: str, region: str) -> int:
    """Delete a stack, and return SAM's exit code."""
    return _run("delete", "--no-prompts", "--stack-name", stack, "--region", region)


def write_override(name: str, value: str) -> str:
    """Return a parameter so that SAM reads the value unchanged, unless it has a backslash (samcli.cli.types).

    In the shorter form, Name=Value, SAM would search the value for the longer one.
    """
    quoted = value.replace('"', '\\"')
    return f'ParameterKey={name},ParameterValue="{quoted}"'


def _run(*arguments: str) -> int:
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    return subprocess.run([SAM, *arguments], cwd=ROOT, env=environment, check=False).returncode
