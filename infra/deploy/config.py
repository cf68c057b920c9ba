"""samconfig.toml: stack name, Region and parameters, in the form that SAM reads."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path


def write_config(path: Path, stack: str, region: str, parameters: Mapping[str, str]) -> None:
    """Write the parameters that have a value."""
    path.write_text(
        "version = 0.1\n\n[default.global.parameters]\n"
        f"stack_name = {json.dumps(stack)}\nregion = {json.dumps(region)}\n\n[default.deploy.parameters]\n"
        'capabilities = "CAPABILITY_IAM"\nresolve_s3 = true\nconfirm_changeset = false\n'
        f"fail_on_empty_changeset = false\n{_table(parameters)}"
    )


def _table(parameters: Mapping[str, str]) -> str:
    """Return the parameters as a table: SAM splits the items of a list at blanks, and "rate(1 hour)" has one."""
    lines = [f"{name} = {json.dumps(_quoted(value))}\n" for name, value in parameters.items() if value]
    return "\n[default.deploy.parameters.parameter_overrides]\n" + "".join(lines)


def _quoted(value: str) -> str:
    """Quote a value that begins with a quotation mark, because SAM strips one pair."""
    return f'"{value}"' if value[:1] in ("'", '"') else value


def _unquoted(value: str) -> str:
    """Return a value as SAM reads it."""
    return value[1:-1] if value[:1] in ("'", '"') else value


def _upgrade(path: Path) -> None:
    """Replace the list of Name=Value that version 0.1.0 wrote by a table; all else in the file stays."""
    text = path.read_text()
    overrides = tomllib.loads(text)["default"]["deploy"]["parameters"].get("parameter_overrides")
    if isinstance(overrides, list):
        rest = re.sub(r"^parameter_overrides\s*=\s*\[.*?\]\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
        pairs = (each.split("=", 1) for each in overrides)
        path.write_text(rest + _table({name: _unquoted(value) for name, value in pairs}))


def read_config(path: Path) -> tuple[str, str, dict[str, str]]:
    """Return stack name, Region and parameters."""
    _upgrade(path)
    config = tomllib.loads(path.read_text())["default"]
    overrides = config["deploy"]["parameters"].get("parameter_overrides", {})
    parameters = {name: _unquoted(value) for name, value in overrides.items()}
    return config["global"]["parameters"]["stack_name"], config["global"]["parameters"]["region"], parameters
