"""The input and output of the steps: short serials, absent fields, and the empty object of the first poll."""

from typing import Any

import pytest
from pydantic import ValidationError

from functions.models.states import (
    FindCrlInput,
    FoundCrl,
    Revocation,
    RevocationOutcome,
    RevokeCertificateInput,
    Verified,
)
from tests.support.pki import A

CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1234"


@pytest.mark.parametrize(("serial", "text"), [(0x12, "00:12"), (0x0A, "00:0a"), (0x1234, "12:34"), (1, "00:01")])
def test_short_serial(serial: int, text: str) -> None:
    """The colon identifies digits as hexadecimal."""
    event = RevokeCertificateInput.model_validate(
        {"CertificateAuthorityArn": CA, "Wanted": {"Serial": text}, "RevocationReason": "UNSPECIFIED"}
    )
    assert event.wanted.serial == serial
    assert event.model_dump(mode="json")["Wanted"]["Serial"] == text


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
    event = FindCrlInput.model_validate(document)
    assert not isinstance(event.previous, FoundCrl)
    with pytest.raises(ValidationError):
        FindCrlInput.model_validate({**document, "Previous": {"Status": "NOT_YET"}})
