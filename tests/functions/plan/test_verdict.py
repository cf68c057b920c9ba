"""A plan's outcome: the failure that is certain, or else what is not known beforehand."""

from typing import Any

import pytest

from functions.models.drift import DriftStatus
from functions.models.plan import NOT_LOOKED_UP, Plan, PlannedCrl, PlannedOutcome, PlannedSerial, PlannedTrustStore
from functions.models.states import Drift, Failure, RevocationOutcome
from functions.pki import serial_number
from functions.plan.verdict import with_verdict

FULL, GONE = Failure(error="TrustStoreFull", cause="30 of 30"), Failure(error="TrustStoreNotFound", cause="it is gone")
TOO_LARGE = Failure(error="CrlTooLarge", cause="600,000 entries")
REVOKED, FAILED = RevocationOutcome.REVOKED, RevocationOutcome.FAILED


def verdict(**fields: Any) -> Plan:  # noqa: ANN401 - fields of the plan
    """Return a plan with its verdict, at a deadline of 100 seconds."""
    return with_verdict(Plan(outcome=PlannedOutcome.SUCCEEDED, **fields), 100)


def store(refusal: Failure | None = None) -> PlannedTrustStore:
    """Return the plan of a trust store."""
    return PlannedTrustStore(trust_store_arn="arn", lists=1, entries=1, head_room="", refusal=refusal)


def failing(*explanations: str) -> dict[str, Any]:
    """Return the fields of a plan whose serials cannot be revoked, for these reasons."""
    serials = [
        PlannedSerial(serial=number, expected=FAILED, explanation=explanation)
        for number, explanation in enumerate(explanations, 1)
    ]
    return {"serials": serials, "number_of_serials": len(serials), "expected": {"FAILED": len(serials)}}


def test_success() -> None:
    """Nothing stands in the way; what no plan can know is listed."""
    plan = verdict(number_of_serials=1, expected={"REVOKED": 1}, trust_stores=[store()])
    assert (plan.outcome, plan.error, plan.cause) == (PlannedOutcome.SUCCEEDED, None, None)
    assert plan.unknown_until_tried == [
        "whether Private CA throttles or refuses a call",
        "whether a certificate was revoked since the last CRL: it would be ALREADY_REVOKED",
        "whether somebody else changes a trust store in the meantime",
    ]


@pytest.mark.parametrize(
    ("refusals", "error", "cause"),
    [
        ([FULL, None], "TrustStoreFull", "30 of 30"),
        ([FULL, FULL], "TrustStoreFull", "30 of 30; 30 of 30"),
        ([FULL, GONE], "TrustStoreNotEnforced", "30 of 30; it is gone"),
    ],
)
def test_refused_trust_stores(refusals: list[Failure | None], error: str, cause: str) -> None:
    """One error keeps its name, several have one in common; it comes before serials that cannot be revoked."""
    plan = verdict(trust_stores=[store(refusal) for refusal in refusals], **failing("why"))
    assert (plan.outcome, plan.error, plan.cause) == (PlannedOutcome.FAILED, error, cause)


@pytest.mark.parametrize(
    ("expected", "missing", "refusal", "error"),
    [
        ({"REVOKED": 1}, 1, TOO_LARGE, "CrlTooLarge"),
        ({"UNKNOWN": 1}, 1, TOO_LARGE, "CrlTooLarge"),
        ({NOT_LOOKED_UP: 1}, 1, TOO_LARGE, "CrlTooLarge"),
        ({"ALREADY_REVOKED": 1}, 1, TOO_LARGE, None),  # no CRL follows
        ({"REVOKED": 1}, 0, TOO_LARGE, None),  # no CRL is needed
        ({"REVOKED": 1}, 1, Failure(error="CrlExpired"), None),  # the next one need not be refused
    ],
)
def test_crl_that_is_too_large(expected: dict[str, int], missing: int, refusal: Failure, error: str | None) -> None:
    """If the current CRL has too many entries, so has the next one that a revocation causes."""
    plan = verdict(expected=expected, crl=PlannedCrl(location="s3", wanted_missing=missing, refusal=refusal))
    assert plan.error == error
    if error:
        assert plan.cause == "600,000 entries. The next CRL is larger still"


def test_serials_that_cannot_be_revoked() -> None:
    """They are grouped by the reason, and the first ten of each are named."""
    plan = verdict(**failing("why", *["because"] * 12))
    assert (plan.outcome, plan.error) == (PlannedOutcome.FAILED, "SerialsNotRevoked")
    ten = ", ".join(map(serial_number.to_hex, range(2, 12)))
    assert plan.cause == f"serials that would not be revoked: 13 of 13. why: 00:01; because: {ten} and 2 more"


def test_refused_reconcile() -> None:
    """The CRL's refusal is the plan's."""
    refusal = Failure(error="CrlExpired", cause="it has")
    plan = verdict(drift=Drift(status=DriftStatus.SUSPECTED, refusal=refusal))
    assert (plan.outcome, plan.error, plan.cause) == (PlannedOutcome.FAILED, "CrlExpired", "it has")


@pytest.mark.parametrize(
    ("fields", "unknown"),
    [
        ({"expected": {"UNKNOWN": 2}}, "the outcome of serials for which none can be predicted: 2"),
        ({"expected": {NOT_LOOKED_UP: 3}}, "whose certificates they are: 3"),
        (
            {"expected": {"ALREADY_REVOKED": 1}, "crl": PlannedCrl(location="s3", wanted_missing=1)},
            "when the next CRL is published: nothing is newly revoked, so it comes with the CA's own refresh",
        ),
        ({"seconds_waiting_for_crl": 101}, "before the deadline of 100 seconds: it usually takes 101"),
    ],
)
def test_unknown(fields: dict[str, Any], unknown: str) -> None:
    """What decides the outcome and is not known makes it unknown; but a certain failure remains one."""
    plan = verdict(**fields)
    assert (plan.outcome, plan.error) == (PlannedOutcome.UNKNOWN, None)
    assert plan.cause is not None
    assert plan.cause.startswith("not known beforehand: ")
    assert unknown in plan.cause
    assert unknown in plan.unknown_until_tried[0]
    failed = verdict(**fields, trust_stores=[store(FULL)])
    assert (failed.outcome, failed.error) == (PlannedOutcome.FAILED, "TrustStoreFull")


def test_several_unknowns() -> None:
    """All of them are named."""
    plan = verdict(expected={"UNKNOWN": 1}, seconds_waiting_for_crl=101)
    assert plan.cause is not None
    assert plan.cause.count("; whether the CRL is published before the deadline") == 1


def test_ten_serials_that_cannot_be_revoked() -> None:
    """Ten are not too many to be named."""
    assert (verdict(**failing(*["why"] * 10)).cause or "").endswith("00:0a")


def test_deadline_that_is_long_enough() -> None:
    """A CRL that usually comes exactly at the deadline is in time."""
    assert verdict(seconds_waiting_for_crl=100).outcome is PlannedOutcome.SUCCEEDED


def test_number_of_the_next_crl() -> None:
    """If serials have to wait for a CRL, neither its time nor its size is known."""
    plan = verdict(expected={"REVOKED": 1}, crl=PlannedCrl(location="s3", wanted_missing=1))
    assert "when exactly the next CRL is published, and how many entries it has" in plan.unknown_until_tried
