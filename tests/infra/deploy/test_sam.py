"""SAM reads the values of parameters unchanged."""

import json
import subprocess

from infra.deploy.sam import SAM, write_override

READ = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
print(json.dumps(CfnParameterOverridesType().convert(tuple(sys.argv[1:]), None, None)))
"""
VALUES = [
    "",
    "a,b",
    "rate(1 hour)",
    "cron(0 0/2 * * ? *)",
    "a b = 'c' \"d\"",
    '"quoted"',
    "'quoted'",
    '"',
    "'",
    " blanks at the ends ",
    "Other=value",
    "ParameterKey=Other,ParameterValue=x",
    "file://x",
    "Zürich $HOME `x` ; & | < > * ? #",
    "two\nlines",
]


def test_values_reach_sam_unchanged() -> None:
    """Read by SAM's own parser."""
    values = {f"P{number}": value for number, value in enumerate(VALUES)}
    overrides = [write_override(name, value) for name, value in values.items()]
    read = subprocess.run([SAM.with_name("python"), "-c", READ, *overrides], capture_output=True, text=True, check=True)
    assert json.loads(read.stdout) == values
