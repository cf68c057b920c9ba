"""`make demo` shows what the README says it shows."""

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
    """Give the lines of an output without what varies from run to run; how often it polled is one such thing."""
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return list(dict.fromkeys(line for line in lines if "FindCrl" not in line))


def test_the_demo_shows_the_certificate_accepted_revoked_and_refused() -> None:
    """It exits 0, within a minute of its own work even on a busy machine, and prints what stands in the README."""
    ran = subprocess.run(
        [sys.executable, "-m", "infra.local.lab.demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    took = re.search(r"Demo passed in ([\d.]+) s", ran.stdout)
    assert took
    assert float(took[1]) < 60
    documented = generate.block(generate.README.read_text(), "demo")
    assert shape(generate.fence_demo(ran.stdout)) == shape(documented)
