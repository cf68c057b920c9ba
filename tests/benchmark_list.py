"""Ten thousand serials from a list in S3, at Private CA's quota of 20 a second times a factor: none lost, how fast.

`make benchmark` runs it. Figures of the embedded AWS on this machine; what AWS itself adds, only an account could show.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from functions import serials
from infra.build import build
from infra.local import acm_pca
from infra.local.laboratory import laboratory
from infra.local.server import EmbeddedAws
from infra.local.settings import Settings
from tests.workflow import Execution, Workflow

NUMBER = 10_000
FACTOR = 5
QUOTA = 20 * FACTOR
RATE = 19 * FACTOR
# Five minutes at the least, as everything else by the factor; the rule on each CRL starts an execution of its own.
CRL_AFTER_SECONDS = 300 / FACTOR
MOST = 1.15
_USD_A_TRANSITION = 0.025 / 1000


def main() -> int:
    """Run it, tell the figures, and fail when a bar is missed."""
    build()
    settings = Settings()
    settings.private_ca.revocations_per_second = settings.private_ca.revocation_burst = QUOTA
    settings.private_ca.crl_after_seconds = CRL_AFTER_SECONDS
    with (
        EmbeddedAws(settings) as aws,
        tempfile.TemporaryDirectory() as folder,
        laboratory(aws, Path(folder) / "pki", RevocationsPerSecond=str(RATE)) as lab,
    ):
        workflow = Workflow(lab, lab.trust_store_arn, Path(folder))
        wanted = workflow.issued(NUMBER)
        bucket = lab.outputs["InputBucketName"]
        body = "\n".join(map(serials.write, wanted)).encode()
        aws.client("s3").put_object(Bucket=bucket, Key="inputs/many.txt", Body=body)
        began = time.monotonic()
        polling = {"IntervalSeconds": 1, "DeadlineSeconds": 300}
        running = workflow.start_with({"SerialList": f"s3://{bucket}/inputs/many.txt", "Polling": polling})
        execution = workflow.ended(running, 900)
        seconds = time.monotonic() - began
        lost = set(wanted) - set(acm_pca.certificate_authority(lab.authority.arn).revocations)
        return _tell(execution, seconds, len(lost), len(set(wanted) - workflow.held()))


def _tell(execution: Execution, seconds: float, lost: int, not_held: int) -> int:
    ideal = (NUMBER - QUOTA) / QUOTA
    took = _between(execution, "MapStateStarted", "MapStateSucceeded")
    payload = max(
        len(details.get("input", details.get("output", "")))
        for event in execution.history
        for details in (event.get("stateEnteredEventDetails", {}), event.get("stateExitedEventDetails", {}))
    )
    transitions = len(execution.states)
    figures = (
        f"{NUMBER:,} serials at {RATE} a second, the quota being {QUOTA}: {execution.status}",
        f"  lost: {lost}, not in the trust store: {not_held}",
        f"  revoking took {took:.1f} s, {took / ideal:.3f} times the {ideal:.1f} s of the quota (at most {MOST})",
        f"  all of it took {seconds:.1f} s",
        f"  largest payload {payload:,} bytes, {len(execution.history):,} events, {transitions} transitions",
        f"  USD {transitions * _USD_A_TRANSITION:.4f} of state transitions",
    )
    sys.stdout.write("\n".join(figures) + "\n")
    good = execution.status == "SUCCEEDED" and not lost and not not_held and took <= MOST * ideal
    return 0 if good else 1


def _between(execution: Execution, first: str, last: str) -> float:
    """Give the seconds of the first Map, that of the batches."""

    def at(kind: str) -> Any:  # noqa: ANN401 - a time
        return next(event["timestamp"] for event in execution.history if event["type"] == kind)

    return float((at(last) - at(first)).total_seconds())


if __name__ == "__main__":
    sys.exit(main())
