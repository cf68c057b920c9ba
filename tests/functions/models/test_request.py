"""Requests: serials that survive the round trip, reasons in each notation, and limits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.limits import MAX_POLLS
from functions.models.request import Polling, RevocationReason, RevocationRequest, WantedSerial
from functions.models.states import Revocation, RevocationOutcome

CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1234"
STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/clients/0123456789abcdef"


def complete_request(**more: object) -> dict[str, object]:
    """Return a complete request with these fields."""
    return {"CertificateAuthorityArn": CA, "TrustStoreArns": [STORE], "Serials": ["aa:01"], **more}


@given(st.integers(min_value=1, max_value=2**160 - 1))
def test_serial_survives_the_round_trip(serial: int) -> None:
    """A serial of any length survives the round trip, also one octet or digits alone."""
    written = Revocation(serial=serial, outcome=RevocationOutcome.REVOKED).model_dump(mode="json")
    assert Revocation.model_validate(json.loads(json.dumps(written))).serial == serial
    again = RevocationRequest.model_validate(complete_request(Serials=[written["Serial"]]))
    assert [each.wanted for each in again.serials] == [WantedSerial(serial=serial)]


@pytest.mark.parametrize(
    "value", [12, 12.0, True, None, ["aa:01"], {"Number": "aa:01"}, {"Serial": 12}, "12", "", "-0x1"]
)
def test_ambiguous_serial_is_refused(value: object) -> None:
    """A JSON number may be meant as hexadecimal, and other types are not serials."""
    with pytest.raises(ValidationError, match="Serial"):
        RevocationRequest.model_validate(complete_request(Serials=[value]))


@pytest.mark.parametrize("written", ["KEY_COMPROMISE", "keyCompromise", "Key compromise", "key_compromise"])
def test_serial_with_a_reason_of_its_own(written: str) -> None:
    """A reason is read as Private CA, RFC 5280 or a spreadsheet writes it."""
    parsed = RevocationRequest.model_validate(
        complete_request(Serials=["bb:01", {"Serial": "AA:01", "RevocationReason": written}])
    )
    stolen = RevocationReason.KEY_COMPROMISE
    assert [each.wanted for each in parsed.serials] == [
        WantedSerial(serial=0xBB01),
        WantedSerial(serial=0xAA01, revocation_reason=stolen),
    ]


@pytest.mark.parametrize("written", ["certificateHold", "removeFromCRL", "stolen", 1])
def test_reason_that_private_ca_does_not_have(written: object) -> None:
    """CERTIFICATE_HOLD is refused, as Private CA cannot lift a hold."""
    with pytest.raises(ValidationError, match="RevocationReason"):
        RevocationRequest.model_validate(complete_request(RevocationReason=written))


def test_defaults_of_a_request() -> None:
    """The defaults are UNSPECIFIED, a minute between two polls, and two hours in all."""
    parsed = RevocationRequest.model_validate(complete_request())
    assert parsed.revocation_reason == "UNSPECIFIED"
    assert (parsed.polling.interval_seconds, parsed.polling.deadline_seconds) == (60, 7_200)


@pytest.mark.parametrize(
    ("interval", "deadline", "good"), [(1, MAX_POLLS, True), (1, MAX_POLLS + 1, False), (2, 2 * MAX_POLLS + 1, False)]
)
def test_number_of_looks(interval: int, deadline: int, good: bool) -> None:  # noqa: FBT001 - a table
    """The number of polls is limited, because the history of an execution is."""
    if good:
        Polling(interval_seconds=interval, deadline_seconds=deadline)
    else:
        with pytest.raises(ValidationError, match=f"more than {MAX_POLLS} polls"):
            Polling(interval_seconds=interval, deadline_seconds=deadline)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"CertificateAuthorityArn": None}, "CertificateAuthorityArn: Field required"),
        ({"Serials": [], "Crl": "s3://bkt/c.crl"}, "CertificateAuthorityArn is only for Private CA"),
        ({"AcceptLowerCrlNumber": True}, "AcceptLowerCrlNumber: only with Crl"),
        ({"AcceptDroppedEntries": True}, "AcceptDroppedEntries: only with Crl"),
        ({"SerialList": "bkt/list"}, "SerialList"),
    ],
)
def test_fields_that_exclude_or_need_each_other(fields: dict[str, object], message: str) -> None:
    """The message names the field."""
    with pytest.raises(ValidationError, match=message):
        RevocationRequest.model_validate(complete_request(**fields))
