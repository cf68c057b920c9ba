"""samconfig.toml: stack name, Region and parameters, in the form that SAM reads."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path


def write_config(path: Path, stack: str, region: str, parameters: Mapping[str, str]) -> None:
    """Write the parameters that have a value.

    They are a table: SAM splits the items of a list at blanks, and "rate(1 hour)" has one.

    """
    overrides = "".join(f"{name} = {json.dumps(_quoted(value))}\n" for name, value in parameters.items() if value)
    path.write_text(
        "version = 0.1\n\n[default.global.parameters]\n"
        f"stack_name = {json.dumps(stack)}\nregion = {json.dumps(region)}\n\n[default.deploy.parameters]\n"
        'capabilities = "CAPABILITY_IAM"\nresolve_s3 = true\nconfirm_changeset = false\n'
        f"fail_on_empty_changeset = false\n\n[default.deploy.parameters.parameter_overrides]\n{overrides}"
    )


def _quoted(value: str) -> str:
    """Quote a value that begins with a quotation mark, because SAM strips one pair."""
    return f'"{value}"' if value[:1] in ("'", '"') else value


def read_config(path: Path) -> tuple[str, str, dict[str, str]]:
    """Return stack name, Region and parameters."""
    config = tomllib.loads(path.read_text())["default"]
    overrides = config["deploy"]["parameters"].get("parameter_overrides", {})
    if isinstance(overrides, list):  # version 0.1.0 wrote a list of Name=Value
        parameters = dict(each.split("=", 1) for each in overrides)
    else:
        parameters = {name: value[1:-1] if value[:1] in ("'", '"') else value for name, value in overrides.items()}
    return config["global"]["parameters"]["stack_name"], config["global"]["parameters"]["region"], parameters
