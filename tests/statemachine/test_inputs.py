"""Each notation and file format that an operator may have starts a revocation that ends enforced."""

import base64
import json
import subprocess
from collections import Counter
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from functions import limits
from functions.pki import serial_number
from functions.revocation.batches import batch_numbers
from infra.local.lab.pki import Client
from tests.support.labs import STEPS_STACK
from tests.support.workflow import Execution, Workflow


def put(workflow: Workflow, name: str, body: bytes | str) -> str:
    """Upload an object to the input bucket; return its URL."""
    bucket, key = workflow.lab.outputs["InputBucketName"], f"inputs/{name}"
    workflow.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


def openssl(client: Client, *options: str) -> str:
    """Return what openssl prints of a certificate."""
    run = subprocess.run(
        ["openssl", "x509", "-in", client.certificate, "-noout", *options], check=True, capture_output=True, text=True
    )
    return run.stdout


def der(client: Client) -> bytes:
    """Return the certificate as DER."""
    return x509.load_pem_x509_certificate(client.certificate_pem).public_bytes(Encoding.DER)


def run(workflow: Workflow, request: dict[str, object]) -> Execution:
    """Run an execution with this input, on the workflow's trust store."""
    polling = {"IntervalSeconds": 1, "DeadlineSeconds": 60}
    event = {"TrustStoreArns": [workflow.trust_store_arn], "Polling": polling, **request}
    return workflow.wait(workflow.start_with(event))


def test_all_notations_and_files_in_one_input(workflow: Workflow) -> None:
    """Each certificate that the input names, whatever the notation, ends up blocked."""
    one, two, three, four, five, six, seven = clients = workflow.clients(7)
    pem = put(workflow, f"{one.name}/c.pem", five.certificate.read_bytes())
    in_der = put(workflow, f"{one.name}/c.der", der(six))
    request: dict[str, object] = {
        "Serials": [openssl(one, "-serial"), openssl(two, "-text"), f"decimal:{two.serial}"],
        "Certificates": [three.certificate.read_text(), base64.b64encode(der(four)).decode(), pem, in_der],
        "SerialList": put(workflow, f"{one.name}/s.csv", f"serial,reason\n0x{seven.serial:x},keyCompromise\n"),
    }
    execution = run(workflow, request)
    assert execution.status == "SUCCEEDED"
    assert execution.enforced == {serial_number.to_hex(client.serial) for client in clients}
    assert {client.serial for client in clients} <= workflow.held()


@pytest.mark.parametrize(
    ("name", "write"),
    [("s.json", lambda serial: json.dumps([serial])), ("s.jsonl", lambda serial: json.dumps({"Serial": serial}))],
)
def test_format_of_a_list(workflow: Workflow, name: str, write: Callable[[str], str]) -> None:
    """The format follows from the name; the certificate ends up blocked."""
    (client,) = workflow.clients(1)
    location = put(workflow, f"{client.name}/{name}", write(f"0x{client.serial:x}"))
    assert run(workflow, {"SerialList": location}).status == "SUCCEEDED"
    assert client.serial in workflow.held()


def test_revocation_reasons(workflow: Workflow) -> None:
    """A serial's own reason is recorded at Private CA, and the request's reason for the others."""
    one, two = workflow.clients(2)
    wanted = [f"0x{one.serial:x}", {"Serial": f"0x{two.serial:x}", "RevocationReason": "keyCompromise"}]
    assert run(workflow, {"Serials": wanted, "RevocationReason": "SUPERSEDED"}).status == "SUCCEEDED"
    crl = max(workflow.lists().items())[1]
    reasons = {
        entry.serial_number: entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        for entry in crl
        if entry.serial_number in (one.serial, two.serial)
    }
    assert reasons == {one.serial: x509.ReasonFlags.superseded, two.serial: x509.ReasonFlags.key_compromise}


def test_version_of_a_file(workflow: Workflow) -> None:
    """The version that the input names is read, although the object was overwritten."""
    one, two = workflow.clients(2)
    url = put(workflow, f"{one.name}/s.txt", f"0x{one.serial:x}")
    bucket, key = url.removeprefix("s3://").split("/", 1)
    version = workflow.aws.client("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    put(workflow, f"{one.name}/s.txt", f"0x{two.serial:x}")
    execution = run(workflow, {"SerialList": {"Bucket": bucket, "Key": key, "VersionId": version}})
    assert execution.enforced == {serial_number.to_hex(one.serial)}


def test_trust_stores_are_found_by_their_bundle(workflow: Workflow) -> None:
    """Every trust store whose bundle holds the CA or its root is updated; that of a CA with the same name is not."""
    (client,) = workflow.clients(1)
    for each in workflow.aws.client("elbv2").describe_trust_stores()["TrustStores"]:  # of other tests
        if each["TrustStoreArn"] != workflow.trust_store_arn and each["Name"] not in {"clients", STEPS_STACK}:
            workflow.aws.client("elbv2").delete_trust_store(TrustStoreArn=each["TrustStoreArn"])
    others = workflow.another_trust_store(workflow.lab.root), workflow.another_trust_store(workflow.create_twin())
    execution = run(workflow, {"Serials": [f"0x{client.serial:x}"], "TrustStoreArns": []})
    assert execution.status == "SUCCEEDED"
    served = {each["TrustStoreArn"] for each in execution.report["TrustStores"]}
    assert {workflow.trust_store_arn, others[0]} <= served
    assert others[1] not in served
    assert client.serial in workflow.held(others[0])


LONG = limits.MAX_INLINE_SERIALS


def test_long_list(workflow: Workflow) -> None:
    """More serials than a payload holds are revoked in batches: none is lost, one failure is named."""
    settings = workflow.aws.settings.private_ca
    settings.revocations_per_second = settings.revocation_burst = 1_000
    certificates = workflow.issue_serials(LONG)
    never_issued = "0xabcdef"
    url = put(workflow, "long.txt", "\n".join([*map(serial_number.to_hex, certificates), never_issued]))
    execution = run(workflow, {"SerialList": url})
    assert execution.error == "SerialsNotRevoked"
    assert set(certificates) <= workflow.held()
    assert Counter(execution.outcomes.values()) == {"REVOKED": LONG, "FAILED": 1}
    assert execution.enforced == set(map(serial_number.to_hex, certificates))
    assert execution.states.count("RevokeBatch") == len(batch_numbers(LONG + 1))
    largest = max(len(event.get("stateEnteredEventDetails", {}).get("input", "")) for event in execution.history)
    assert largest < 8 * 1024
