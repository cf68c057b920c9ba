"""Least privilege: what the stack does is within its roles, nothing is allowed that is never used, all is needed."""

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import limits
from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.events import service as events
from infra.local.iam import enforcement
from infra.local.lab.lab import deployed_lab
from infra.local.lab.pki import Client
from infra.local.server import EmbeddedAws
from tests.support.waiting import eventually, use_quick_settings
from tests.support.workflow import Execution, Workflow, before_first_call

ADD = "elasticloadbalancing:AddTrustStoreRevocations"
REMOVE = "elasticloadbalancing:RemoveTrustStoreRevocations"


@pytest.fixture
def fresh(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Workflow]:
    """Return a workflow on a stack of its own, for one trust store that hangs on a load balancer."""
    use_quick_settings(aws.settings)
    aws.settings.events.sends_s3_events = False  # the schedule is fired where a reconcile is wanted
    with deployed_lab(
        aws, tmp_path / "pki", GiveWaySeconds="2", DelayNoticeSeconds="1", RevocationsPerSecond="500"
    ) as lab:
        acm_pca.publish_now(lab.authority.arn)
        yield Workflow(lab, lab.trust_store_arn, folder=tmp_path)
    faults.clear()


def remove_highest_list(arn: str) -> None:
    """Remove the list of the highest RevocationId, which no execution would do."""
    store = embedded_elbv2.trust_store(arn)
    store.remove([max(each.revocation_id for each in store.visible_lists)])


def reconcile(workflow: Workflow) -> Execution:
    """Fire the schedule and wait for the execution that it starts."""
    before = set(workflow.executions())
    events.fire_schedules_now()
    return workflow.wait(workflow.wait_for_start(before)[0])


def run_all_scenarios(workflow: Workflow) -> None:
    """Run every scenario that needs one of the stack's permissions."""
    authority, arn = workflow.authority, workflow.trust_store_arn
    clients = workflow.clients(9)

    workflow.aws.settings.private_ca.publishes_crls = False
    workflow.delete_crl()  # its absence must be a 404
    running = workflow.start(clients[0], seconds=30)
    workflow.wait_for_state(running, "WaitForCrl")
    workflow.aws.settings.private_ca.publishes_crls = True
    acm_pca.publish_now(authority.arn)
    assert workflow.wait(running).status == "SUCCEEDED"
    assert workflow.run(clients[0]).outcomes.popitem()[1] == "ALREADY_REVOKED"  # has it expired?

    while len(embedded_elbv2.trust_store(arn).visible_lists) < 30:  # leftovers, which AttachCrl removes
        workflow.add(acm_pca.publish_now(authority.arn))
    assert workflow.run(clients[1]).status == "SUCCEEDED"

    before_first_call(REMOVE, arn, lambda: remove_highest_list(arn))  # RemoveSupersededCrls adds it again
    execution = workflow.run(clients[2])
    assert execution.status == "SUCCEEDED"
    assert execution.states.count("VerifyRevocation") == 2

    before_first_call(ADD, arn, lambda: workflow.add(acm_pca.publish_now(authority.arn)))  # a peer supersedes us
    assert workflow.run(clients[3]).status == "SUCCEEDED"

    workflow.aws.settings.private_ca.publishes_crls = False
    running = workflow.start(*clients[4:6], seconds=30)
    workflow.wait_for_state(running, "WaitForCrl")
    acm_pca.publish_now(authority.arn, serials=workflow.held() | {clients[4].serial})  # one of two
    workflow.wait_for_state(running, "AreSerialsMissing")
    acm_pca.publish_now(authority.arn)
    assert workflow.wait(running).status == "SUCCEEDED"

    remove_highest_list(arn)
    workflow.delete_crl()
    assert reconcile(workflow).status == "SUCCEEDED"  # nothing there, nothing attached
    acm_pca.publish_now(authority.arn)
    assert reconcile(workflow).output["Reconciled"] == "CONFIRMED"

    remove_highest_list(arn)
    running = workflow.start_with({"Reconcile": True})
    workflow.wait_for_state(running, "GiveWay")
    workflow.add(acm_pca.publish_now(authority.arn))  # somebody else does it meanwhile, and it has to be read
    assert workflow.wait(running).output["Reconciled"] == "NONE"

    listed = inputs_are_read(workflow, clients[6])
    plans_are_made(workflow, listed)
    another_cas_crl_is_enforced(workflow)
    events_happen(workflow, serial_number.to_hex(clients[6].serial))
    interrupted(workflow, listed, clients[7].serial, clients[8].serial)
    reconcile_is_stopped(workflow)
    assert {client.serial for client in clients[:8]} <= workflow.held()


def put(workflow: Workflow, key: str, body: bytes) -> dict[str, str]:
    """Upload an object to the input bucket; return its location."""
    bucket = workflow.lab.outputs["InputBucketName"]
    version = workflow.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    return {"Bucket": bucket, "Key": key, "VersionId": version}


def inputs_are_read(workflow: Workflow, client: Client) -> dict[str, str]:
    """Read a long list and certificates from S3, one of which is missing; return the location of the list."""
    settings = workflow.aws.settings.private_ca
    settings.publishes_crls = True
    settings.revocations_per_second = settings.revocation_burst = 1_000
    already = min(workflow.held())
    serials_ = "\n".join(map(serial_number.to_hex, [already, *workflow.issue_serials(limits.MAX_INLINE_SERIALS)]))
    listed = put(workflow, "inputs/long.txt", serials_.encode())
    certificate = put(workflow, "inputs/client.pem", client.certificate.read_bytes())
    polling = {"IntervalSeconds": 1, "DeadlineSeconds": 60}
    event = {"SerialList": listed, "Certificates": [f"s3://{certificate['Bucket']}/{certificate['Key']}"]}
    ended = workflow.wait(workflow.start_with({**event, "Polling": polling}))
    assert ended.status == "SUCCEEDED"
    absent = {"Certificates": [{**certificate, "Key": "inputs/absent.pem", "VersionId": None}]}
    assert workflow.wait(workflow.start_with(absent)).error == "InputObjectNotFound"
    return listed


def plans_are_made(workflow: Workflow, listed: dict[str, str]) -> None:
    """Run dry runs that read every kind of input, and find the CRL and an input missing."""
    certificate = f"s3://{listed['Bucket']}/inputs/client.pem"
    event = {"SerialList": listed, "Certificates": [certificate], "DryRun": True}
    assert workflow.wait(workflow.start_with(event)).output["Outcome"] == "SUCCEEDED"
    workflow.delete_crl()
    assert workflow.wait(workflow.start_with(event)).output["SecondsWaitingForCrl"] > 0
    acm_pca.publish_now(workflow.authority.arn)
    absent = {**event, "Certificates": [f"s3://{listed['Bucket']}/inputs/absent.pem"]}
    assert workflow.wait(workflow.start_with(absent)).output["Error"] == "InputObjectNotFound"


def another_cas_crl_is_enforced(workflow: Workflow) -> None:
    """Enforce two CRLs of the root as third-party CRLs, the second with a lower number."""
    root = workflow.with_key(workflow.lab.root)
    for number in (2, 1):
        crl = put(workflow, "inputs/root.crl", root.crl([5], number=number))
        ended = workflow.wait(workflow.start_with({"Crl": crl, "AcceptLowerCrlNumber": True}))
        assert ended.status == "SUCCEEDED"


def events_happen(workflow: Workflow, serial: str) -> None:
    """Request a revocation by an event, while the CRL bucket is not writable and the topic has no subscriber."""
    workflow.aws.settings.private_ca.publishes_crls = True
    workflow.aws.settings.events.sends_s3_events = True
    acm_pca.publish_now(workflow.authority.arn)
    put(workflow, "crls/root.crl", workflow.with_key(workflow.lab.root).crl([5], number=3))
    events.wait_until_delivered()
    workflow.aws.settings.events.sends_s3_events = False
    entry = {"Source": "test", "DetailType": "Client Certificate Revocation Requested"}
    event = {**entry, "EventBusName": workflow.lab.outputs["EventBusName"], "Detail": json.dumps({"Serials": [serial]})}
    workflow.aws.client("events").put_events(Entries=[event])
    events.publish(
        workflow.aws.settings.region,
        "aws.acm-pca",
        "ACM Private CA CRL Generation",
        [workflow.authority.arn],
        {"result": "failure", "reason": "Failed to write CRL to S3. Check your S3 bucket permissions."},
    )
    events.publish(  # of an execution that never was: the function fails, and the event is buried
        workflow.aws.settings.region,
        "aws.states",
        "Step Functions Execution Status Change",
        [],
        {"status": "FAILED", "stateMachineArn": workflow.lab.outputs["StateMachineArn"]},
    )
    events.publish(
        workflow.aws.settings.region,
        "aws.acm-pca",
        "ACM Private CA CRL Generation",
        [workflow.authority.arn],
        {"result": "failure", "reason": 5},
    )
    events.wait_until_delivered()
    for arn in workflow.executions():
        workflow.wait(arn)


def interrupted(workflow: Workflow, listed: dict[str, str], one: int, other: int) -> None:
    """Stop an execution that has verified a list and waits for more, so that another writes its report."""
    workflow.aws.settings.private_ca.publishes_crls = False
    running = workflow.start(serial_number.to_hex(one), serial_number.to_hex(other), seconds=60, SerialList=listed)
    workflow.wait_for_state(running, "WaitForCrl")
    acm_pca.publish_now(workflow.authority.arn, serials=workflow.held() | {one})
    workflow.wait_for_state(running, "AreSerialsMissing", times=2)  # the long list was in the CRL already
    workflow.aws.client("stepfunctions").stop_execution(executionArn=running)
    eventually(lambda: workflow.report(running) or None)


def reconcile_is_stopped(workflow: Workflow) -> None:
    """Stop a reconcile that has claimed a drift, so that another function releases its claim."""
    acm_pca.publish_now(workflow.authority.arn)
    workflow.stop_at("s3:PutObject", "/crls/")
    stopped = workflow.wait(workflow.start_with({"Reconcile": True}))
    assert stopped.status == "ABORTED"
    eventually(lambda: workflow.report(stopped.arn) or None)


@pytest.mark.slow("every scenario that needs a permission, one after the other")
def test_every_permission_is_used_and_needed(fresh: Workflow) -> None:
    """Every action that the template allows is called, no other action is, and without any of them a call is denied."""
    run_all_scenarios(fresh)
    events.wait_until_delivered()
    with contextlib.suppress(TimeoutError):  # the report of an interruption comes by itself
        eventually(lambda: enforcement.unused_permissions() == set() or None)
    assert enforcement.unused_permissions() == set()
    missing = [message for message in mutants(fresh) if message]
    assert missing == []


def mutants(workflow: Workflow) -> Iterator[str | None]:
    """Remove each action from each role's policies, one at a time; return those without which no call is denied."""
    client, used = workflow.aws.client("iam"), enforcement.used_permissions()
    for role in client.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
            document = client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for mutant, action in _without_each_action(document):
                client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(mutant))
                denied = [r for role_, done, r in used if (role_, done) == (name, action) and _denied(name, action, r)]
                yield None if denied else f"{name} does not miss {action}"
            client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def _without_each_action(document: Any) -> Iterator[tuple[dict[str, Any], str]]:  # noqa: ANN401 - a policy's JSON
    for index, statement in enumerate(document["Statement"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            mutant = copy.deepcopy(document)
            mutant["Statement"][index]["Action"] = [each for each in actions if each != action] or ["none:None"]
            yield mutant, action


def _denied(role_name: str, action: str, resource: str) -> bool:
    return not enforcement.is_allowed(role_name, action, resource)


@pytest.mark.parametrize(
    ("function", "action", "error"),
    [
        ("PrepareRevocation", "acm-pca:DescribeCertificateAuthority", "RequestRefused"),
        ("FindCrl", "s3:GetObject", "AwsCallRefused"),
        ("AttachCrl", "elasticloadbalancing:AddTrustStoreRevocations", "AwsCallRefused"),
    ],
)
def test_error_names_the_denied_call(fresh: Workflow, function: str, action: str, error: str) -> None:
    """The cause of the failed execution names the missing permission."""
    client = fresh.aws.client("iam")
    role = next(r["RoleName"] for r in client.list_roles()["Roles"] if f"{function}FunctionRole" in r["RoleName"])
    for policy in client.list_role_policies(RoleName=role)["PolicyNames"]:
        document: Any = client.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for statement in document["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            statement["Action"] = [each for each in actions if each != action] or ["none:None"]
        client.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    execution = fresh.run(*fresh.clients(1), seconds=5)
    assert (execution.status, execution.error) == ("FAILED", error)
    assert "AccessDenied" in execution.cause
    assert action.partition(":")[2] in execution.cause
