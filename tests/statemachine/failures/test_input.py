"""Requests that cannot be carried out are refused before any effect, with all their faults named at once.

Each kind of fault has its tests at PrepareRevocation; here is one for each way that an input takes.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.acm_pca import service as acm_pca
from tests.support.workflow import Execution, Workflow

NOWHERE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/nowhere/0123456789abcdef"


def assert_refused(execution: Execution, error: str, *named: str) -> None:
    """Assert that an execution failed by this error, named these faults, did nothing, and reported it."""
    assert (execution.status, execution.error) == ("FAILED", error)
    assert [fault for fault in named if fault not in execution.cause] == [], execution.cause
    assert "Nothing was done" in execution.cause
    assert execution.report["Outcome"] == "FAILED"
    assert execution.report["Error"] == error
    assert execution.report["Cause"] in execution.cause


def put(workflow: Workflow, name: str, body: bytes) -> str:
    """Upload an object to the input bucket; return its URL."""
    bucket = workflow.lab.outputs["InputBucketName"]
    workflow.aws.client("s3").put_object(Bucket=bucket, Key=f"elsewhere/{name}", Body=body)
    return f"s3://{bucket}/elsewhere/{name}"


@pytest.fixture
def crl_configuration(untouched: Workflow) -> Iterator[dict[str, Any]]:
    """Return the CA's CRL configuration; restore it and the CRL afterwards."""
    ca = acm_pca.certificate_authority(untouched.authority.arn)
    before = dict(ca.crls.configuration)
    yield before
    ca.configure_revocation({"CrlConfiguration": before})
    acm_pca.publish_now(ca.arn)


def configure(workflow: Workflow, configuration: dict[str, Any]) -> None:
    """Change the CRL configuration of the CA, as its administrator would."""
    workflow.aws.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=workflow.authority.arn, RevocationConfiguration={"CrlConfiguration": configuration}
    )


def test_errors_of_input_ca_and_trust_store_are_named_together(
    untouched: Workflow, crl_configuration: dict[str, Any]
) -> None:
    """Revocation is irreversible: nothing is revoked if anything is wrong, and all of it is named at once."""
    configure(untouched, {**crl_configuration, "CrlType": "PARTITIONED"})
    (good,) = untouched.clients(1)
    execution = untouched.run(good, "xyzzy", TrustStoreArns=[untouched.trust_store_arn, NOWHERE])
    faults = "InvalidInput: Serials[1]: InvalidSerial", "CrlPartitioned: ", "TrustStoreNotFound: DescribeTrustStores"
    assert_refused(execution, "RequestRefused", "3 faults", NOWHERE, *faults)


@pytest.mark.parametrize("request_", [["0a:0b"], "0a:0b", None], ids=["list", "text", "null"])
def test_input_that_is_not_an_object(untouched: Workflow, request_: object) -> None:
    """Whatever JSON an execution is started with, it ends in a report."""
    execution = untouched.wait(untouched.start_with(request_))
    assert_refused(execution, "InvalidInput", "not an object")


def test_request_without_serials(untouched: Workflow) -> None:
    """An execution that was asked for nothing must not look like a success."""
    execution = untouched.wait(untouched.start_with({"TrustStoreArns": [untouched.trust_store_arn]}))
    assert_refused(execution, "InvalidInput", "Serials: ", "none of them is given")


def test_malformed_list(untouched: Workflow) -> None:
    """A file from the input bucket is named, with its faults."""
    url = put(untouched, "s.txt", b"\n".join([b"xx"] * 300))
    request = {"SerialList": url, "TrustStoreArns": [untouched.trust_store_arn]}
    execution = untouched.wait(untouched.start_with(request))
    assert_refused(execution, "InvalidSerialList", "elsewhere/s.txt", "line 1: InvalidSerial")


def test_object_in_another_bucket(untouched: Workflow) -> None:
    """The stack reads only from its own input bucket, and the cause says so."""
    (good,) = untouched.clients(1)
    bucket = untouched.lab.outputs["WorkflowBucketName"]
    execution = untouched.run(good, Certificates=[f"s3://{bucket}/executions/x/report.json"])
    assert_refused(execution, "InputObjectNotFound", "AccessDenied", "its own input bucket")


def test_private_key_is_refused_and_not_logged(untouched: Workflow, capfd: pytest.CaptureFixture[str]) -> None:
    """Inline and in a file: no line of the key is in the cause, the report, or any log of the functions."""
    (good,) = untouched.clients(1)
    key = good.key.read_text()
    file = put(untouched, "key.pem", good.certificate.read_bytes() + key.encode())
    execution = untouched.run(good, Certificates=[good.certificate.read_text() + key, file])
    assert_refused(
        execution, "RequestRefused", "2 faults", "PrivateKeyGiven: Certificates[0]", "PrivateKeyGiven: s3://"
    )
    assert_not_shown(untouched, execution, key, capfd)


@pytest.mark.parametrize("field", ["Serials", "DryRun"])
def test_private_key_in_place_of_serials(untouched: Workflow, capfd: pytest.CaptureFixture[str], field: str) -> None:
    """A wrong file: if it were not recognized as a key, the cause would quote its lines as malformed serials."""
    key = untouched.clients(1)[0].key.read_text()
    source: dict[str, object] = (
        {"Serials": [key]} if field == "Serials" else {"SerialList": put(untouched, "key.txt", key.encode())}
    )
    request = {"TrustStoreArns": [untouched.trust_store_arn], **source, "DryRun": field == "DryRun"}
    execution = untouched.wait(untouched.start_with(request))
    if field == "Serials":
        assert "PrivateKeyGiven" in f"{execution.error}: {execution.cause}"
    else:
        assert (execution.output["Outcome"], execution.output["Error"]) == ("REFUSED", "PrivateKeyGiven")
    assert_not_shown(untouched, execution, key, capfd)


def assert_not_shown(workflow: Workflow, execution: Execution, key: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Assert that no line of a key is in the cause, the output, the report, or any log of the functions."""
    result = json.dumps([execution.cause, execution.output, execution.report])
    texts = [result, *capfd.readouterr(), *_log(workflow)]
    for line in key.splitlines()[1:-1]:
        assert not any(line[:10] in text for text in texts)


def _log(workflow: Workflow) -> list[str]:
    logs = workflow.aws.client("logs")
    return [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
