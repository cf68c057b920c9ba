"""A dry run: what it predicts is what the real run then does, and it changes nothing."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from functions import serials
from infra.local import acm_pca, faults
from infra.local.authority import Client
from tests import pki
from tests.workflow import Execution, Workflow

_READS = re.compile(r":(Get|List|Describe|Head)[A-Z]\w*$")
# The caller's own, to start the execution and to see what came of it.
_CALLERS = re.compile(r"^(states:StartExecution|lambda:)")


@dataclass
class Case:
    """An input, and how the world was made ready for it."""

    request: dict[str, Any]
    trust_store_arns: list[str] = field(default_factory=list)
    patience: int = 60


@contextmanager
def only_reading() -> Iterator[None]:
    """Assert that nothing but reading calls is made."""
    calls: list[str] = []
    faults.observe(lambda action, _: calls.append(action))
    yield
    faults.clear()
    assert calls
    assert [each for each in calls if not _READS.search(each) and not _CALLERS.search(each)] == []


def plan(workflow: Workflow, request: dict[str, Any]) -> dict[str, Any]:
    """Make a dry run, which writes nothing."""
    s3, bucket = workflow.aws.client("s3"), workflow.lab.outputs["WorkflowBucketName"]
    before = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    with only_reading():
        running = workflow.start_with({**request, "DryRun": True})
        execution = workflow.ended(running)
    assert execution.status == "SUCCEEDED"
    assert s3.list_object_versions(Bucket=bucket).get("Versions", []) == before
    assert execution.report == {}
    return execution.output


def hexadecimal(*wanted: Client) -> list[str]:
    """Write the serials of clients."""
    return [f"0x{each.serial:x}" for each in wanted]


def asked(workflow: Workflow, *wanted: Client | str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields
    """Make an input."""
    texts = [each if isinstance(each, str) else f"0x{each.serial:x}" for each in wanted]
    polling = {"IntervalSeconds": 1, "DeadlineSeconds": 10}
    return {"Serials": texts, "TrustStoreArns": [workflow.trust_store_arn], "Polling": polling, **more}


def fresh(workflow: Workflow) -> Case:
    """Two that nobody has revoked."""
    return Case(asked(workflow, *workflow.clients(2)))


def enforced_already(workflow: Workflow) -> Case:
    """One that was revoked and enforced before."""
    (client,) = workflow.clients(1)
    assert workflow.run(client).status == "SUCCEEDED"
    return Case(asked(workflow, client))


def in_the_crl_alone(workflow: Workflow) -> Case:
    """One that was revoked elsewhere, whose CRL lies in S3 and is attached to nothing."""
    (client,) = workflow.clients(1)
    revoke(workflow, client)
    s3, key = workflow.aws.client("s3"), f"crl/{workflow.authority.arn.rsplit('/', 1)[1]}.crl"
    for _ in range(100):  # for the CRL that the revocation brings, so that none is due when the plan is made
        lying = s3.get_object(Bucket=workflow.lab.outputs["CrlBucketName"], Key=key)["Body"].read()
        if x509.load_der_x509_crl(lying).get_revoked_certificate_by_serial_number(client.serial):
            return Case(asked(workflow, client))
        time.sleep(0.1)
    raise TimeoutError("the CRL has not come")


def revoke(workflow: Workflow, client: Client) -> None:
    """Revoke elsewhere."""
    workflow.aws.client("acm-pca").revoke_certificate(
        CertificateAuthorityArn=workflow.authority.arn,
        CertificateSerial=serials.write(client.serial),
        RevocationReason="SUPERSEDED",
    )


def some_of_each(workflow: Workflow) -> Case:
    """One in the CRL, one fresh, one that was never issued."""
    case = in_the_crl_alone(workflow)
    (client,) = workflow.clients(1)
    return Case({**case.request, "Serials": [*case.request["Serials"], *hexadecimal(client), "0xabcdef"]})


def never_issued(workflow: Workflow) -> Case:
    """None that this CA knows."""
    return Case(asked(workflow, "0xabcdef"))


def older_list_attached(workflow: Workflow) -> Case:
    """Fill a trust store with two older lists of this CA, and one of another."""
    for _ in range(2):
        workflow.attach(acm_pca.publish_now(workflow.authority.arn))
    workflow.attach(pki.certificate_authority("Other").crl([1]))
    return Case(asked(workflow, *workflow.clients(1)))


def full(workflow: Workflow) -> Case:
    """Fill a trust store with 30 lists of others."""
    other = pki.certificate_authority("Other")
    for number in range(30):
        workflow.attach(other.crl([1], number=number + 1))
    return Case(asked(workflow, *workflow.clients(1)))


def two_trust_stores(workflow: Workflow) -> Case:
    """One that has the list already, and one that has not."""
    (client,) = workflow.clients(1)
    assert workflow.run(client).status == "SUCCEEDED"
    arns = [workflow.trust_store_arn, workflow.another_trust_store()]
    return Case(asked(workflow, client, TrustStoreArns=arns), arns)


def bad_serial(workflow: Workflow) -> Case:
    """Ask for an ambiguous one."""
    return Case(asked(workflow, "1234"))


def not_trusted(workflow: Workflow) -> Case:
    """Name a trust store for another CA."""
    return Case(asked(workflow, *workflow.clients(1), TrustStoreArns=[workflow.another_trust_store(workflow.twin())]))


def handed_over(workflow: Workflow) -> Case:
    """Hand over the root's CRL, which is nowhere attached."""
    return Case(put_crl(workflow, 5))


def handed_over_and_lower(workflow: Workflow) -> Case:
    """Hand over the root's CRL, below the one that is attached."""
    workflow.attach(workflow.signer(workflow.lab.root).crl([5], number=9))
    return Case(put_crl(workflow, 5))


HIGHEST = 10**15  # above every number of the embedded CA, which counts milliseconds since 1970


def attached(workflow: Workflow, number: int, *, held: bool = True) -> str:
    """Revoke one elsewhere, and attach a list of its CA with this number, that holds it or does not."""
    (serial,) = in_the_crl_alone(workflow).request["Serials"]
    workflow.attach(workflow.signer(workflow.authority).crl([int(serial, 16)] if held else [5], number=number))
    return str(serial)


def impatient(workflow: Workflow, serial: str) -> Case:
    """Ask for what no CRL will ever satisfy."""
    return Case(asked(workflow, serial, Polling={"IntervalSeconds": 1, "DeadlineSeconds": 2}))


def attached_is_newer(workflow: Workflow) -> Case:
    """One whose CRL in S3 is older than the list that is attached, and holds it too."""
    return impatient(workflow, attached(workflow, HIGHEST))


def attached_is_newer_and_lacks_it(workflow: Workflow) -> Case:
    """Have the newer one not hold it."""
    return impatient(workflow, attached(workflow, HIGHEST, held=False))


def newer_in_one_of_two(workflow: Workflow) -> Case:
    """Nothing stands in the way in one trust store, and a newer list that lacks it in the other."""
    serial = attached(workflow, HIGHEST, held=False)
    return Case(asked(workflow, serial, TrustStoreArns=[workflow.another_trust_store(), workflow.trust_store_arn]))


def same_number_in_one_of_two(workflow: Workflow) -> Case:
    """Nothing in one, and in the other a list with the number of the CRL in S3 and other bytes."""
    (serial,) = in_the_crl_alone(workflow).request["Serials"]
    s3, key = workflow.aws.client("s3"), f"crl/{workflow.authority.arn.rsplit('/', 1)[1]}.crl"
    lying = x509.load_der_x509_crl(s3.get_object(Bucket=workflow.lab.outputs["CrlBucketName"], Key=key)["Body"].read())
    number = lying.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    workflow.attach(workflow.signer(workflow.authority).crl([int(serial, 16)], number=number))
    return Case(asked(workflow, serial, TrustStoreArns=[workflow.another_trust_store(), workflow.trust_store_arn]))


def no_crl_in_s3(workflow: Workflow) -> Case:
    """One that an attached list refuses, and whose CRL is gone: nothing that is newly revoked brings another."""
    serial = attached(workflow, 7)
    workflow.delete_crl()
    return impatient(workflow, serial)


def expired(workflow: Workflow) -> Case:
    """One that has expired and that nobody has revoked."""
    (client,) = workflow.clients(1, {"Type": "ABSOLUTE", "Value": int(time.time()) + 3})
    time.sleep(3.5)
    return Case(asked(workflow, client))


def full_in_one_of_two(workflow: Workflow) -> Case:
    """One fresh, and one of two trust stores full."""
    case = full(workflow)
    return Case({**case.request, "TrustStoreArns": [workflow.another_trust_store(), workflow.trust_store_arn]})


def handed_over_with_a_used_number(workflow: Workflow) -> Case:
    """Hand over the root's CRL, of a CA that has fallen back to a number that is attached."""
    workflow.attach(workflow.signer(workflow.lab.root).crl([5, 6], number=5))
    return Case(put_crl(workflow, 5) | {"AcceptLowerCrlNumber": True})


def handed_over_and_fallen_back(workflow: Workflow) -> Case:
    """Hand over the root's CRL, below two that are attached and hold no more."""
    for number in (8, 9):
        workflow.attach(workflow.signer(workflow.lab.root).crl([5], number=number))
    return Case(put_crl(workflow, 5) | {"AcceptLowerCrlNumber": True})


def reconcile_with_leftovers(workflow: Workflow) -> Case:
    """Reconcile two trust stores: one has an old list, one has two."""
    other = workflow.another_trust_store()
    for arn in (workflow.trust_store_arn, other, other):
        workflow.attach(acm_pca.publish_now(workflow.authority.arn), arn)
    acm_pca.publish_now(workflow.authority.arn)
    return Case({"Reconcile": True, "TrustStoreArns": [workflow.trust_store_arn, other]})


def put_crl(workflow: Workflow, number: int) -> dict[str, Any]:
    """Hand over a CRL of the root."""
    bucket, key = workflow.lab.outputs["InputBucketName"], "inputs/root.crl"
    body = workflow.signer(workflow.lab.root).crl([5], number=number)
    workflow.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return {"Crl": f"s3://{bucket}/{key}", "TrustStoreArns": [workflow.trust_store_arn]}


CASES: list[Callable[[Workflow], Case]] = [
    fresh,
    enforced_already,
    in_the_crl_alone,
    some_of_each,
    never_issued,
    older_list_attached,
    full,
    two_trust_stores,
    bad_serial,
    not_trusted,
    handed_over,
    handed_over_and_lower,
    attached_is_newer,
    attached_is_newer_and_lacks_it,
    newer_in_one_of_two,
    same_number_in_one_of_two,
    no_crl_in_s3,
    expired,
    full_in_one_of_two,
    handed_over_with_a_used_number,
    handed_over_and_fallen_back,
    reconcile_with_leftovers,
]


def run(workflow: Workflow, request: dict[str, Any]) -> Execution:
    """Start it for real; no CRL comes before the first look, however slow that is."""
    workflow.aws.settings.private_ca.crl_publication = False
    execution_arn = workflow.start_with(request)
    workflow.looks_or_ends(execution_arn)
    workflow.aws.settings.private_ca.crl_publication = True
    return workflow.ended(execution_arn)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_what_is_predicted_is_done(workflow: Workflow, make: Callable[[Workflow], Case]) -> None:
    """Outcome, error, each serial, what is attached and removed: all that can be known beforehand."""
    case = make(workflow)
    before = {arn: set(workflow.lists(arn)) for arn in case.request["TrustStoreArns"]}
    planned = plan(workflow, case.request)
    execution = run(workflow, case.request)
    if planned["Outcome"] != "UNKNOWN":
        assert (planned["Outcome"] == "SUCCEEDED") is (execution.status == "SUCCEEDED")
        assert planned.get("Error") == execution.error
    if planned["Outcome"] == "REFUSED":
        assert planned["Cause"] in execution.cause
        assert {arn: set(workflow.lists(arn)) for arn in case.request["TrustStoreArns"]} == before
        return
    foretold = {each["Serial"]: each["Expected"] for each in planned["Serials"] if "Expected" in each}
    assert foretold == {serial: execution.outcomes[serial] for serial in foretold}
    assert len(foretold) + planned["Expected"].get("UNKNOWN", 0) == len(execution.outcomes)
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


def test_it_shows_which_certificates_these_are(workflow: Workflow) -> None:
    """For the eye before an irreversible call: subject, issuer and expiry, from Private CA."""
    (client,) = workflow.clients(1)
    (shown,) = plan(workflow, asked(workflow, client))["Serials"]
    assert shown["Subject"] == f"CN={client.name}"
    assert shown["Issuer"] == "CN=Embedded Issuing CA,O=Embedded AWS"
    assert datetime.fromisoformat(shown["NotAfter"]) > datetime.now(UTC) + timedelta(days=29)


def test_a_reconcile(workflow: Workflow) -> None:
    """What differs is told, and the same thing again when it was corrected."""
    request = {"Reconcile": True, "TrustStoreArns": [workflow.trust_store_arn]}
    planned = plan(workflow, request)
    assert planned["Drift"]["TrustStores"][0]["Kind"] == "NO_LIST"
    assert planned["TrustStores"][0]["AddCrlNumber"] == planned["Crl"]["CrlNumber"]
    assert workflow.ended(workflow.start_with(request)).output["Reconciled"] == "LASTING"
    assert plan(workflow, request)["Drift"]["Status"] == "NONE"


def test_a_long_list_is_cut_with_its_counts(workflow: Workflow) -> None:
    """Three thousand serials: as many as are looked up are shown, as far as there is room, the others counted."""
    numbers = [f"0x{number:x}" for number in range(10**9, 10**9 + 3_000)]
    bucket = workflow.lab.outputs["InputBucketName"]
    workflow.aws.client("s3").put_object(Bucket=bucket, Key="inputs/plan.txt", Body="\n".join(numbers).encode())
    planned = plan(workflow, {"SerialList": f"s3://{bucket}/inputs/plan.txt"} | asked(workflow, Serials=[]))
    assert (planned["NumberOfSerials"], planned["Batches"]) == (3_000, 8)
    assert Counter(planned["Expected"]) == {"FAILED": 2_000, "NOT_LOOKED_UP": 1_000}
    assert planned["SerialsNotShown"] == 3_000 - len(planned["Serials"])
    assert 100_000 < len(json.dumps(planned)) < 210_000


@pytest.mark.parametrize("value", ["true", 1, "yes", None])
def test_a_dry_run_that_nobody_clearly_asked_for_is_no_real_run(workflow: Workflow, value: object) -> None:
    """Anything but true and false is refused before any effect."""
    before = set(acm_pca.certificate_authority(workflow.authority.arn).revocations)
    execution = workflow.run(*workflow.clients(1), DryRun=value)
    assert execution.error == "InvalidInput"
    assert "DryRun" in execution.cause
    assert acm_pca.certificate_authority(workflow.authority.arn).revocations.keys() == before


@pytest.mark.parametrize("name", ["dry_run", "dryRun", "DRYRUN", "DryRun "])
def test_a_dry_run_by_another_name_is_no_real_run(workflow: Workflow, name: str) -> None:
    """A field that the state machine does not know is none to anybody else."""
    before = set(acm_pca.certificate_authority(workflow.authority.arn).revocations)
    execution = workflow.run(*workflow.clients(1), **{name: True})
    assert execution.error == "InvalidInput"
    assert f"{name}: " in execution.cause
    assert acm_pca.certificate_authority(workflow.authority.arn).revocations.keys() == before
