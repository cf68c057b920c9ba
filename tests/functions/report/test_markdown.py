"""The report in Markdown agrees with the JSON, and free text in it cannot change its form."""

import pytest

from functions.models.drift import DriftKind, DriftStatus, TrustStoreDrift
from functions.models.report import OpenConnections, SerialReport, TrustStoreReport
from functions.models.states import ConvertedCrl, Drift
from functions.pki import serial_number
from functions.report.markdown import render
from tests.support.reporting import REVOKED, done, make_report, write_report
from tests.support.steps import Steps

TRUST_STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/b"


def test_text_and_json_agree(steps: Steps) -> None:
    """Both name the CRL that was attached, by number and hash."""
    state = done(steps)
    converted: ConvertedCrl = state["converted"]
    written = write_report(steps, **state)
    assert written.report.crl is not None
    assert written.report.crl.sha256 == converted.sha256
    assert converted.sha256 in written.text
    assert "* CRL number: 2" in written.text


def test_requester_and_ticket(steps: Steps) -> None:
    """Free text cannot add Markdown."""
    written = write_report(steps, **done(steps, ticket="SEC-1\n# Forged `code`", requested_by="ann"))
    assert written.report.ticket == "SEC-1\n# Forged `code`"
    assert "* Ticket: SEC-1\n  \\# Forged \\`code\\`" in written.text
    assert "* Requested by: ann" in written.text


def test_unknown_entries(steps: Steps) -> None:
    """A number that is not known is written as unknown."""
    state = done(steps)
    (store,) = state["trust_stores"]
    unknown = store.verified.model_copy(update={"new_entries": None, "dropped_entries": None})
    written = write_report(steps, **{**state, "trust_stores": [store.model_copy(update={"verified": unknown})]})
    assert "* Serials new, no longer listed, net: unknown, unknown, 1" in written.text


@pytest.mark.parametrize("status", [DriftStatus.NONE, DriftStatus.NO_CRL])
def test_reconcile_that_did_nothing(status: DriftStatus) -> None:
    """The report says so."""
    drift = Drift(status=status, crl_number=7)
    assert "**Nothing" in render(make_report(reconcile=True, drift=drift))


def test_corrected_drift() -> None:
    """Each trust store is listed with what differed."""
    lacking = TrustStoreDrift(trust_store_arn=TRUST_STORE, kind=DriftKind.NO_LIST)
    older = TrustStoreDrift(
        trust_store_arn=TRUST_STORE, kind=DriftKind.OLDER_LIST, attached_crl_number=6, revocation_ids=[3, 4]
    )
    unnumbered = older.model_copy(update={"attached_crl_number": None})
    drift = Drift(status=DriftStatus.CONFIRMED, crl_number=7, trust_stores=[lacking, older, unnumbered])
    text = render(make_report(reconcile=True, drift=drift))
    assert "OLDER_LIST (list 3 4, CRL number 6)" in text
    assert "OLDER_LIST (list 3 4, no CRL number)" in text
    assert "NO_LIST (no list of this CA)" in text


def test_warnings() -> None:
    """A success is qualified by a trust store that no load balancer uses, and by serials that dropped out."""
    store = TrustStoreReport(
        trust_store_arn=TRUST_STORE,
        proven="attached and read back",
        entries_dropped=1,
        open_connections=OpenConnections(not_associated=True),
    )
    text = render(make_report(trust_stores=[store]))
    assert f"**Warning:** no load balancer uses {TRUST_STORE}" in text
    assert f"**Warning:** serials that {TRUST_STORE} refused before and that are no longer in the list: 1" in text


def test_more_certificates_than_are_shown() -> None:
    """The others are counted; the JSON names them all."""
    serials = [SerialReport(serial=number, outcome=REVOKED) for number in range(1, 1_003)]
    text = render(make_report(serials=serials))
    assert "… and 2 more certificates: see report.json." in text
    assert (f"| {serial_number.to_hex(1_000)} |" in text, f"| {serial_number.to_hex(1_001)} |" in text) == (True, False)
