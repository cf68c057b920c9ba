"""S3, Private CA and Step Functions publish events as their references show them."""

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pytest

from infra.local.acm_pca import service as acm_pca
from infra.local.core.settings import CrlFailure
from infra.local.events import executions, sources
from infra.local.events import service as events
from infra.local.server import EmbeddedAws
from tests.support import event_bridge, sandbox
from tests.support.private_ca import LocalCa
from tests.support.services import Services, empty_services
from tests.support.waiting import eventually

SUCCEED = {"Only": {"Type": "Succeed"}}


@pytest.fixture
def services(embedded_aws: EmbeddedAws) -> Iterator[Services]:
    """Return the services with quick CRLs, all of whose events go to a queue."""
    with empty_services(embedded_aws) as running:
        _record(embedded_aws)
        yield running


@pytest.fixture
def recorded(aws: EmbeddedAws) -> EmbeddedAws:
    """Return the embedded AWS, all of whose services' events go to a queue."""
    _record(aws)
    return aws


def _record(aws: EmbeddedAws) -> None:
    event_bridge.rule(aws, {"Arn": event_bridge.queue(aws)}, pattern={"source": [{"prefix": "aws."}]})


def bucket(aws: EmbeddedAws, *, notifies: bool = True, versioned: bool = True) -> Any:  # noqa: ANN401 - a boto3 client
    """Create the bucket `some`; return the client."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="some", CreateBucketConfiguration={"LocationConstraint": aws.settings.region})
    if versioned:
        s3.put_bucket_versioning(Bucket="some", VersioningConfiguration={"Status": "Enabled"})
    if notifies:
        s3.put_bucket_notification_configuration(
            Bucket="some", NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    return s3


def test_the_hooks_are_for_this_version_of_moto() -> None:
    """When moto changes, each has to be checked again."""
    assert version("moto") == "5.2.5"
    assert 'event["time"] = unix_time()' in inspect.getsource(sources.STOCK_S3_MESSAGE)
    assert "self.exec_worker.start()" in inspect.getsource(executions.STOCK_START)


def test_s3_publishes_a_created_object(recorded: EmbeddedAws) -> None:
    """One event says that the object was created."""
    put = bucket(recorded).put_object(Bucket="some", Key="crl/a b.crl", Body=b"12345")
    (event,) = event_bridge.bodies(recorded)
    assert (event["source"], event["detail-type"], event["resources"]) == (
        "aws.s3",
        "Object Created",
        ["arn:aws:s3:::some"],
    )
    detail, account = event["detail"], recorded.settings.account_id
    assert re.fullmatch("[0-9A-F]{16}", detail["object"].pop("sequencer"))
    assert re.fullmatch("[0-9A-F]{16}", detail.pop("request-id"))
    object_ = {"key": "crl/a b.crl", "size": 5, "etag": put["ETag"].strip('"'), "version-id": put["VersionId"]}
    assert detail == {
        "version": "0",
        "bucket": {"name": "some"},
        "object": object_,
        "requester": account,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }


def test_s3_publishes_how_an_object_was_created(recorded: EmbeddedAws) -> None:
    """A copy and a multipart upload have reasons of their own, and their sequencers rise."""
    s3 = bucket(recorded, versioned=False)
    where = {"Bucket": "some", "Key": "parts"}
    upload = where | {"UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]}
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    s3.copy_object(Bucket="some", Key="copy", CopySource="some/parts")
    details = sorted(
        (event["detail"] for event in event_bridge.bodies(recorded)), key=lambda it: it["object"]["sequencer"]
    )
    assert [each["reason"] for each in details] == ["CompleteMultipartUpload", "CopyObject"]
    assert "version-id" not in details[0]["object"]


def test_a_bucket_without_eventbridge_publishes_nothing(recorded: EmbeddedAws) -> None:
    """Buckets are like that until they are configured."""
    bucket(recorded, notifies=False).put_object(Bucket="some", Key="key", Body=b"")
    assert event_bridge.bodies(recorded) == []


def test_s3_events_can_be_lost(recorded: EmbeddedAws) -> None:
    """A setting switches them off."""
    recorded.settings.events.sends_s3_events = False
    bucket(recorded).put_object(Bucket="some", Key="key", Body=b"")
    assert event_bridge.bodies(recorded) == []


def test_tags_and_deletions_are_not_published(recorded: EmbeddedAws) -> None:
    """Moto publishes tags that were not set; deletions are not available here."""
    s3 = bucket(recorded)
    s3.put_object(Bucket="some", Key="key", Body=b"", Tagging="a=b")
    s3.put_object_tagging(Bucket="some", Key="key", Tagging={"TagSet": [{"Key": "a", "Value": "c"}]})
    s3.delete_object(Bucket="some", Key="key")
    assert [event["detail-type"] for event in event_bridge.bodies(recorded)] == ["Object Created"]


def _events(aws: EmbeddedAws, detail_type: str) -> list[dict[str, Any]]:
    return [event for event in event_bridge.bodies(aws) if event["detail-type"] == detail_type]


def test_private_ca_publishes_a_revocation(services: Services, embedded_aws: EmbeddedAws) -> None:
    """The event has the ARNs of the CA and of the certificate."""
    authority = LocalCa.create(services)
    leaf = authority.issue()
    authority.revoke(leaf)
    (event,) = _events(embedded_aws, "ACM Private CA Certificate Revocation")
    assert (event["source"], event["resources"]) == ("aws.acm-pca", [authority.arn, leaf.arn])
    assert event["detail"] == {"result": "success"}


def test_private_ca_publishes_a_generated_crl(services: Services, embedded_aws: EmbeddedAws) -> None:
    """The event has the ARN of the CA."""
    services.settings.private_ca.publishes_crls = False
    authority = LocalCa.create(services)
    authority.issue()
    acm_pca.publish_now(authority.arn)
    (event,) = _events(embedded_aws, "ACM Private CA CRL Generation")
    assert (event["resources"], event["detail"]) == ([authority.arn], {"result": "success"})


def test_s3_publishes_a_written_crl(services: Services, embedded_aws: EmbeddedAws) -> None:
    """This event is durable, whereas Private CA sends its own on a best-effort basis."""
    authority = LocalCa.create(services)
    services.s3.put_bucket_notification_configuration(
        Bucket=str(authority.bucket), NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    authority.issue()
    (event,) = eventually(lambda: _events(embedded_aws, "Object Created") or None)
    assert event["detail"]["object"]["key"] == authority.crl_key


def test_private_ca_publishes_that_the_bucket_denies_access(services: Services, embedded_aws: EmbeddedAws) -> None:
    """The reason is the one in its documentation."""
    services.settings.private_ca.crl_retry_seconds = 1.0  # not faster than a busy machine delivers
    authority = LocalCa.create(services)
    services.s3.delete_bucket_policy(Bucket=str(authority.bucket))
    authority.issue()
    event = eventually(lambda: _events(embedded_aws, "ACM Private CA CRL Generation") or None)[0]
    reason = "Failed to write CRL to S3. Check your S3 bucket permissions."
    assert event["detail"] == {"result": "failure", "reason": reason}


@pytest.mark.parametrize("failure", CrlFailure)
def test_private_ca_publishes_each_failure(services: Services, embedded_aws: EmbeddedAws, failure: CrlFailure) -> None:
    """A setting makes each generation fail; without it the CRL is published."""
    services.settings.private_ca.crl_failure = failure
    services.settings.private_ca.crl_retry_seconds = 1.0  # not faster than a busy machine delivers
    authority = LocalCa.create(services)
    leaf = authority.issue()
    event = eventually(lambda: _events(embedded_aws, "ACM Private CA CRL Generation") or None)[0]
    assert event["detail"] == {"result": "failure", "reason": failure.value}
    services.settings.private_ca.crl_failure = None
    authority.revoke(leaf)
    authority.crl_with(leaf)


def statuses(aws: EmbeddedAws, number: int = 2) -> dict[str, dict[str, Any]]:
    """Wait for this number of status changes of an execution; return their details by status."""
    details: dict[str, dict[str, Any]] = {}

    def attempt() -> dict[str, dict[str, Any]] | None:
        for event in _events(aws, "Step Functions Execution Status Change"):
            assert (event["source"], event["resources"]) == ("aws.states", [event["detail"]["executionArn"]])
            details[event["detail"]["status"]] = event["detail"]
        return details if len(details) >= number else None

    return eventually(attempt)


def test_step_functions_publishes_an_execution(recorded: EmbeddedAws) -> None:
    """Events say that it runs and that it has succeeded, with input and output as text."""
    machine = sandbox.machine(recorded, {"Only": {"Type": "Pass", "Result": {"b": 2}, "End": True}})
    described = sandbox.start(recorded, machine, {"a": 1})
    changes = statuses(recorded)
    ended = int(described["stopDate"].timestamp() * 1000)
    assert changes["SUCCEEDED"] == {
        "executionArn": described["executionArn"],
        "stateMachineArn": machine,
        "name": described["name"],
        "status": "SUCCEEDED",
        "startDate": int(described["startDate"].timestamp() * 1000),
        "stopDate": ended,
        "input": '{"a":1}',
        "output": '{"b":2}',
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "inputDetails": {"included": True},
        "outputDetails": {"included": True},
        "error": None,
        "cause": None,
    }
    running = changes["RUNNING"]
    assert (running["output"], running["stopDate"], running["outputDetails"]) == (None, None, None)
    assert datetime.now(UTC).timestamp() * 1000 - ended < 60_000


def test_step_functions_publishes_a_failure(recorded: EmbeddedAws) -> None:
    """The event has the error and the cause."""
    sandbox.run(recorded, {"Only": {"Type": "Fail", "Error": "Wrong", "Cause": "because"}})
    detail = statuses(recorded)["FAILED"]
    assert (detail["error"], detail["cause"], detail["redriveStatus"]) == ("Wrong", "because", "REDRIVABLE")


def test_step_functions_publishes_an_abort(recorded: EmbeddedAws) -> None:
    """StopExecution aborts the execution."""
    machine = sandbox.machine(recorded, {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}})
    client = recorded.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    eventually(lambda: client.get_execution_history(executionArn=arn)["events"] or None)
    client.stop_execution(executionArn=arn)
    assert statuses(recorded)["ABORTED"]["executionArn"] == arn


def test_step_functions_publishes_a_time_out(recorded: EmbeddedAws) -> None:
    """The whole execution times out, which no state can catch."""
    definition = {
        "StartAt": "Wait",
        "TimeoutSeconds": 1,
        "States": {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}},
    }
    client = recorded.client("stepfunctions")
    machine = client.create_state_machine(
        name="slow", definition=json.dumps(definition), roleArn=sandbox.role(recorded, sandbox.INVOKE)
    )["stateMachineArn"]
    client.start_execution(stateMachineArn=machine, input="{}")
    assert statuses(recorded)["TIMED_OUT"]["stopDate"]


def test_large_input_and_output_are_left_out(recorded: EmbeddedAws) -> None:
    """Above 248 KiB, escaped, the input is left out first."""
    large = "x" * (130 * 1024)
    sandbox.start(recorded, sandbox.machine(recorded, SUCCEED), {"text": large})
    changes = statuses(recorded)
    assert changes["RUNNING"]["inputDetails"] == {"included": True}
    assert (changes["SUCCEEDED"]["input"], changes["SUCCEEDED"]["inputDetails"]) == (None, {"included": False})
    assert json.loads(changes["SUCCEEDED"]["output"]) == {"text": large}


def test_an_execution_ended_by_a_reset_publishes_nothing(recorded: EmbeddedAws) -> None:
    """No event from before the reset is delivered after it."""
    machine = sandbox.machine(recorded, {"Wait": {"Type": "Wait", "Seconds": 30, "End": True}})
    recorded.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")
    recorded.reset()
    _record(recorded)
    events.wait_until_delivered()
    assert event_bridge.bodies(recorded) == []
