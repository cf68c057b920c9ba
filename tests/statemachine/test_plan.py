"""A dry run: what it predicts is what the real run then does, and it changes nothing."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from tests.statemachine.plan_situations import SITUATIONS, Request, request_for
from tests.support.workflow import Execution, Workflow

_READS = re.compile(r":(Get|List|Describe|Head)[A-Z]\w*$")
# The caller's own, to start the execution and to see what came of it.
_CALLERS = re.compile(r"^(states:StartExecution|lambda:)")


@contextmanager
def only_reading() -> Iterator[None]:
    """Assert that only reading calls are made."""
    calls: list[str] = []
    faults.observe(lambda action, _: calls.append(action))
    yield
    faults.clear()
    assert calls
    assert [each for each in calls if not _READS.search(each) and not _CALLERS.search(each)] == []


def plan(workflow: Workflow, request: Request) -> dict[str, Any]:
    """Run a dry run, and assert that it writes nothing."""
    s3, bucket = workflow.aws.client("s3"), workflow.lab.outputs["WorkflowBucketName"]
    before = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    with only_reading():
        running = workflow.start_with({**request, "DryRun": True})
        execution = workflow.wait(running)
    assert execution.status == "SUCCEEDED"
    assert s3.list_object_versions(Bucket=bucket).get("Versions", []) == before
    assert execution.report == {}
    return execution.output


def run(workflow: Workflow, request: Request) -> Execution:
    """Run the execution itself; no CRL is published before the first poll, however slow that is."""
    workflow.aws.settings.private_ca.publishes_crls = False
    execution_arn = workflow.start_with(request)
    workflow.wait_for_poll_or_end(execution_arn)
    workflow.aws.settings.private_ca.publishes_crls = True
    return workflow.wait(execution_arn)


@pytest.mark.parametrize("make", SITUATIONS, ids=lambda make: make.__name__)
def test_prediction_equals_the_result(workflow: Workflow, make: Callable[[Workflow], Request]) -> None:
    """Outcome, error, each serial, and which lists are attached and removed, as far as can be known beforehand."""
    request = make(workflow)
    before = {arn: set(workflow.lists(arn)) for arn in request["TrustStoreArns"]}
    planned = plan(workflow, request)
    execution = run(workflow, request)
    if planned["Outcome"] != "UNKNOWN":
        assert (planned["Outcome"] == "SUCCEEDED") is (execution.status == "SUCCEEDED")
        assert planned.get("Error") == execution.error
    if planned["Outcome"] == "REFUSED":
        assert planned["Cause"] in execution.cause
        assert {arn: set(workflow.lists(arn)) for arn in request["TrustStoreArns"]} == before
        return
    predicted = {each["Serial"]: each["Expected"] for each in planned["Serials"] if "Expected" in each}
    assert predicted == {serial: execution.outcomes[serial] for serial in predicted}
    assert len(predicted) + planned["Expected"].get("UNKNOWN", 0) == len(execution.outcomes)
    if planned["Expected"].get("UNKNOWN") == len(execution.outcomes):
        return  # whether anything is waited for is not known either
    waits = planned["SecondsWaitingForCrl"] > 0
    assert waits is ("WaitForCrl" in execution.states)
    assert (planned["Crl"].get("WantedMissing", 0) > 0) is waits
    stores_are_as_planned(planned, execution, before)


def stores_are_as_planned(planned: dict[str, Any], execution: Execution, before: dict[str, set[int]]) -> None:
    """Compare what was to be done to each trust store with what was done to it."""
    done = {each["TrustStoreArn"]: each for each in execution.report["TrustStores"]}
    for store in planned["TrustStores"]:
        real, arn = done[store["TrustStoreArn"]], store["TrustStoreArn"]
        if execution.error == "CrlNotPublished":  # a CRL was to come that nothing brings
            assert (real["AddedRevocationIds"], real["RemovedRevocationIds"]) == ([], [])
            continue
        added, planned_adds = len(real["AddedRevocationIds"]), ("AddCrlNumber" in store) + store["AddNextCrl"]
        # The next CRL may hold a part of what is missing, and the one after it the rest.
        assert added >= planned_adds if store["AddNextCrl"] else added == planned_adds
        assert store.get("Refusal", {}).get("Error") == real.get("Failure", {}).get("Error")
        assert set(store["RemoveRevocationIds"]) == set(real["RemovedRevocationIds"]) & before[arn]
        if "AddCrlNumber" in store and not store["AddNextCrl"]:
            assert real["CrlNumber"] == store["AddCrlNumber"]


def test_plan_shows_the_certificates(workflow: Workflow) -> None:
    """Subject, issuer and expiry, from Private CA, to look at before an irreversible call."""
    (client,) = workflow.clients(1)
    (shown,) = plan(workflow, request_for(workflow, client))["Serials"]
    assert shown["Subject"] == f"CN={client.name}"
    assert shown["Issuer"] == "CN=Embedded Issuing CA,O=Embedded AWS"
    assert datetime.fromisoformat(shown["NotAfter"]) > datetime.now(UTC) + timedelta(days=29)


def test_plan_of_a_reconcile(workflow: Workflow) -> None:
    """The plan shows the drift, and after it was corrected the plan is empty."""
    request = {"Reconcile": True, "TrustStoreArns": [workflow.trust_store_arn]}
    planned = plan(workflow, request)
    assert planned["Drift"]["TrustStores"][0]["Kind"] == "NO_LIST"
    assert planned["TrustStores"][0]["AddCrlNumber"] == planned["Crl"]["CrlNumber"]
    assert workflow.wait(workflow.start_with(request)).output["Reconciled"] == "CONFIRMED"
    assert plan(workflow, request)["Drift"]["Status"] == "NONE"


@pytest.mark.slow("2,000 certificates are looked up, within the function's memory and time")
def test_plan_of_a_long_list_is_cut(workflow: Workflow) -> None:
    """Of three thousand serials, those that were looked up and fit are shown and the others are counted."""
    numbers = [f"0x{number:x}" for number in range(10**9, 10**9 + 3_000)]
    bucket = workflow.lab.outputs["InputBucketName"]
    workflow.aws.client("s3").put_object(Bucket=bucket, Key="inputs/plan.txt", Body="\n".join(numbers).encode())
    planned = plan(workflow, {"SerialList": f"s3://{bucket}/inputs/plan.txt"} | request_for(workflow, Serials=[]))
    assert (planned["NumberOfSerials"], planned["Batches"]) == (3_000, 8)
    assert Counter(planned["Expected"]) == {"FAILED": 2_000, "NOT_LOOKED_UP": 1_000}
    assert planned["SerialsNotShown"] == 3_000 - len(planned["Serials"])
    assert 100_000 < len(json.dumps(planned)) < 210_000


@pytest.mark.parametrize("value", ["true", None])
def test_dry_run_that_is_not_a_boolean_is_refused(workflow: Workflow, value: object) -> None:
    """Anything but true and false is refused before any effect."""
    before = set(acm_pca.certificate_authority(workflow.authority.arn).revocations)
    execution = workflow.run(*workflow.clients(1), DryRun=value)
    assert execution.error == "InvalidInput"
    assert "DryRun" in execution.cause
    assert acm_pca.certificate_authority(workflow.authority.arn).revocations.keys() == before


def test_misspelled_dry_run_is_refused(workflow: Workflow) -> None:
    """A field that the state machine does not know is unknown to every step."""
    before = set(acm_pca.certificate_authority(workflow.authority.arn).revocations)
    execution = workflow.run(*workflow.clients(1), dryRun=True)
    assert execution.error == "InvalidInput"
    assert "dryRun: " in execution.cause
    assert acm_pca.certificate_authority(workflow.authority.arn).revocations.keys() == before
