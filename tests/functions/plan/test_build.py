"""A plan names what is not known, survives refusals by AWS, and stays below a state's size limit."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.aws.s3 import FetchedObject
from functions.environment import environment
from functions.errors import AwsUnavailable
from functions.models.base import S3Object
from functions.models.plan import Plan, PlannedOutcome, PlannedSerial
from functions.models.request import ExecutionInput
from functions.models.states import RevocationOutcome
from functions.models.stored import Manifest
from functions.pki import serial_number
from functions.plan import build, revocation_outcomes
from functions.plan.build import build_plan
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.lab.pki import Client
from tests.support import pki
from tests.support.pki import DAY, NOW
from tests.support.steps import Steps

GET_CERTIFICATE = "acm-pca:GetCertificate"


@pytest.fixture(autouse=True)
def usual_crl_seconds(lambda_environment: pytest.MonkeyPatch) -> None:
    """Expect a CRL after a minute, within these tests' deadline of 300 seconds."""
    lambda_environment.setenv("USUAL_CRL_SECONDS", "60")
    environment.cache_clear()


def plan(steps: Steps, request: dict[str, Any], **more: Any) -> Plan:  # noqa: ANN401 - options of build_plan
    """Plan for the lab's CA and this test's trust store."""
    request = {"TrustStoreArns": [steps.trust_store_arn], **request}
    event = ExecutionInput(request=request, execution_arn="none", execution_name=steps.name, start_time=NOW)
    return build_plan(event, NOW, **more)


def plan_for(steps: Steps, *clients: Client) -> Plan:
    """Plan to revoke these clients' certificates."""
    return plan(steps, {"Serials": [serial_number.to_hex(client.serial) for client in clients]})


@pytest.fixture
def client(steps: Steps) -> Client:
    """Return a client that is not revoked."""
    return steps.lab.authority.issue_client(steps.lab.folder, f"plan-{steps.name}")


def attach_crl_with(steps: Steps, client: Client) -> None:
    """Attach a CRL that names a client to the trust store."""
    steps.add(steps.with_key(steps.lab.authority).crl([client.serial], number=10**15))


@pytest.fixture
def own_crl(steps: Steps) -> Iterator[pki.InMemoryCa]:
    """Return the lab's CA, to sign a CRL in the place of its own; restore that afterwards."""
    yield steps.with_key(steps.lab.authority)
    acm_pca.publish_now(steps.lab.authority.arn)


def put_crl(steps: Steps, body: bytes) -> None:
    """Write an object in the place of the CRL of the lab's CA."""
    bucket, key = acm_pca.certificate_authority(steps.lab.authority.arn).crls.target
    steps.lab.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def test_ca_certificate(steps: Steps, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan warns that a serial is a CA's: revoking it blocks every certificate that the CA issued."""
    pem = pki.certificate_authority("Below").certificate_pem.decode()
    monkeypatch.setattr("functions.aws.acm_pca.get_certificate", lambda *_: pem)
    (serial,) = plan_for(steps, client).serials
    assert serial.expected is RevocationOutcome.REVOKED
    assert "every client that this CA issued to would be refused" in (serial.explanation or "")


def test_complete_plan(steps: Steps, client: Client) -> None:
    """A complete plan has the certificate's subject, the expected outcome and the reason, and no error."""
    result = plan_for(steps, client)
    (serial,) = result.serials
    assert (serial.expected, serial.revocation_reason) == (RevocationOutcome.REVOKED, "UNSPECIFIED")
    assert serial.subject == f"CN={client.name}"
    assert (result.outcome, result.error, result.cause) == (PlannedOutcome.SUCCEEDED, None, None)
    assert result.trust_stores[0].load_balancers == 0


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_certificate_not_readable(steps: Steps, client: Client, no_retry_delay: None, code: str) -> None:  # noqa: ARG001
    """Neither a refusal nor a missing answer ends the plan: the certificate's outcome is unknown, and the plan's."""
    faults.add(GET_CERTIFICATE, code=code, times=99)
    result = plan_for(steps, client)
    faults.clear()
    assert (result.outcome, result.expected) == (PlannedOutcome.UNKNOWN, {"UNKNOWN": 1})
    assert result.cause
    assert "none can be predicted: 1" in result.cause


def test_deadline_before_crl(steps: Steps, client: Client) -> None:
    """If the CRL usually takes longer than the deadline, success is not promised."""
    polling = {"IntervalSeconds": 10, "DeadlineSeconds": 50}
    result = plan(steps, {"Serials": [serial_number.to_hex(client.serial)], "Polling": polling})
    assert result.outcome is PlannedOutcome.UNKNOWN
    assert "before the deadline of 50 seconds: it usually takes 60 seconds" in (result.cause or "")


def test_throttled_lookup(steps: Steps, client: Client, no_retry_delay: None) -> None:  # noqa: ARG001
    """A lookup that is throttled until the SDK gives up is repeated once."""
    faults.add(GET_CERTIFICATE, code="ThrottlingException", times=5)
    assert plan_for(steps, client).expected == {"REVOKED": 1}


def test_superseded_list_with_more_serials(steps: Steps, client: Client, own_crl: pki.InMemoryCa) -> None:
    """If an older list is removed and nothing is added, the plan names the serials that only it held."""
    newest = own_crl.crl([client.serial], number=10**15 + 1)
    steps.add(own_crl.crl([client.serial, 5, 6], number=10**15))
    steps.add(newest)
    put_crl(steps, newest)
    (trust_store,) = plan(steps, {"Reconcile": True}).trust_stores
    assert (trust_store.add_crl_number, len(trust_store.remove_revocation_ids)) == (None, 1)
    assert trust_store.dropped_serials == [5, 6]


def test_serial_in_attached_list(steps: Steps, client: Client) -> None:
    """A serial in an attached list of this CA is revoked already, even if its certificate cannot be read."""
    attach_crl_with(steps, client)
    faults.add(GET_CERTIFICATE, code="AccessDeniedException")
    (serial,) = plan_for(steps, client).serials
    assert (serial.expected, serial.subject) == (RevocationOutcome.ALREADY_REVOKED, None)


def test_crl_unavailable(steps: Steps, client: Client, no_retry_delay: None) -> None:  # noqa: ARG001
    """If S3 does not answer there is no plan: the error is raised, not returned as a refusal of the input."""
    faults.add("s3:GetObject", code="InternalError", times=9)
    with pytest.raises(AwsUnavailable):
        plan_for(steps, client)


def test_more_serials_than_are_looked_up(steps: Steps, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serials that are not looked up are counted, and make the outcome unknown."""
    monkeypatch.setattr(revocation_outcomes, "MAX_LOOKUPS", 1)
    result = plan(steps, {"Serials": [serial_number.to_hex(client.serial), "0xabcdef"]})
    assert (result.outcome, result.expected) == (PlannedOutcome.UNKNOWN, {"REVOKED": 1, "NOT_LOOKED_UP": 1})
    assert result.serials_not_shown == 1


def test_crl_too_large(
    steps: Steps, client: Client, own_crl: pki.InMemoryCa, lambda_environment: pytest.MonkeyPatch
) -> None:
    """If the current CRL is too large, the next one is larger and would be refused too."""
    put_crl(steps, own_crl.crl([1, 2, 3], number=10**14))
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", "2")
    environment.cache_clear()
    result = plan_for(steps, client)
    assert (result.outcome, result.error) == (PlannedOutcome.FAILED, "CrlTooLarge")


def test_output_is_truncated_by_bytes(steps: Steps, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Japanese character takes six bytes in a state's JSON."""

    def predict_outcomes(manifest: Manifest, *_: object) -> list[PlannedSerial]:
        return [PlannedSerial(serial=serial, subject="証" * 200) for serial in manifest.request.serials]

    monkeypatch.setattr(revocation_outcomes, "predict_outcomes", predict_outcomes)
    result = plan(steps, {"Serials": [f"0x{client.serial + number:x}" for number in range(500)]})
    assert 50_000 < len(json.dumps(result.model_dump(mode="json", exclude_none=True)).encode()) < 256 * 1024
    assert result.expected == {"UNKNOWN": 500}


def test_long_cause_is_truncated(steps: Steps) -> None:
    """Of five hundred faults all are counted and the first fifty shown."""
    result = plan(steps, {"Serials": ["x" * 60] * 500})
    assert (result.outcome, result.error) == (PlannedOutcome.REFUSED, "InvalidInput")
    assert len(result.model_dump_json()) < 30_000


def test_files_not_uploaded_yet(steps: Steps, client: Client) -> None:
    """The caller's own `get_object` can serve files that are not in S3 yet."""

    def get_object(bucket: str, key: str, **_: object) -> FetchedObject:
        return FetchedObject(
            f"0x{client.serial:x}\n".encode(), S3Object(bucket=bucket, key=key, version_id="none"), "none"
        )

    result = plan(steps, {"SerialList": "s3://nowhere/list.txt"}, get_object=get_object)
    assert result.expected == {"REVOKED": 1}


def test_serial_in_the_current_crl(steps: Steps, client: Client, own_crl: pki.InMemoryCa) -> None:
    """It is revoked already: the current CRL is attached, and no other is waited for."""
    put_crl(steps, own_crl.crl([client.serial], number=10**15))
    result = plan_for(steps, client)
    assert result.expected == {"ALREADY_REVOKED": 1}
    (store,) = result.trust_stores
    assert (store.add_crl_number, store.add_next_crl) == (10**15, False)


@pytest.mark.usefixtures("own_crl")
def test_crl_of_another_ca_in_its_place(steps: Steps, client: Client) -> None:
    """What it holds is not revoked by this CA, and it is not usable."""
    put_crl(steps, pki.certificate_authority("Other").crl([client.serial], number=10**15))
    result = plan_for(steps, client)
    assert result.expected == {"REVOKED": 1}
    assert result.crl
    assert result.crl.refusal
    assert result.crl.refusal.error == "CrlIssuerMismatch"


@pytest.mark.usefixtures("own_crl")
def test_no_crl_yet(steps: Steps, client: Client) -> None:
    """The CA's first CRL is waited for."""
    bucket, key = acm_pca.certificate_authority(steps.lab.authority.arn).crls.target
    steps.lab.aws.client("s3").delete_object(Bucket=bucket, Key=key)
    result = plan_for(steps, client)
    assert result.crl
    assert (result.outcome, result.crl.crl_number) == (PlannedOutcome.SUCCEEDED, None)
    assert result.trust_stores[0].add_next_crl


def test_load_balancers_not_readable(steps: Steps, client: Client) -> None:
    """How many use the trust store is then unknown, and the plan is made all the same."""
    faults.add("elasticloadbalancing:DescribeTrustStoreAssociations", code="AccessDenied")
    result = plan_for(steps, client)
    assert (result.outcome, result.trust_stores[0].load_balancers) == (PlannedOutcome.SUCCEEDED, None)


def test_certificate_that_has_expired(steps: Steps, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was revoked before that cannot be known; one in a list was."""
    ca = pki.certificate_authority()
    pem = ca.issue(not_before=NOW - 2 * DAY, not_after=NOW - DAY).certificate_pem.decode()
    monkeypatch.setattr("functions.aws.acm_pca.get_certificate", lambda *_: pem)
    (serial,) = plan_for(steps, client).serials
    assert (serial.expected, serial.explanation) == (
        None,
        "it has expired: EXPIRED if it was revoked before that, FAILED otherwise",
    )
    attach_crl_with(steps, client)
    (serial,) = plan_for(steps, client).serials
    assert serial.expected is RevocationOutcome.EXPIRED


def test_certificate_that_cannot_be_parsed(steps: Steps, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome is unknown, and the explanation says why."""
    monkeypatch.setattr("functions.aws.acm_pca.get_certificate", lambda *_: "hello")
    (serial,) = plan_for(steps, client).serials
    assert (serial.expected, serial.explanation) == (None, "GetCertificate: its certificate cannot be read")


def test_serial_that_was_never_issued(steps: Steps) -> None:
    """Private CA refuses it, with its own error."""
    result = plan(steps, {"Serials": ["0xabcdef"]})
    assert (result.outcome, result.error) == (PlannedOutcome.FAILED, "SerialsNotRevoked")
    assert (result.serials[0].explanation or "").startswith("ResourceNotFoundException: ")


def test_very_long_cause_is_cut(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state's output has a limit."""
    monkeypatch.setattr(build, "_MAX_CAUSE_LENGTH", 20)
    assert plan(steps, {"Serials": ["zz"]}).cause == "Serials[0]: InvalidS …"
