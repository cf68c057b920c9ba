"""Writes what is generated: schema, pictures, demo, and READMEs' blocks from `<!-- NAME -->` to `<!-- /NAME -->`."""

import argparse
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from functions.errors import RevocationError
from functions.models.request import RevocationReason, RevocationRequest
from infra.cli.commands import cli
from infra.local.cloudformation.resources.registry import LIMITATIONS
from infra.template import load_template
from infra.tools import deployer, picture

ROOT = Path(__file__).parents[2]
STATEMACHINE = ROOT / "statemachine"
README = ROOT / "README.md"
CLI_README = ROOT / "infra" / "cli" / "README.md"
INFRA_README = ROOT / "infra" / "README.md"
LOCAL_README = ROOT / "infra" / "local" / "README.md"
STATEMACHINE_README = STATEMACHINE / "README.md"
DEMO = STATEMACHINE / "examples" / "demo.txt"
SERIAL_NUMBERS = STATEMACHINE / "serial-numbers.json"

# Set by the deployment, so that {"Serials": ["…"]} is a complete input.
_DEFAULTED = ("CertificateAuthorityArn", "TrustStoreArns")
_EITHER = ("Serials", "Certificates", "SerialList")
_ALONE = ("Reconcile", "Crl")
_MAX_SHOWN = 90  # characters of a notation


def schema() -> dict[str, Any]:
    """Return the JSON Schema of an execution's input."""
    input_schema = RevocationRequest.model_json_schema(mode="validation", by_alias=True)
    input_schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    input_schema.pop("required", None)  # the deployment has defaults for both
    input_schema["oneOf"] = [
        {"anyOf": [{"required": [name]} for name in _EITHER]},
        {"required": ["Reconcile"], "properties": {"Reconcile": {"const": True}}},
        {"required": ["Crl"]},
    ]
    text = {"type": "string"}
    location = {"$ref": "#/$defs/ObjectLocation"}
    input_schema["properties"]["Serials"] |= {
        "items": {"anyOf": [text, {"$ref": "#/$defs/SerialInput"}]},
        "minItems": 1,
    }
    input_schema["properties"]["Certificates"] |= {"items": {"anyOf": [text, location]}, "minItems": 1}
    input_schema["properties"]["Crl"]["anyOf"] = [text, location]
    input_schema["properties"]["SerialList"]["anyOf"] = [text, {"$ref": "#/$defs/SerialList"}]
    return input_schema


def input_fields() -> str:
    """Return the input's fields as a table."""
    input_schema = schema()
    rows = ["| field | default | meaning |", "| --- | --- | --- |"]
    for name, field in input_schema["properties"].items():
        default = "the deployment's" if name in _DEFAULTED else _default(field)
        default = "none" if name in (*_EITHER, *_ALONE) else default
        meaning = field["description"].split(" Default:")[0]
        if name == "RevocationReason":
            meaning += " One of " + ", ".join(f"`{reason}`" for reason in RevocationReason) + "."
        rows.append(f"| `{name}` | {default} | {meaning} |")
    for name, field in input_schema["$defs"]["Polling"]["properties"].items():
        rows.append(f"| `Polling.{name}` | the deployment's, {field['default']} | {field['description']} |")
    return "\n".join(rows)


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return f"`{json.dumps(default).strip(chr(34))}`" if isinstance(default, str | bool) else "none"


def serial_notations() -> str:
    """Return the notations of serial numbers as a table; the middle of a long one is left out."""
    rows = ["| notation | written | read as, or refused |", "| --- | --- | --- |"]
    for description, text, reading in json.loads(SERIAL_NUMBERS.read_text()):
        shown = re.sub(r"\s{2,}", lambda run: "\n " if "\n" in run[0] else "  ", text).encode("unicode_escape").decode()
        shown = (shown if len(shown) <= _MAX_SHOWN else f"{shown[:50]} … {shown[-36:]}").replace("|", "\\|")
        rows.append(f"| {description} | {f'`{shown}`' if shown else '(empty)'} | {reading} |")
    return "\n".join(rows)


def error_table() -> str:
    """Return every error as a table: its name, meaning, and what to do where that is its own."""
    return "\n".join(["| error | meaning | what to do |", "| --- | --- | --- |", *_error_rows(RevocationError, 0)])


def _error_rows(error: type[RevocationError], depth: int) -> Iterator[str]:
    own = vars(error).get("what_to_do", "")
    yield f"| {'&emsp;' * depth}`{error.__name__}` | {inspect.getdoc(error)} | {own} |"
    for kind in error.__subclasses__():
        yield from _error_rows(kind, depth + 1)


def demo() -> str:
    """Run the demo and return its output."""
    command = [sys.executable, "-m", "infra.local.lab.demo"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def demo_excerpt() -> str:
    """Return the demo's output up to its report, fenced."""
    before_report = DEMO.read_text().split("\nThe report:")[0]
    return f"```text\n$ make demo\n{before_report.rstrip()}\n```"


def help_texts() -> str:
    """Return the help of the command line and of each of its commands, fenced."""
    runner = CliRunner()
    commands: list[list[str]] = [[], *([name] for name in sorted(cli.commands))]
    texts = [
        runner.invoke(cli, [*command, "--help"], prog_name="revocation", terminal_width=100).output.rstrip()
        for command in commands
    ]
    return "\n\n".join(f"```text\n{text}\n```" for text in texts)


def limitations() -> str:
    """Return, as a table, the template's properties that have no effect in the embedded AWS."""
    rows = [f"| `{kind}` | `{name}` | {reason} |" for (kind, name), reason in sorted(LIMITATIONS.items())]
    return "\n".join(["| type | property | instead |", "| --- | --- | --- |", *rows])


def alarms() -> str:
    """Return the template's alarms as a table: name, metric, and when it goes off."""
    resources = load_template()["Resources"]
    rows = ["| alarm | metric | goes off when | period in seconds |", "| --- | --- | --- | --- |"]
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            rows.append(_alarm(name.removesuffix("Alarm"), resource["Properties"]))
    return "\n".join(rows)


def parameters() -> str:
    """Return the template's parameters as a table."""
    rows = ["| parameter | default | meaning |", "| --- | --- | --- |"]
    for name, parameter in load_template()["Parameters"].items():
        default = parameter.get("Default", "")
        rows.append(f"| `{name}` | {f'`{default}`' if default != '' else 'none'} | {parameter['Description']} |")
    return "\n".join(rows)


def _alarm(name: str, alarm: dict[str, Any]) -> str:
    """Return one row; an alarm on several metrics counts functions' errors."""
    signs = {"GreaterThanOrEqualToThreshold": "≥", "GreaterThanThreshold": ">", "LessThanThreshold": "<"}
    stats = [metric["MetricStat"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    metric = f"{alarm['Namespace']} {alarm['MetricName']}" if "MetricName" in alarm else "AWS/Lambda Errors"
    period = alarm.get("Period") or stats[0]["Period"]
    silence = ", or no data" if alarm["TreatMissingData"] == "breaching" else ""
    bound = alarm["Threshold"]
    bound = f"`{bound['Ref']}`" if isinstance(bound, dict) else f"{bound}{' %' if name == 'Headroom' else ''}"
    when = f"{alarm.get('Statistic', 'Sum')} {signs[alarm['ComparisonOperator']]} {bound}{silence}"
    return f"| [{name}](#alarm-{name.lower()}) | {metric} | {when} | {period} |"


# Each block's file and text.
BLOCKS: dict[str, tuple[Path, Callable[[], str]]] = {
    "demo": (README, demo_excerpt),
    "input": (STATEMACHINE_README, input_fields),
    "serial notations": (STATEMACHINE_README, serial_notations),
    "errors": (STATEMACHINE_README, error_table),
    "help": (CLI_README, help_texts),
    "not local": (LOCAL_README, limitations),
    "parameters": (INFRA_README, parameters),
    "alarms": (INFRA_README, alarms),
}
FILES: dict[Path, Callable[[], str]] = {
    STATEMACHINE / "input.schema.json": lambda: json.dumps(schema(), indent=2) + "\n",
    STATEMACHINE / "state-machine.svg": picture.draw,
    STATEMACHINE / "main-path.svg": picture.draw_main_path,
    INFRA_README.with_name("deployer-policy.json"): deployer.policy,
}


def _with_block(text: str, name: str, content: str) -> str:
    match = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    if match is None:
        raise LookupError(f"there is no block <!-- {name} --> … <!-- /{name} -->")
    return f"{text[: match.start(1)]}{content}\n{text[match.end(1) :]}"


def main() -> int:
    """Write everything, or with --check print what is out of date; return 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is out of date")
    check = parser.parse_args().check
    if not check:  # it varies from run to run, and is checked by its test
        DEMO.write_text(demo())
    contents = {path: path.read_text() for path, _ in BLOCKS.values()}
    for name, (path, make) in BLOCKS.items():
        contents[path] = _with_block(contents[path], name, make())
    contents |= {path: make() for path, make in FILES.items()}
    stale = [path for path, content in contents.items() if not path.exists() or path.read_text() != content]
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is out of date: run make generate' if check else 'written'}")
        if not check:
            path.write_text(contents[path])
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
