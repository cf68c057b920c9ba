"""`make lint`: every check of style, types, template and state machine, all of them run, the failures last."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "statemachine" / "revocation.asl.json"
BIN = Path(sys.executable).parent
TOOLS = ROOT / ".tools"  # environments of their own: these pin versions that we do not want
# Neither calls home, nor needs an account.
ENVIRONMENT = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1", "BC_SKIP_MAPPING": "TRUE"}
CHECKS: dict[str, list[str | Path]] = {
    "ruff": [BIN / "ruff", "check", "."],
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "mypy": [BIN / "mypy"],
    "imports": [BIN / "lint-imports", "--no-cache", "--no-logo"],
    "cfn-lint": [BIN / "cfn-lint", "infra/template.yaml"],
    "sam": [TOOLS / "sam" / "bin" / "sam", "validate", "--lint", "--template", "infra/template.yaml"],
    "checkov": [
        TOOLS / "checkov" / "bin" / "checkov",
        "--config-file",
        "infra/tools/checkov.yaml",
        "-f",
        "infra/template.yaml",
    ],
    "generated": [sys.executable, "-m", "infra.tools.generate", "--check"],
}


def _run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def statelint() -> str:
    """Lint the state machine as it is once its substitutions are made; give the faults."""
    filled = re.sub(r"\$\{(\w+)Arn\}", r"arn:aws:lambda:eu-central-1:123456789012:function:\1", DEFINITION.read_text())
    made = ROOT / "build" / "revocation.asl.json"
    made.parent.mkdir(exist_ok=True)
    made.write_text(json.dumps(json.loads(filled)))
    ran = subprocess.run([BIN / "statelint", made], capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def main() -> int:
    """Run all checks and fail when one of them found something."""
    failed = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        running = {name: pool.submit(_run, command) for name, command in CHECKS.items()}
    for name in CHECKS:
        ran = running[name].result()
        print(ran.stdout + ran.stderr if ran.returncode else "", end="")
        if ran.returncode:
            failed.append(name)
    if faults := statelint():
        print(faults)
        failed.append("statelint")
    names = ", ".join([*CHECKS, "statelint"])
    print(f"lint failed: {', '.join(failed)}" if failed else f"lint passed: {names}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
