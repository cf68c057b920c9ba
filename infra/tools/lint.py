"""`make lint`: runs every check of style, types, template and state machine, and names those that failed."""

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
TOOLS = ROOT / ".tools"  # environments of their own: these tools pin versions that conflict with ours
# No telemetry, no downloads, and no AWS account.
ENVIRONMENT = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1", "BC_SKIP_MAPPING": "TRUE"}
CHECKS: dict[str, list[str | Path]] = {
    "ruff": [BIN / "ruff", "check", "."],
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "definition": [sys.executable, "-m", "infra.tools.definition", "--check"],
    "mypy": [BIN / "mypy"],
    "words": [sys.executable, "-m", "infra.tools.words"],
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
    """Lint the state machine with its substitutions made; return the faults found."""
    function_arn = r"arn:aws:lambda:eu-central-1:123456789012:function:\1"
    substituted = re.sub(r"\$\{(\w+)Arn\}", function_arn, DEFINITION.read_text())
    path = ROOT / "build" / "revocation.asl.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(json.loads(substituted)))
    result = subprocess.run([BIN / "statelint", path], capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def main() -> int:
    """Run all checks; return 1 if one failed."""
    failed = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        running = {name: pool.submit(_run, command) for name, command in CHECKS.items()}
    for name in CHECKS:
        result = running[name].result()
        if result.returncode:
            print(result.stdout + result.stderr, end="")
            failed.append(name)
    if faults := statelint():
        print(faults)
        failed.append("statelint")
    names = ", ".join([*CHECKS, "statelint"])
    print(f"lint failed: {', '.join(failed)}" if failed else f"lint passed: {names}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
