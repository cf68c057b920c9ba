"""Requests that cannot be carried out are refused before any effect, with all their faults named at once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from tests.support import pki
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


def test_malformed_serial_refuses_the_request(untouched: Workflow) -> None:
    """Revocation is irreversible, so nothing is revoked if any serial is malformed; all malformed ones are named."""
    good, other = untouched.clients(2)
    execution = untouched.run(good, "xyzzy", other, "0a:1", "-0a", "00:00", "ab" * 21)
    places = [f"Serials[{place}]: InvalidSerial" for place in (1, 3, 4, 5, 6)]
    assert_refused(execution, "InvalidInput", *places, "'xyzzy'", "'0a:1'", "negative", "zero", "21 octets")
    assert "Serials[0]" not in execution.cause
    assert "Serials[2]" not in execution.cause


def test_ambiguous_digits_are_refused(untouched: Workflow) -> None:
    """Digits may be hexadecimal or decimal: a guess could revoke the wrong certificate. The cause gives both values."""
    execution = untouched.run("1234567890123456")
    readings = serial_number.to_hex(0x1234567890123456), serial_number.to_hex(1234567890123456)
    assert_refused(execution, "InvalidInput", "Serials[0]: AmbiguousSerial", *readings)


def test_json_number_is_refused(untouched: Workflow) -> None:
    """It may be meant as decimal or hexadecimal, and may have lost digits on its way."""
    (good,) = untouched.clients(1)
    execution = untouched.run(good, Serials=[serial_number.to_hex(good.serial), 1234, True, None, 1.5])
    named = [f"Serials[{place}]" for place in (1, 2, 3, 4)]
    assert_refused(execution, "InvalidInput", *named)


def test_unknown_and_malformed_fields_are_named_together(untouched: Workflow) -> None:
    """A misspelled field is refused, not ignored, and does not hide the others."""
    (good,) = untouched.clients(1)
    execution = untouched.run(good, Serial="0a:0b", RevocationReason="STOLEN", Polling={"IntervalSeconds": 0})
    assert_refused(execution, "InvalidInput", "Serial: ", "RevocationReason: ", "Polling.IntervalSeconds: ")


def test_more_than_500_serials_are_refused(untouched: Workflow) -> None:
    """The limit is checked before anything is revoked."""
    (good,) = untouched.clients(1)
    execution = untouched.run(good, *(f"0x{number:x}" for number in range(10**9, 10**9 + 500)))
    assert_refused(execution, "InvalidInput", "Serials: ", "500")


def put(workflow: Workflow, name: str, body: bytes) -> str:
    """Upload an object to the input bucket; return its URL."""
    bucket = workflow.lab.outputs["InputBucketName"]
    workflow.aws.client("s3").put_object(Bucket=bucket, Key=f"elsewhere/{name}", Body=body)
    return f"s3://{bucket}/elsewhere/{name}"


def test_certificate_of_another_ca(untouched: Workflow) -> None:
    """The cause gives both issuers, and the good certificate is not revoked."""
    (good,) = untouched.clients(1)
    other = pki.certificate_authority("Other CA").issue()
    execution = untouched.run(good, Certificates=[good.certificate.read_text() + other.certificate_pem.decode()])
    assert_refused(
        execution, "CertificateIssuerMismatch", serial_number.to_hex(other.serial), "Other CA", "Embedded Issuing CA"
    )


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


@pytest.mark.parametrize("field", ["Serials", "SerialList", "DryRun"])
def test_private_key_in_place_of_serials(untouched: Workflow, capfd: pytest.CaptureFixture[str], field: str) -> None:
    """A wrong file: if it were not recognized as a key, the cause would quote its lines as malformed serials."""
    key = untouched.clients(1)[0].key.read_text()
    source: dict[str, object] = (
        {"Serials": [key]} if field == "Serials" else {"SerialList": put(untouched, "key.txt", key.encode())}
    )
    request = {"TrustStoreArns": [untouched.trust_store_arn], **source, "DryRun": field == "DryRun"}
    execution = untouched.wait(untouched.start_with(request))
    if field != "DryRun":
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


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        pytest.param("s.json", b"serial\n0a1b", "InvalidSerialList", id="not what its name says"),
        pytest.param("s.csv", b"serial," + b"," * 9_000_000, "InvalidSerialList", id="CSV bomb"),
        pytest.param("s.txt", b"0a:1b\n" * 6_000_000, "InputObjectTooLarge", id="too large"),
        pytest.param("s.txt", b"\n".join([b"xx"] * 300), "InvalidSerialList", id="300 faults at once"),
        pytest.param("s.txt", b"", "InvalidSerialList", id="empty"),
    ],
)
def test_malformed_serial_lists(untouched: Workflow, name: str, body: bytes, error: str) -> None:
    """Each kind is refused with an error of its own."""
    execution = untouched.wait(
        untouched.start_with({"SerialList": put(untouched, name, body), "TrustStoreArns": [untouched.trust_store_arn]})
    )
    assert_refused(execution, error, f"elsewhere/{name}")


def test_object_in_another_bucket(untouched: Workflow) -> None:
    """The stack reads only from its own input bucket, and the cause says so."""
    (good,) = untouched.clients(1)
    bucket = untouched.lab.outputs["WorkflowBucketName"]
    execution = untouched.run(good, Certificates=[f"s3://{bucket}/executions/x/report.json"])
    assert_refused(execution, "InputObjectNotFound", "AccessDenied", "its own input bucket")


def test_serials_reconcile_and_crl_together(untouched: Workflow) -> None:
    """They exclude each other."""
    (good,) = untouched.clients(1)
    execution = untouched.run(good, Reconcile=True)
    assert_refused(execution, "InvalidInput", "more than one is given")


@pytest.mark.parametrize("request_", [["0a:0b"], "0a:0b", 7, None], ids=["list", "text", "number", "null"])
def test_input_that_is_not_an_object(untouched: Workflow, request_: object) -> None:
    """Whatever JSON an execution is started with, it ends in a report."""
    execution = untouched.wait(untouched.start_with(request_))
    assert_refused(execution, "InvalidInput", "not an object")


@pytest.mark.parametrize("request_", [{}, {"Serials": []}], ids=["absent", "empty"])
def test_request_without_serials(untouched: Workflow, request_: dict[str, Any]) -> None:
    """An execution that was asked for nothing must not look like a success."""
    request = {**request_, "TrustStoreArns": [untouched.trust_store_arn]}
    execution = untouched.wait(untouched.start_with(request))
    assert_refused(execution, "InvalidInput", "Serials: ", "none of them is given")


def test_unknown_trust_store(untouched: Workflow) -> None:
    """What cannot be enforced everywhere is not started."""
    (good,) = untouched.clients(1)
    execution = untouched.run(good, TrustStoreArns=[untouched.trust_store_arn, NOWHERE])
    assert_refused(execution, "TrustStoreNotFound", NOWHERE)


def test_trust_store_that_does_not_trust_the_ca(untouched: Workflow) -> None:
    """A list in a trust store that does not accept the CA's certificates anyway would prove nothing."""
    (good,) = untouched.clients(1)
    stranger = type(untouched.lab.root).create_root(untouched.aws, "Another Root CA")
    foreign = untouched.another_trust_store(stranger)
    assert_refused(untouched.run(good, TrustStoreArns=[foreign]), "CertificateAuthorityNotTrusted", foreign)


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


def test_ca_without_crls(untouched: Workflow, crl_configuration: dict[str, Any]) -> None:
    """Without a CRL a revocation would never reach a load balancer."""
    assert crl_configuration["Enabled"]
    configure(untouched, {"Enabled": False})
    assert_refused(untouched.run(*untouched.clients(1)), "CrlNotEnabled", untouched.authority.arn, "wanted: true")


def test_ca_with_partitioned_crls(untouched: Workflow, crl_configuration: dict[str, Any]) -> None:
    """Load balancers do not match partitions, so none of these lists may be attached."""
    configure(untouched, {**crl_configuration, "CrlType": "PARTITIONED"})
    assert_refused(untouched.run(*untouched.clients(1)), "CrlPartitioned", "wanted: COMPLETE")


def test_errors_of_input_ca_and_trust_store_are_named_together(
    untouched: Workflow, crl_configuration: dict[str, Any]
) -> None:
    """All errors of a request are reported at once, not one per execution."""
    configure(untouched, {**crl_configuration, "CrlType": "PARTITIONED"})
    execution = untouched.run("xyzzy", TrustStoreArns=[untouched.trust_store_arn, NOWHERE])
    faults = "InvalidInput: Serials[0]: InvalidSerial", "CrlPartitioned: ", "TrustStoreNotFound: DescribeTrustStores"
    assert_refused(execution, "RequestRefused", "3 faults", NOWHERE, *faults)
