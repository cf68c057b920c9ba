"""The models: AWS's names in JSON, serials that survive the round trip, and no unknown fields."""

import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from functions.limits import MAX_POLLS
from functions.models import drift, report, request, states
from functions.models.base import Model
from functions.models.request import Polling, RevocationReason, RevocationRequest, WantedSerial
from functions.models.states import FoundCrl, Revocation, RevocationOutcome, RevokeCertificateInput, Verified
from functions.models.stored import AttachedList, Baseline
from tests.support.steps import A, B

CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1234"
STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/clients/0123456789abcdef"
MODELS = [
    model
    for module in (drift, report, request, states)
    for _, model in inspect.getmembers(module, inspect.isclass)
    if issubclass(model, Model) and model.__module__ == module.__name__
]


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


@pytest.mark.parametrize(("serial", "text"), [(0x12, "00:12"), (0x0A, "00:0a"), (0x1234, "12:34"), (1, "00:01")])
def test_short_serial(serial: int, text: str) -> None:
    """The colon identifies digits as hexadecimal."""
    event = RevokeCertificateInput.model_validate(
        {"CertificateAuthorityArn": CA, "Wanted": {"Serial": text}, "RevocationReason": "UNSPECIFIED"}
    )
    assert event.wanted.serial == serial
    assert event.model_dump(mode="json")["Wanted"]["Serial"] == text


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
    """The defaults are UNSPECIFIED, a minute between two looks, and two hours in all."""
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
        with pytest.raises(ValidationError, match=f"more than {MAX_POLLS} looks"):
            Polling(interval_seconds=interval, deadline_seconds=deadline)


@pytest.mark.parametrize("model", MODELS)
def test_model_is_closed_and_frozen(model: type[BaseModel]) -> None:
    """An unknown field is refused, and a model cannot be changed."""
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"] is True


@pytest.mark.parametrize("model", MODELS)
def test_names_are_aws_names(model: type[BaseModel]) -> None:
    """A payload can be pasted into the AWS CLI."""
    for name, field in model.model_fields.items():
        outside = field.serialization_alias or name
        assert outside[0].isupper()
        assert outside.lower() == name.replace("_", "")


def test_rank() -> None:
    """The CRL number decides, then the id; a list without a number ranks below all."""

    def ranked(revocation_id: int, crl_number: int | None) -> tuple[int, int]:
        return AttachedList(revocation_id=revocation_id, number_of_revoked_entries=0, crl_number=crl_number).rank

    assert ranked(9, None) < ranked(5, 0) < ranked(6, 0) < ranked(1, 7)


def test_held_by_a_baseline() -> None:
    """A baseline holds the serials of all its lists."""
    lists = [
        AttachedList(revocation_id=number, number_of_revoked_entries=1, crl_number=number, held_serials=[serial])
        for number, serial in ((1, A), (2, B))
    ]
    assert Baseline(trust_store_arn=STORE, total_revoked_entries=2, entries=2, lists=lists).held_serials == {A, B}


@pytest.mark.parametrize("outcome", RevocationOutcome)
def test_wanted_in_crl(outcome: RevocationOutcome) -> None:
    """A serial that was not revoked, or has expired, is not expected in a CRL."""
    wanted = outcome in {RevocationOutcome.REVOKED, RevocationOutcome.ALREADY_REVOKED}
    assert Revocation(serial=A, outcome=outcome).wanted_in_crl is wanted


def test_unknown_entries_survive_the_round_trip() -> None:
    """None is left out of the JSON, and read as None."""
    written = Verified(revocation_id=1, new_entries=None).model_dump(mode="json", exclude_none=True)
    assert "NewEntries" not in written
    assert Verified.model_validate(written).new_entries is None


def test_found_of_the_first_poll() -> None:
    """At the first poll `Previous` is an empty object, and it stays one."""
    location = {"Bucket": "b", "Key": "k", "VersionId": "v"}
    document: dict[str, Any] = {
        "Manifest": location,
        "Revocations": [],
        "Batches": [],
        "TrustStores": [],
        "Previous": {},
    }
    event = states.FindCrlInput.model_validate(document)
    assert not isinstance(event.previous, FoundCrl)
    with pytest.raises(ValidationError):
        states.FindCrlInput.model_validate({**document, "Previous": {"Status": "NOT_YET"}})
