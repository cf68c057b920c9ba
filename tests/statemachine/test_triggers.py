"""What starts executions: an event requests a revocation; a CRL or the schedule updates the trust stores."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.events import service as events
from tests.statemachine.live_stack import LiveStack
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
AWS = Path(sys.executable).parent / "aws"


def test_uploaded_crl_of_another_ca_is_enforced(live: LiveStack) -> None:
    """A list under crls/ of the input bucket starts an execution; whatever lies beside it does not."""
    live.aws.settings.events.sends_s3_events = True
    root = live.workflow.with_key(live.lab.root)
    s3, bucket = live.aws.client("s3"), live.lab.outputs["InputBucketName"]

    def drop() -> None:
        s3.put_object(Bucket=bucket, Key="inputs/crls/none.crl", Body=root.crl([4]))
        s3.put_object(Bucket=bucket, Key="crls/")  # as the console's "Create folder" does
        for name in (".DS_Store", "README.md", "root.crl.sha256", "Thumbs.db"):
            s3.put_object(Bucket=bucket, Key=f"crls/{name}", Body=b"not a list")
        s3.put_object(Bucket=bucket, Key='crls/the "root".crl', Body=root.crl([5]))

    (execution,) = live.started_by(drop)
    assert execution.status == "SUCCEEDED"
    assert 5 in live.workflow.held()
    assert 4 not in live.workflow.held()


def test_event_of_the_readme_starts_a_revocation(live: LiveStack) -> None:
    """The README's event, with a serial of this CA, blocks the certificate; people and programs are notified."""
    live.aws.settings.private_ca.publishes_crls = False
    (client,) = live.workflow.clients(1)
    assert live.accepts(client)
    entries = json.loads((ROOT / "statemachine" / "examples" / "put-events.json").read_text())
    detail = {**json.loads(entries[0]["Detail"]), "Serials": [serial_number.to_hex(client.serial)]}
    entries[0] |= {"EventBusName": live.lab.outputs["EventBusName"], "Detail": json.dumps(detail)}
    command: list[str | Path] = [AWS, "events", "put-events", "--entries", json.dumps(entries)]
    environment = {**os.environ, **live.aws.environment()}

    def put_and_publish_once_it_waits() -> None:
        before = set(live.workflow.executions())
        subprocess.run(command, env=environment, check=True, capture_output=True)
        live.workflow.wait_for_state(live.workflow.wait_for_start(before)[0], "WaitForCrl")
        live.aws.settings.private_ca.publishes_crls = True

    (execution,) = live.started_by(put_and_publish_once_it_waits)
    assert execution.status == "SUCCEEDED"
    assert execution.report["Ticket"] == "INC-4711"
    assert not live.accepts(client)
    waiting, *_, completed = live.receive_events()
    assert waiting["detail-type"] == "Client Certificate Revocation Waiting"
    assert completed["detail-type"] == "Client Certificate Revocation Completed"
    entry = {"Serial": serial_number.to_hex(client.serial), "Outcome": "REVOKED", "Enforced": True}
    assert completed["detail"]["Serials"] == [entry]
    first, *_, last = live.receive_notifications()
    assert f"{client.serial:X}" in first["Message"]  # as the header at the targets has it
    assert last["Subject"] == "mTLS revocation completed: blocked 1 of 1 certificates"


@pytest.mark.parametrize(
    "detail", [{}, {"Ticket": "only"}, {"Serial": "0a:0b"}, {"Serials": ["zz"]}, {"Serials": 7}, {"Reconcile": "maybe"}]
)
def test_a_malformed_event_ends_in_a_named_failure_and_a_notification(
    live: LiveStack, detail: dict[str, object]
) -> None:
    """The execution fails with InvalidInput and is notified exactly once."""
    (execution,) = live.started_by(lambda: live.request_revocation(**detail))
    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")
    (failed,) = live.receive_events()  # and not a second time, by the rule on failed executions
    assert failed["detail"]["Error"] == "InvalidInput"
    assert live.receive_subjects() == ["mTLS revocation failed: InvalidInput"]


def test_undeliverable_event_is_in_the_dead_letter_queue(live: LiveStack) -> None:
    """A request whose execution never began is found there whole, with the reason."""
    iam = live.aws.client("iam")
    bus, client = live.lab.outputs["EventBusName"], live.aws.client("events")
    rule = next(r["Name"] for r in client.list_rules(EventBusName=bus)["Rules"] if r["Name"] != "listen")
    role = client.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"][0]["RoleArn"].rsplit("/", 1)[1]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    live.request_revocation(Serials=["0a:0b"])
    events.wait_until_delivered()
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    (buried,) = live.receive(live.lab.outputs["DeadLetterQueueUrl"].rsplit("/", 1)[1])
    assert buried["detail"] == {"Serials": ["0a:0b"]}
    assert buried["Attributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


@pytest.mark.parametrize("by", ["event", "schedule"])
def test_revocation_made_elsewhere_reaches_the_listener(live: LiveStack, by: str) -> None:
    """No execution is started by hand: the CRL's publication starts one or, if the event is lost, the schedule."""
    (client,) = live.workflow.clients(1)
    live.aws.settings.events.sends_s3_events = by == "event"

    def elsewhere() -> None:
        command: list[str | Path] = [
            AWS,
            "acm-pca",
            "revoke-certificate",
            "--certificate-authority-arn",
            live.lab.authority.arn,
        ]
        command += ["--certificate-serial", serial_number.to_hex(client.serial), "--revocation-reason", "SUPERSEDED"]
        subprocess.run(command, env={**os.environ, **live.aws.environment()}, check=True, capture_output=True)
        live.workflow.wait_for_crl_with(client)
        if by == "schedule":
            events.fire_schedules_now()

    (execution,) = live.started_by(elsewhere)
    assert (execution.status, execution.output["Reconciled"]) == ("SUCCEEDED", "CONFIRMED")
    assert not live.accepts(client)
    assert live.receive_subjects() == [
        "mTLS revocation completed: drift corrected, the trust stores hold the newest CRL"
    ]


def test_bucket_that_private_ca_cannot_write_to_is_named(live: LiveStack) -> None:
    """People are notified at once, and the failed execution names the bucket too, with what to change."""
    s3, bucket = live.aws.client("s3"), live.lab.outputs["CrlBucketName"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    live.aws.settings.private_ca.crl_retry_seconds = 2  # not more failures than a busy machine delivers
    (client,) = live.workflow.clients(1)
    detail = {
        "Serials": [serial_number.to_hex(client.serial)],
        "Polling": {"IntervalSeconds": 5, "DeadlineSeconds": 10},
    }
    (execution,) = live.started_by(lambda: live.request_revocation(**detail))
    assert (execution.status, execution.error) == ("FAILED", "CrlBucketNotWritable")
    assert execution.outcomes == {serial_number.to_hex(client.serial): "REVOKED"}
    for message in (
        execution.cause,
        *(m["Message"] for m in live.receive_notifications() if "CrlBucket" in m["Subject"]),
    ):
        assert bucket in message
        assert "acm-pca.amazonaws.com s3:PutObject" in message
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    (again,) = live.started_by(lambda: live.request_revocation(Serials=[serial_number.to_hex(client.serial)]))
    assert again.status == "SUCCEEDED"
    assert not live.accepts(client)


def test_people_are_notified_at_the_start_of_the_wait_and_when_it_takes_long(live: LiveStack) -> None:
    """Once each, not at every poll; and a failed notification does not delay the execution."""
    live.aws.settings.private_ca.publishes_crls = False
    (client,) = live.workflow.clients(1)
    detail = {"Serials": [serial_number.to_hex(client.serial)], "Polling": {"IntervalSeconds": 1, "DeadlineSeconds": 3}}
    (execution,) = live.started_by(lambda: live.request_revocation(**detail))
    assert execution.error == "CrlNotPublished"
    subjects = [each.partition(":")[0] for each in live.receive_subjects()]
    assert subjects == [f"mTLS revocation {status}" for status in ("waiting", "delayed", "failed")]
    live.aws.settings.private_ca.publishes_crls = True
    faults.add("sns:Publish", code="AuthorizationError", times=1000)
    (again,) = live.started_by(lambda: live.request_revocation(Serials=[serial_number.to_hex(client.serial)]))
    assert again.status == "SUCCEEDED"
    assert "NotNotified" in again.output


def test_stopped_execution_is_reported(live: LiveStack) -> None:
    """Its report names what was revoked and is not blocked, and people are notified."""
    live.aws.settings.private_ca.publishes_crls = False
    clients = live.workflow.clients(3)
    arn = live.workflow.start_with({"Serials": [serial_number.to_hex(client.serial) for client in clients]})
    live.workflow.wait_for_state(arn, "WaitForCrl")
    live.aws.client("stepfunctions").stop_execution(executionArn=arn)
    report = eventually(lambda: live.workflow.report(arn) or None)
    assert (report["Outcome"], report["Error"]) == ("FAILED", "ExecutionInterrupted")
    assert "without a report of its own" in report["Cause"]
    revoked = set(acm_pca.certificate_authority(live.lab.authority.arn).revocations)
    reported = {serial_number.parse(each["Serial"]) for each in report["Serials"] if each.get("Outcome") == "REVOKED"}
    assert len(reported) == 3
    assert reported <= revoked
    expected = "mTLS revocation failed: ExecutionInterrupted, blocked "
    eventually(lambda: [each for each in live.receive_subjects() if each.startswith(expected)] or None)


@pytest.mark.parametrize("reported", ["SUCCEEDED", "FAILED"])
def test_execution_stopped_after_its_report(live: LiveStack, reported: str) -> None:
    """A report that says SUCCEEDED is replaced by one of the interruption; one that was never sent is sent."""
    live.aws.settings.private_ca.publishes_crls = reported == "SUCCEEDED"
    (client,) = live.workflow.clients(1)
    if reported == "FAILED":
        faults.add("sns:Publish", code="AuthorizationError", times=2)  # of the wait, and of the outcome
    stopped = live.workflow.stop_at("s3:GetObjectVersion", "/report.json")
    arn = live.workflow.start(client, seconds=2)
    assert live.workflow.wait(arn).status == "ABORTED"
    assert stopped == [arn]
    expected = "ExecutionInterrupted" if reported == "SUCCEEDED" else "CrlNotPublished"
    subject = f"mTLS revocation failed: {expected}, blocked {int(reported == 'SUCCEEDED')} of 1 certificates"
    eventually(lambda: subject in live.receive_subjects() or None)
    report = live.workflow.report(arn)
    assert (report["Outcome"], report["Error"]) == ("FAILED", expected)
    assert reported == "FAILED" or "ABORTED after it had reported SUCCEEDED" in report["Cause"]


def test_workflow_does_not_start_itself(live: LiveStack) -> None:
    """With S3 events enabled, only the CA's CRL starts an execution, and no object that an execution writes does."""
    live.aws.settings.events.sends_s3_events = True
    (client,) = live.workflow.clients(1)
    before = len(live.workflow.executions())
    live.started_by(lambda: live.request_revocation(Serials=[serial_number.to_hex(client.serial)]))
    live.settle()
    assert len(live.workflow.executions()) == before + 2  # the requested one, and the reconcile of its CRL


def test_metrics_are_in_cloudwatch(live: LiveStack) -> None:
    """The metrics that alarms watch are there, under the dimensions of the alarms."""
    live.reconcile()
    client = live.aws.client("cloudwatch")
    dimensions = {
        (metric["MetricName"], frozenset(dimension["Name"] for dimension in metric["Dimensions"]))
        for metric in client.list_metrics(Namespace="MtlsRevocation")["Metrics"]
    }
    for name in ("TimeToNextUpdate", "AttachedCrlAge", "HeadroomUsedByNextCrl"):
        assert (name, frozenset({"CertificateAuthority"})) in dimensions
        assert (name, frozenset({"CertificateAuthority", "TrustStore"})) in dimensions
