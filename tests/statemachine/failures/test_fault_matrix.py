"""One fault in one call of an execution, for each call and fault: a sample here, all of them with `make faults`.

Whatever fails, each list of the CA refuses what was refused before, at every call, so that the trust store is as strict
whichever of two lists counts. An execution that SUCCEEDED has enforced; any other has a report and has notified. The
same input succeeds afterwards.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.pki import names, serial_number
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws
from tests.statemachine.failures.fault_matrix import Call, Interceptor, Kind, cells, intercepted, sample
from tests.statemachine.live_stack import LiveStack
from tests.support.waiting import eventually, use_quick_settings
from tests.support.workflow import Execution, Workflow

# `make faults` tries all.
CELLS = None if os.environ.get("FAULT_CELLS") == "all" else int(os.environ.get("FAULT_CELLS", "4"))
POLLING = {"IntervalSeconds": 1, "DeadlineSeconds": 30}

Request = tuple[dict[str, Any], set[int]]


@dataclass
class Matrix:
    """A stack with its notifications, in which one call at a time fails."""

    live: LiveStack
    interceptor: Interceptor
    messages: list[dict[str, Any]] = field(default_factory=list)
    lapses: list[str] = field(default_factory=list)
    many: list[str] = field(default_factory=list)
    listed: list[int] = field(default_factory=lambda: [5])
    held: dict[names.CanonicalName, frozenset[int]] = field(default_factory=dict)

    @property
    def workflow(self) -> Workflow:
        """The stack's workflow."""
        return self.live.workflow

    def lists_by_issuer(self) -> dict[names.CanonicalName, list[frozenset[int]]]:
        """Return what each list of the trust store holds."""
        lists: dict[names.CanonicalName, list[frozenset[int]]] = {}
        for each in embedded_elbv2.trust_store(self.workflow.trust_store_arn).lists.values():
            lists.setdefault(each.issuer, []).append(frozenset(each.serials))
        return lists

    def watch(self) -> None:
        """From now on, note each call at which a list holds less than all lists of its issuer hold now."""
        self.lapses.clear()
        self.held = {issuer: frozenset().union(*held) for issuer, held in self.lists_by_issuer().items()}

    def check(self, action: str, resource: str) -> None:
        """Note the call if the trust store is weaker than it was, whichever of its lists counts."""
        by_issuer = self.lists_by_issuer()
        for issuer, before in self.held.items():
            lists = by_issuer.get(issuer, [])
            if not lists or not all(before <= held for held in lists):
                self.lapses.append(f"{action} on {resource}")

    def run(self, request: dict[str, Any]) -> Execution:
        """Run an execution to its end."""
        return self.workflow.wait(self.workflow.start_with(request))

    def has_notified(self, execution: Execution) -> bool:
        """Return whether people were notified of the failure."""
        self.messages += self.live.receive_notifications()
        return any(execution.arn in each["Message"] and " failed: " in each["Subject"] for each in self.messages)

    def put(self, key: str, body: bytes) -> str:
        """Upload an input; return its URL."""
        bucket = self.workflow.lab.outputs["InputBucketName"]
        self.workflow.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"


def revoke_one(matrix: Matrix) -> Request:
    """Return the request to revoke a certificate, and the serials that are to be refused."""
    (client,) = matrix.workflow.clients(1)
    return {"Serials": [serial_number.to_hex(client.serial)], "Polling": POLLING}, {client.serial}


def revoke_a_long_list(matrix: Matrix) -> Request:
    """Return the request to revoke 501 certificates, one of them for the first time."""
    if not matrix.many:
        matrix.many = [serial_number.to_hex(serial) for serial in matrix.workflow.issue_serials(500)]
    (client,) = matrix.workflow.clients(1)
    serials = [*matrix.many, serial_number.to_hex(client.serial)]
    url = matrix.put("inputs/many.txt", "\n".join(serials).encode())
    return {"SerialList": url, "Polling": POLLING}, set(map(serial_number.parse, serials))


def reconcile(matrix: Matrix) -> Request:
    """Return the request to bring the newest CRL to the trust store, after a revocation elsewhere."""
    (client,) = matrix.workflow.clients(1)
    matrix.workflow.revoke_elsewhere(client)
    return {"Reconcile": True}, {client.serial}


def enforce_a_third_partys_crl(matrix: Matrix) -> Request:
    """Return the request to enforce a CRL of the root, which no Private CA of the stack publishes."""
    matrix.listed.append(matrix.listed[-1] + 1)
    crl = matrix.workflow.with_key(matrix.workflow.lab.root).crl(
        matrix.listed,
        number=len(matrix.listed),
        this_update=datetime.now(UTC) - timedelta(hours=1),
        next_update=datetime.now(UTC) + timedelta(days=2),
    )
    return {"Crl": matrix.put("inputs/root.crl", crl)}, set(matrix.listed)


@pytest.fixture(scope="module")
def matrix(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """Return a stack of its own, in which nothing starts by itself."""
    embedded_aws.reset()
    use_quick_settings(embedded_aws.settings)
    embedded_aws.settings.events.sends_s3_events = False
    private_ca = embedded_aws.settings.private_ca
    private_ca.revocations_per_second = private_ca.revocation_burst = 1_000_000
    folder = tmp_path_factory.mktemp("faults")
    with (
        deployed_lab(
            embedded_aws, folder / "pki", GiveWaySeconds="1", DelayNoticeSeconds="1", RevocationsPerSecond="1000"
        ) as lab,
        intercepted(embedded_aws.settings) as interceptor,
    ):
        yield Matrix(LiveStack(Workflow(lab, lab.trust_store_arn, folder=folder)), interceptor)
    embedded_aws.reset()
    embedded_aws.settings.restore_defaults()


@pytest.mark.parametrize(
    "scenario",
    [
        revoke_one,
        reconcile,
        enforce_a_third_partys_crl,
        pytest.param(revoke_a_long_list, marks=pytest.mark.slow("501 revocations for each execution")),
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_one_fault(matrix: Matrix, scenario: Callable[[Matrix], Request]) -> None:
    """Each cell is one execution with one fault, and one without."""
    faults.observe(matrix.check)
    request, wanted = scenario(matrix)
    with matrix.interceptor.armed(None, None):
        assert matrix.run(request).status == "SUCCEEDED"
        chosen = sample(cells(matrix.interceptor.calls), CELLS)
    assert wanted <= matrix.workflow.held()
    found = [(cell, _try(matrix, scenario, *cell)) for cell in chosen]
    failed = [f"{call.function} {call.action} #{call.number}, {kind}: {what}" for (call, kind), what in found if what]
    print(json.dumps({"cells": len(chosen), "failed": failed}, indent=1))  # noqa: T201 - shown with -s
    faults.clear()
    assert failed == []


def _try(matrix: Matrix, scenario: Callable[[Matrix], Request], call: Call, kind: Kind) -> str | None:
    """Return what is wrong with an execution in which this call fails, or None."""
    request, wanted = scenario(matrix)
    matrix.watch()
    with matrix.interceptor.armed(call, kind):
        execution = matrix.run(request)
        if execution.status == "SUCCEEDED" and not wanted <= matrix.workflow.held():
            return "SUCCEEDED, and not enforced"
        if execution.status != "SUCCEEDED" and (missing := _untold(matrix, execution)):
            return f"{execution.status} {execution.error}, and {missing}"
    again = matrix.run(request)
    if again.status != "SUCCEEDED" or not wanted <= matrix.workflow.held():
        return f"{execution.status}, then {again.status} {again.error}: {again.cause[:300]}"
    return f"weaker at {matrix.lapses[0]}" if matrix.lapses else None


def _untold(matrix: Matrix, execution: Execution) -> str | None:
    """Return what a failed execution lacks, or None: its report comes from another function if it was interrupted."""
    try:
        eventually(lambda: matrix.workflow.report(execution.arn).get("Outcome") == "FAILED" or None, seconds=60)
        eventually(lambda: matrix.has_notified(execution) or None, seconds=60)
    except TimeoutError:
        return f"report {matrix.workflow.report(execution.arn).get('Outcome')}, no message"
    return None
