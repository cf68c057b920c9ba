"""Writes what is generated: the input's schema, and the READMEs' blocks from `<!-- NAME -->` to `<!-- /NAME -->`."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from functions.models.request import RevocationReason, RevocationRequest
from infra.local.cloudformation.resources.registry import LIMITATIONS
from infra.template import load_template
from infra.tools import serial_notations

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
INFRA_README = ROOT / "infra" / "README.md"
LOCAL_README = ROOT / "infra" / "local" / "README.md"
SCHEMA = ROOT / "statemachine" / "input.schema.json"
DEFINITION = ROOT / "statemachine" / "revocation.asl.json"

# Set by the deployment, so that {"Serials": ["…"]} is a complete input.
_DEFAULTED = ("CertificateAuthorityArn", "TrustStoreArns")
_EITHER = ("Serials", "Certificates", "SerialList")
_ALONE = ("Reconcile", "Crl")


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


def state_diagram() -> str:
    """Draw the state machine as a Mermaid diagram."""
    machine = json.loads(DEFINITION.read_text())
    lines = "\n".join(f"  {line}" for line in _draw(machine))
    return f"```mermaid\nstateDiagram-v2\n{lines}\n```"


def _draw(machine: dict[str, Any]) -> Iterator[str]:
    yield f"[*] --> {machine['StartAt']}"
    for name, state in machine["States"].items():
        if "ItemProcessor" in state:
            yield f"state {name} {{"
            yield from (f"  {line}" for line in _draw(state["ItemProcessor"]))
            yield "}"
        for target, label in _transitions(state):
            yield f"{name} --> {target}{label and f': {label}'}"


def _transitions(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((choice["Next"], _condition(choice)) for choice in state.get("Choices", []))
    if "Default" in state:
        yield state["Default"], "otherwise" if state["Choices"] else ""
    if "Next" in state:
        yield state["Next"], ""
    yield from ((catcher["Next"], "on failure") for catcher in state.get("Catch", []))
    if state.get("End") or state["Type"] in ("Succeed", "Fail"):
        yield "[*]", ""


def _condition(choice: dict[str, Any]) -> str:
    if "Or" in choice:
        return " or ".join(map(_condition, choice["Or"]))
    if "And" in choice:
        return " and ".join(dict.fromkeys(map(_condition, choice["And"])))
    field = choice["Variable"].rsplit(".", 1)[1]
    value = next(value for name, value in choice.items() if name not in ("Variable", "Next"))
    return field if value is True else f"{field} {value}"


def input_fields() -> str:
    """Return the input's fields as a table."""
    input_schema = schema()
    rows = ["| field | default | meaning |", "| --- | --- | --- |"]
    for name, field in input_schema["properties"].items():
        default = "the deployment's" if name in _DEFAULTED else _default(field)
        default = "one of these" if name in (*_EITHER, *_ALONE) else default
        meaning = field["description"].split(" Default:")[0]
        if name == "RevocationReason":
            meaning += " One of " + ", ".join(f"`{reason}`" for reason in RevocationReason) + "."
        rows.append(f"| `{name}` | {default} | {meaning} |")
    for name, field in input_schema["$defs"]["Polling"]["properties"].items():
        rows.append(f"| `Polling.{name}` | the deployment's, {field['default']} | {field['description']} |")
    return "\n".join(rows)


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return (
        f"`{default}`" if isinstance(default, str) else "none" if default is None and "anyOf" in field else "see below"
    )


def demo() -> str:
    """Run the demo and return its output, fenced."""
    result = subprocess.run(
        [sys.executable, "-m", "infra.local.lab.demo"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return fence_demo(result.stdout)


def fence_demo(output: str) -> str:
    """Put the demo's output in a fence; with tildes, because the output has one with backticks."""
    return f"~~~text\n$ make demo\n{output.rstrip()}\n~~~"


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


def _alarm(name: str, alarm: dict[str, Any]) -> str:
    """Return one row; an alarm on several metrics counts functions' errors."""
    signs = {"GreaterThanOrEqualToThreshold": "≥", "GreaterThanThreshold": ">", "LessThanThreshold": "<"}
    stats = [metric["MetricStat"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    metric = f"{alarm['Namespace']} {alarm['MetricName']}" if "MetricName" in alarm else "AWS/Lambda Errors"
    period = alarm.get("Period") or stats[0]["Period"]
    silence = ", or is silent" if alarm["TreatMissingData"] == "breaching" else ""
    bound = alarm["Threshold"]
    bound = f"`{bound['Ref']}`" if isinstance(bound, dict) else bound
    when = f"{alarm.get('Statistic', 'Sum')} {signs[alarm['ComparisonOperator']]} {bound}{silence}"
    return f"| [{name}](#alarm-{name.lower()}) | {metric} | {when} | {period} |"


# Each block's file and text. The demo's output varies from run to run, and is checked by its test.
CHECKED: dict[str, tuple[Path, Callable[[], str]]] = {
    "state machine": (README, state_diagram),
    "input": (README, input_fields),
    "serial notations": (README, serial_notations.table),
    "not local": (LOCAL_README, limitations),
    "alarms": (INFRA_README, alarms),
}
UNCHECKED: dict[str, tuple[Path, Callable[[], str]]] = {"demo": (README, demo)}


def block(text: str, name: str) -> str:
    """Return the content of a generated block."""
    return _find(text, name)[1].removesuffix("\n")


def _with_block(text: str, name: str, content: str) -> str:
    match = _find(text, name)
    return f"{text[: match.start(1)]}{content}\n{text[match.end(1) :]}"


def _find(text: str, name: str) -> re.Match[str]:
    match = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    if match is None:
        raise LookupError(f"there is no block <!-- {name} --> … <!-- /{name} -->")
    return match


def main() -> int:
    """Write everything, or with --check print what is out of date; return 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is out of date")
    check = parser.parse_args().check
    contents = {path: path.read_text() for path in (README, INFRA_README, LOCAL_README)}
    for name, (path, make) in (CHECKED if check else CHECKED | UNCHECKED).items():
        contents[path] = _with_block(contents[path], name, make())
    contents[SCHEMA] = json.dumps(schema(), indent=2) + "\n"
    stale = [path for path, content in contents.items() if not path.exists() or path.read_text() != content]
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is out of date: run make generate' if check else 'written'}")
        if not check:
            path.write_text(contents[path])
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
