"""The verdict names what was not done, with the numbers, the most exposed first."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions import errors
from functions.models.drift import DriftStatus
from functions.models.report import SerialReport
from functions.models.states import (
    Attached,
    CrlStatus,
    Drift,
    Failure,
    FoundCrl,
    GatheredState,
    Removed,
    Revocation,
    RevocationOutcome,
    TrustStore,
    Verified,
)
from functions.pki import serial_number
from functions.report.verdict import (
    Problem,
    error_message,
    find_problems,
    find_unverified_serials,
)
from tests.support import der_crl
from tests.support.pki import NOW, A, B, C

STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/{}/0123456789abcdef"
REVOKED, FAILED = RevocationOutcome.REVOKED, RevocationOutcome.FAILED


def found(status: CrlStatus = CrlStatus.NOT_YET, *missing: int, wanted: int = 3, **more: Any) -> FoundCrl:  # noqa: ANN401
    """Return FindCrl's last result."""
    return FoundCrl(
        status=status,
        polls=7,
        first_poll_at=NOW,
        deadline=NOW + timedelta(hours=2),
        deadline_passed=True,
        number_wanted=wanted,
        number_missing=len(missing),
        missing_serials=list(missing)[:10],
        **more,
    )


def verdict(**state: Any) -> list[Problem]:  # noqa: ANN401 - fields of the state
    """Return the problems of an execution that ended with a state."""
    return find_problems(GatheredState(**state))


def store(name: str, error: str | None = None, cause: str = "why") -> TrustStore:
    """Return a trust store, failed or not."""
    failure = Failure(error=error, cause=json.dumps({"errorMessage": cause})) if error else None
    return TrustStore(trust_store_arn=STORE.format(name), failure=failure)


def test_everything_done() -> None:
    """There are no problems."""
    assert verdict(found=found(CrlStatus.COMPLETE), trust_stores=[store("a")], revocations=[]) == []


def test_nothing_wanted() -> None:
    """Without requested serials, none is missing."""
    assert verdict(found=found(CrlStatus.NOTHING_WANTED, wanted=0)) == []


def test_step_failed() -> None:
    """The error keeps its name; the sentence is the message that Lambda wrapped in JSON."""
    failure = Failure(error="AwsUnavailable", cause='{"errorMessage": "no answer", "errorType": "AwsUnavailable"}')
    assert verdict(failure=failure) == [Problem("AwsUnavailable", "no answer")]


def test_step_failed_while_waiting() -> None:
    """What was still missing then is not reported as if the deadline had passed."""
    assert len(verdict(failure=Failure(error="States.Timeout"), found=found(CrlStatus.NOT_YET, A))) == 1


def test_no_crl() -> None:
    """If all serials are missing, no CRL was published as far as FindCrl can tell."""
    (problem,) = verdict(found=found(CrlStatus.NOT_YET, A, B, C))
    assert problem.error == "CrlNotPublished"
    assert "revoked serials that are in no usable CRL: 3 of 3, polls: 7" in problem.sentence


def test_some_serials_missing() -> None:
    """They are named."""
    (problem,) = verdict(found=found(CrlStatus.NOT_YET, A))
    assert problem.error == "SerialsNotInCrl"
    assert "1 of 3" in problem.sentence
    assert ":".join(["aa"] * 16) in problem.sentence


def test_many_serials_missing() -> None:
    """Ten are named, the others counted."""
    (problem,) = verdict(found=found(CrlStatus.NOT_YET, *der_crl.random_serials(12), wanted=20))
    assert problem.sentence.endswith(" and 2 more")


def test_crl_refused() -> None:
    """The error is the reason why the newest CRL was refused."""
    refusal = Failure(error="CrlExpired", cause="it ended yesterday")
    (problem,) = verdict(found=found(CrlStatus.INVALID, A, refusal=refusal))
    assert problem.error == "CrlExpired"
    assert problem.sentence.endswith("The newest CRL was refused: it ended yesterday")


def test_one_of_two_trust_stores() -> None:
    """Its own error and ARN, and how many there are."""
    (problem,) = verdict(trust_stores=[store("a"), store("b", "TrustStoreFull")])
    assert problem.error == "TrustStoreFull"
    assert problem.sentence.startswith("trust stores that failed: 1 of 2: ")
    assert f"{STORE.format('b')} (not enforced): TrustStoreFull: why" in problem.sentence
    assert STORE.format("a") not in problem.sentence


@pytest.mark.parametrize(
    ("attached", "read_back", "gone", "words"),
    [
        (1, 2, False, "(the list is in force, older ones are left)"),
        (1, 2, True, "(not enforced)"),
        (2, 2, False, "(the list is in force, older ones are left)"),
        (3, 2, False, "(the list was attached, and could not be read back)"),
        (1, None, False, "(the list was attached, and could not be read back)"),
        (None, None, False, "(not enforced)"),
    ],
)
def test_trust_store_that_failed_late(attached: int | None, read_back: int | None, gone: bool, words: str) -> None:  # noqa: FBT001
    """A list that was read back in this round is in force, though the older ones could not be removed."""
    times = [None if each is None else NOW + timedelta(seconds=each) for each in (attached, read_back)]
    failed = store("a", "TrustStoreThrottled").model_copy(
        update={
            "attached": Attached(finished_at=times[0]),
            "verified": Verified(started_at=times[1]),
            "removed": Removed(verified_list_gone=gone),
        }
    )
    (problem,) = verdict(trust_stores=[failed])
    assert words in problem.sentence


@pytest.mark.parametrize("error", ["RevocationAddUnclear", "AwsUnavailable", "States.Timeout", "Lambda.Unknown"])
def test_attaching_without_an_answer(error: str) -> None:
    """Nobody knows whether the list is there, so the report does not say that it is not."""
    (problem,) = verdict(trust_stores=[store("a", error)])
    assert f"{STORE.format('a')} (it is not known whether the list was attached): {error}: why" in problem.sentence


def test_two_trust_stores_with_one_error() -> None:
    """Two trust stores with the same error fail the execution with that error."""
    (problem,) = verdict(trust_stores=[store("a", "TrustStoreFull"), store("b", "TrustStoreFull")])
    assert problem.error == "TrustStoreFull"


def test_two_trust_stores_with_two_errors() -> None:
    """Different errors fail it with their common error; the sentence names each."""
    (problem,) = verdict(trust_stores=[store("a", "TrustStoreFull"), store("b", "TrustStoreNotFound")])
    assert problem.error == "TrustStoreNotEnforced"
    assert "TrustStoreFull: why; " in problem.sentence


def test_serial_not_revoked() -> None:
    """It is named with AWS's code, and what that means."""
    revocations = [
        Revocation(serial=A, outcome=REVOKED),
        Revocation(serial=0x12, outcome=FAILED, error="ResourceNotFoundException"),
    ]
    (problem,) = verdict(revocations=revocations)
    assert problem.error == "SerialsNotRevoked"
    assert problem.sentence.startswith("serials not revoked: 1 of 2: 00:12 (ResourceNotFoundException). ")
    assert problem.sentence.endswith(
        "ResourceNotFoundException means: this CA did not issue a certificate with this serial number"
    )


def test_serial_not_revoked_with_unknown_code() -> None:
    """A code without an explanation is reported alone."""
    (problem,) = verdict(revocations=[Revocation(serial=0x12, outcome=FAILED, error="Odd")])
    assert problem.sentence == "serials not revoked: 1 of 1: 00:12 (Odd)"


@pytest.mark.parametrize("error", ["AwsUnavailable", "States.Timeout", "Lambda.Unknown", "Runtime.ExitError"])
def test_revocation_without_an_answer(error: str) -> None:
    """It may be revoked, so the report does not say that it is not."""
    answered = Revocation(serial=A, outcome=FAILED, error="CertificateExpired")
    refused, unknown = verdict(revocations=[answered, Revocation(serial=0x12, outcome=FAILED, error=error)])
    assert refused.sentence.startswith("serials not revoked: 1 of 2: ")
    assert unknown.sentence == (
        f"serials of which it is not known whether they are revoked: 1 of 2: 00:12 ({error}). {error} means: no answer "
        "arrived, so it is not known whether the certificate is revoked; start again"
    )


def test_many_serials_not_revoked() -> None:
    """Ten are named, the others counted."""
    failed = [Revocation(serial=serial, outcome=FAILED, error="Odd") for serial in der_crl.random_serials(11)]
    (problem,) = verdict(revocations=failed)
    assert problem.sentence.endswith(" and 1 more")


def test_order() -> None:
    """A trust store that accepts a revoked certificate comes first, then a missing CRL, then a failed revocation."""
    problems = verdict(
        trust_stores=[store("a", "TrustStoreFull")],
        found=found(CrlStatus.NOT_YET, A),
        revocations=[Revocation(serial=B, outcome=FAILED, error="Odd")],
    )
    assert [problem.error for problem in problems] == ["TrustStoreFull", "SerialsNotInCrl", "SerialsNotRevoked"]


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "why", "errorType": "E", "stackTrace": []}', "why"),
        ('{"errorType": "E"}', '{"errorType": "E"}'),
        ("[1]", "[1]"),
        ("plain words", "plain words"),
        ("[" * 5_000, "[" * 5_000),
        ("", ""),
    ],
)
def test_error_message(cause: str, message: str) -> None:
    """Lambda wraps an error in JSON, Step Functions does not."""
    assert error_message(Failure(error="E", cause=cause)) == message


@pytest.mark.parametrize(
    ("error", "begun", "what_to_do"),
    [
        ("CrlExpired", True, errors.CrlRefused.what_to_do),
        ("InvalidInput", False, errors.RequestRefused.what_to_do),
        ("TrustStoreNotFound", True, errors.RevocationError.what_to_do),
        ("TrustStoreFull", True, errors.TrustStoreFull.what_to_do),
        ("States.Timeout", True, errors.RevocationError.what_to_do),
        ("__doc__", True, errors.RevocationError.what_to_do),
    ],
)
def test_what_to_do(error: str, begun: bool, what_to_do: str) -> None:  # noqa: FBT001 - a table
    """Each error has its advice, and none says that nothing was done once revoking has begun."""
    assert Problem(error, "").what_to_do(begun=begun) == what_to_do


def test_crl_that_private_ca_could_not_write() -> None:
    """What Private CA's event says comes first: it is what has to be fixed."""
    failure = Failure(error="CrlBucketNotWritable", cause="the bucket denies it")
    (problem,) = verdict(found=found(CrlStatus.NOT_YET, A, wanted=1, generation_failure=failure))
    assert problem.error == "CrlBucketNotWritable"
    assert problem.sentence.startswith("the bucket denies it. revoked serials that are in no usable CRL: 1 of 1")


def test_last_of_ten_serials_is_named() -> None:
    """Ten are not too many, and are separated."""
    serials = [A, B, *der_crl.random_serials(8)]
    (problem,) = find_unverified_serials(SerialReport(serial=serial) for serial in serials)
    assert problem.error == "RevocationNotVerified"
    assert problem.sentence.endswith(": 10, " + ", ".join(map(serial_number.to_hex, serials)))


def test_serials_that_failed_for_two_reasons() -> None:
    """Each is named with its code, and each code explained once."""
    codes = ["ResourceNotFoundException", "CertificateExpired", "ResourceNotFoundException"]
    failed = [Revocation(serial=number, outcome=FAILED, error=code) for number, code in enumerate(codes, 1)]
    (problem,) = verdict(revocations=failed)
    assert "00:01 (ResourceNotFoundException), 00:02 (CertificateExpired), 00:03 (" in problem.sentence
    one, two = problem.sentence.partition("). ")[2].split("; ResourceNotFoundException means: this CA did not issue a ")
    assert (one[:25], two) == ("CertificateExpired means:", "certificate with this serial number")


def test_interrupted_while_waiting() -> None:
    """An interruption explains nothing: what was missing then is reported."""
    failure = Failure(error="ExecutionInterrupted", cause="stopped")
    problems = verdict(failure=failure, found=found(CrlStatus.NOT_YET, A))
    assert [problem.error for problem in problems] == ["ExecutionInterrupted", "SerialsNotInCrl"]


REFUSED = Drift(status=DriftStatus.INVALID, refusal=Failure(error="CrlExpired", cause="it ended"))


def test_crl_refused_in_a_reconcile() -> None:
    """The trust stores keep what they have; a step that failed is the only problem then."""
    sentence = "the CRL in S3 was refused, the trust stores keep what they have: it ended"
    assert verdict(found=REFUSED) == [Problem("CrlExpired", sentence)]
    assert verdict(found=Drift(status=DriftStatus.NONE)) == []
    assert verdict(found=REFUSED, failure=Failure(error="States.Timeout")) == [Problem("States.Timeout", "")]
