"""A plan says what is not known, whatever AWS refuses, and stays below what a state may hold."""

import json
from typing import Any

import pytest

from functions.aws.s3 import FetchedObject
from functions.environment import environment
from functions.errors import AwsUnavailable
from functions.handlers.plan_revocation import plan_revocation
from functions.models.base import S3Object
from functions.models.plan import Plan, PlannedOutcome, PlannedSerial
from functions.models.request import ExecutionInput
from functions.models.states import RevocationOutcome
from functions.models.stored import Manifest
from functions.pki import serial_number
from functions.plan import outcomes as expected_outcomes
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.lab.pki import Client
from tests.support import pki
from tests.support.pki import NOW
from tests.support.steps import Bench

GET = "acm-pca:GetCertificate"


@pytest.fixture(autouse=True)
def usual(lambda_environment: pytest.MonkeyPatch) -> None:
    """Have a CRL come within the deadline of these tests, 300 seconds."""
    lambda_environment.setenv("USUAL_CRL_SECONDS", "60")
    environment.cache_clear()


def plan(bench: Bench, request: dict[str, Any], **more: Any) -> Plan:  # noqa: ANN401 - of plan_revocation
    """Plan for the laboratory's CA and this test's trust store."""
    asked = {"TrustStoreArns": [bench.trust_store_arn], **request}
    question = ExecutionInput(request=asked, execution_arn="none", execution_name=bench.name, start_time=NOW)
    return plan_revocation(question, NOW, **more)


def of(bench: Bench, *clients: Client) -> Plan:
    """Plan for clients."""
    return plan(bench, {"Serials": [serial_number.to_hex(each.serial) for each in clients]})


@pytest.fixture
def client(bench: Bench) -> Client:
    """Give a client that is not revoked."""
    return bench.lab.authority.issue_client(bench.lab.folder, f"plan-{bench.name}")


def revoked_and_attached(bench: Bench, client: Client) -> None:
    """Have the trust store refuse a client already."""
    ca = acm_pca.certificate_authority(bench.lab.authority.arn)
    assert ca.certificate is not None
    bench.add(pki.Authority(ca.certificate, ca.key).crl([client.serial], number=10**15))


def test_a_cas_certificate_is_told(bench: Bench, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serial says nothing of it; to revoke that of a CA is to block all that it issued."""
    pem = pki.certificate_authority("Below").certificate_pem.decode()
    monkeypatch.setattr("functions.aws.acm_pca.get_certificate", lambda *_: pem)
    (shown,) = of(bench, client).serials
    assert shown.expected is RevocationOutcome.REVOKED
    assert "every client that this CA issued to would be refused" in (shown.why or "")


def test_known(bench: Bench, client: Client) -> None:
    """Whose it is, what it comes to and for which reason; a whole plan has no error."""
    made = of(bench, client)
    (shown,) = made.serials
    assert (shown.expected, shown.revocation_reason) == (RevocationOutcome.REVOKED, "UNSPECIFIED")
    assert shown.subject == f"CN={client.name}"
    assert (made.outcome, made.error, made.cause) == (PlannedOutcome.SUCCEEDED, None, None)
    assert made.trust_stores[0].load_balancers == 0
    assert made.cost_usd > 0


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_certificate_that_is_not_shown(bench: Bench, client: Client, impatient: None, code: str) -> None:  # noqa: ARG001
    """Neither a refusal nor silence ends the plan: what becomes of it is not known, and so is the outcome."""
    faults.add(GET, code=code, times=99)
    made = of(bench, client)
    faults.clear()
    assert (made.outcome, made.expected) == (PlannedOutcome.UNKNOWN, {"UNKNOWN": 1})
    assert made.cause
    assert "what becomes of 1 serials" in made.cause


def test_a_deadline_before_the_crl_comes(bench: Bench, client: Client) -> None:
    """By what is known it would not be enforced in time, and nobody is promised that it would."""
    polling = {"IntervalSeconds": 10, "DeadlineSeconds": 50}
    made = plan(bench, {"Serials": [serial_number.to_hex(client.serial)], "Polling": polling})
    assert made.outcome is PlannedOutcome.UNKNOWN
    assert "before the deadline, 50 seconds: it usually takes 60" in (made.cause or "")


def test_throttled_once(bench: Bench, client: Client, impatient: None) -> None:  # noqa: ARG001
    """More often than the SDK tries, it is asked for once more."""
    faults.add(GET, code="ThrottlingException", times=5)
    assert of(bench, client).expected == {"REVOKED": 1}


def test_leftovers_that_hold_more(bench: Bench, client: Client) -> None:
    """An older list goes though nothing is added: what it alone refused is told."""
    signer = acm_pca.certificate_authority(bench.lab.authority.arn)
    assert signer.certificate is not None
    own = pki.Authority(signer.certificate, signer.key)
    newest = own.crl([client.serial], number=10**15 + 1)
    bench.add(own.crl([client.serial, 5, 6], number=10**15))
    bench.add(newest)
    acm_pca.publish_now(signer.arn)
    location = plan(bench, {"Reconcile": True}).crl
    assert location
    bucket, _, key = location.location.removeprefix("s3://").partition("/")
    bench.lab.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=newest)
    try:
        (store,) = plan(bench, {"Reconcile": True}).trust_stores
    finally:
        acm_pca.publish_now(signer.arn)
    assert (store.add_crl_number, len(store.remove_revocation_ids), store.dropped_serials) == (None, 1, [5, 6])


def test_what_a_list_names_is_revoked(bench: Bench, client: Client) -> None:
    """Whoever may see the certificate: an attached list of this CA names it."""
    revoked_and_attached(bench, client)
    faults.add(GET, code="AccessDeniedException")
    (shown,) = of(bench, client).serials
    assert (shown.expected, shown.subject) == (RevocationOutcome.ALREADY_REVOKED, None)


def test_without_the_crl_there_is_no_plan(bench: Bench, client: Client, impatient: None) -> None:  # noqa: ARG001
    """S3 gives no answer: the state machine asks again, or the caller is told; it is no refusal of the input."""
    faults.add("s3:GetObject", code="InternalError", times=9)
    with pytest.raises(AwsUnavailable):
        of(bench, client)


def test_more_than_is_looked_up(bench: Bench, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is counted, and decides the outcome as long as nobody knows it."""
    monkeypatch.setattr(expected_outcomes, "LOOKED_UP", 1)
    made = plan(bench, {"Serials": [serial_number.to_hex(client.serial), "0xabcdef"]})
    assert (made.outcome, made.expected) == (PlannedOutcome.UNKNOWN, {"REVOKED": 1, "NOT_LOOKED_UP": 1})
    assert made.serials_not_shown == 1


def test_a_crl_that_is_too_large(bench: Bench, client: Client, lambda_environment: pytest.MonkeyPatch) -> None:
    """What a revocation brings is larger still, so it would be refused too."""
    ca = acm_pca.certificate_authority(bench.lab.authority.arn)
    assert ca.certificate is not None
    large = pki.Authority(ca.certificate, ca.key).crl([1, 2, 3], number=10**14)
    ca.crls.overrides = {}
    location = plan(bench, {"Serials": [serial_number.to_hex(client.serial)]}).crl
    assert location
    bucket, _, key = location.location.removeprefix("s3://").partition("/")
    bench.lab.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=large)
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", "2")
    environment.cache_clear()
    try:
        made = of(bench, client)
    finally:
        acm_pca.publish_now(ca.arn)
    assert (made.outcome, made.error) == (PlannedOutcome.FAILED, "CrlTooLarge")


def test_the_output_is_cut_in_bytes(bench: Bench, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in Japanese take six bytes a character in a state's JSON."""

    def look_up(manifest: Manifest, *_: object) -> list[PlannedSerial]:
        return [PlannedSerial(serial=serial, subject="証" * 200) for serial in manifest.request.serials]

    monkeypatch.setattr(expected_outcomes, "look_up", look_up)
    made = plan(bench, {"Serials": [f"0x{client.serial + number:x}" for number in range(500)]})
    assert 50_000 < len(json.dumps(made.model_dump(mode="json", exclude_none=True)).encode()) < 256 * 1024
    assert made.expected == {"UNKNOWN": 500}


def test_a_long_refusal_is_cut(bench: Bench) -> None:
    """Five hundred faults are counted, and the first fifty told."""
    made = plan(bench, {"Serials": ["x" * 60] * 500})
    assert (made.outcome, made.error) == (PlannedOutcome.REFUSED, "InvalidInput")
    assert len(made.model_dump_json()) < 30_000


def test_files_that_are_not_in_s3_yet(bench: Bench, client: Client) -> None:
    """Whoever plans hands them over, and nothing else is read in their place."""

    def at_hand(bucket: str, key: str, **_: object) -> FetchedObject:
        return FetchedObject(
            f"0x{client.serial:x}\n".encode(), S3Object(bucket=bucket, key=key, version_id="none"), "none"
        )

    made = plan(bench, {"SerialList": "s3://nowhere/list.txt"}, get_object=at_hand)
    assert made.expected == {"REVOKED": 1}
