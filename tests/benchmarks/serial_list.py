"""Revokes 10,000 serials from a list in S3, faster than Private CA's quota by a factor.

It checks that none is lost, and prints the time.

`make benchmark` runs it; `python -m tests.benchmarks.serial_list 100000 20` another number at another factor. Figures
of the embedded AWS on this machine; what AWS itself adds, only an account could show.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.pki import serial_number
from infra.build import build
from infra.local.acm_pca import service as acm_pca
from infra.local.core.settings import Settings
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws
from tests.support.workflow import Execution, Workflow

NUMBER, FACTOR = 10_000, 5
MOST = 1.15


@dataclass(frozen=True)
class Scale:
    """The number of serials, and the factor by which everything is faster than Private CA."""

    number: int = NUMBER
    factor: int = FACTOR

    @property
    def quota(self) -> int:
        """The revocations that are allowed per second."""
        return 20 * self.factor

    @property
    def ideal(self) -> float:
        """The least seconds that the quota allows: a full bucket at the start, then its rate."""
        return (self.number - self.quota) / self.quota


def main(scale: Scale) -> int:
    """Run the benchmark, print the figures, and return 1 if a bar is missed."""
    build()
    settings = Settings()
    settings.private_ca.revocations_per_second = settings.private_ca.revocation_burst = scale.quota
    # Five minutes at the least, as everything else by the factor; the rule on each CRL starts an execution of its own.
    settings.private_ca.crl_delay_seconds = 300 / scale.factor
    with (
        EmbeddedAws(settings) as aws,
        tempfile.TemporaryDirectory() as folder,
        deployed_lab(aws, Path(folder) / "pki", RevocationsPerSecond=str(19 * scale.factor)) as lab,
    ):
        workflow = Workflow(lab, lab.trust_store_arn, folder=Path(folder))
        wanted = workflow.issue_serials(scale.number)
        bucket = lab.outputs["InputBucketName"]
        body = "\n".join(map(serial_number.to_hex, wanted)).encode()
        aws.client("s3").put_object(Bucket=bucket, Key="inputs/many.txt", Body=body)
        polling = {"IntervalSeconds": 1, "DeadlineSeconds": 300}
        running = workflow.start_with({"SerialList": f"s3://{bucket}/inputs/many.txt", "Polling": polling})
        execution = workflow.wait(running, 3_600)
        lost = set(wanted) - set(acm_pca.certificate_authority(lab.authority.arn).revocations)
        return _print_figures(scale, execution, len(lost), len(set(wanted) - workflow.held()))


def _print_figures(scale: Scale, execution: Execution, lost: int, not_held: int) -> int:
    times = _seconds_by_state(execution)
    revoking, waiting = times["RevokeBatches"], times.get("WaitForCrl", 0.0)
    busy = sum(seconds for state, seconds in times.items() if _is_lambda(state))
    calls = sum(map(_is_lambda, execution.states))
    payload = max(
        len(details.get("input", details.get("output", "")))
        for event in execution.history
        for details in (event.get("stateEnteredEventDetails", {}), event.get("stateExitedEventDetails", {}))
    )
    others = sorted(((seconds, state) for state, seconds in times.items() if _is_lambda(state)), reverse=True)[:5]
    figures = (
        f"{scale.number:,} serials at {19 * scale.factor} a second, the quota being {scale.quota}: {execution.status}",
        f"  lost: {lost}, not in the trust store: {not_held}",
        (
            f"  revoking took {revoking:.1f} s, {revoking / scale.ideal:.3f} times the {scale.ideal:.1f} s of the "
            f"quota (at most {MOST})"
        ),
        (
            f"  all of it took {execution.seconds:.1f} s, {waiting:.1f} s of these waiting for the CRL: "
            f"{(execution.seconds - waiting) / scale.ideal:.3f} without (at most {MOST})"
        ),
        f"  largest payload {payload:,} bytes, {len(execution.history):,} events, {len(execution.states)} transitions",
        f"  {calls} invocations of {busy:.0f} seconds together",
        "  longest steps: " + ", ".join(f"{state} {seconds:.1f} s" for seconds, state in others),
        "  largest functions: " + ", ".join(f"{name} {size} MB" for size, name in sorted(_memory(), reverse=True)[:4]),
    )
    sys.stdout.write("\n".join(figures) + "\n")
    in_time = max(revoking, execution.seconds - waiting) <= MOST * scale.ideal
    return 0 if execution.status == "SUCCEEDED" and not lost and not not_held and in_time else 1


def _is_lambda(state: str) -> bool:
    """Return whether a state calls a Lambda function: functions/handlers has a file of its name."""
    return (Path("functions/handlers") / (re.sub(r"(?<!^)([A-Z])", r"_\1", state).lower() + ".py")).exists()


def _seconds_by_state(execution: Execution) -> dict[str, float]:
    """Return the seconds of each state, over all rounds; with one trust store, no two run at the same time."""
    entered: dict[str, Any] = {}
    times: dict[str, float] = {}
    for event in execution.history:
        if details := event.get("stateEnteredEventDetails"):
            entered[details["name"]] = event["timestamp"]
        elif details := event.get("stateExitedEventDetails"):
            took = (event["timestamp"] - entered[details["name"]]).total_seconds()
            times[details["name"]] = times.get(details["name"], 0.0) + took
    return times


def _memory() -> Iterator[tuple[int, str]]:
    """Return the peak memory in MB and the handler of each function process that is still running (Linux)."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().split("\0")
            peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
        except OSError:
            continue
        if "awslambdaric" in command and peak:
            yield int(peak[1]) // 1024, next(each for each in command if each.startswith("functions."))


if __name__ == "__main__":
    sys.exit(main(Scale(*map(int, sys.argv[1:]))))
