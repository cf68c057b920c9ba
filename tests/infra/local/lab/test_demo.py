"""The output of `make demo` is that of the README and of the examples."""

import os
import re
import subprocess
import sys
from pathlib import Path

from infra.tools import generate

ROOT = Path(__file__).parents[4]
VARYING = [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{2}(:[0-9a-f]{2}){7,}", "SERIAL"),
    (r"\b(?=[0-9A-F]*\d)[0-9A-F]{16,}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", "HEX"),
    (r"\d+", "N"),
]


def shape(text: str) -> list[str]:
    """Return the lines of an output without what varies from run to run, such as the number of polls."""
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if "FindCrl" not in line))


def test_demo_prints_what_the_readme_shows() -> None:
    """It exits with 0 and prints what statemachine/examples/demo.txt shows, of which the README shows the start."""
    ran = subprocess.run(
        [sys.executable, "-m", "infra.local.lab.demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert shape(ran.stdout) == shape(generate.DEMO.read_text())
    assert generate.demo_excerpt() in generate.README.read_text()
