"""The Athena query selects handshakes that the load balancer refused with the serials of the report."""

from functions.report.athena_query import refusals_query
from tests.support.pki import NOW, A, B
from tests.support.reporting import FAILED, REVOKED, done, write_report
from tests.support.steps import Steps


def test_serials(steps: Steps) -> None:
    """Each serial that the CRL lists is written as in the connection log: upper-case hex without leading zeros."""
    written = write_report(steps, **done(steps, {A: REVOKED, B: REVOKED, 0x12: FAILED}))
    assert written.report.connection_log_query is not None
    assert f"IN ('{A:X}', '{B:X}')" in written.report.connection_log_query
    assert written.report.connection_log_query in written.text
    assert "IN ('12')" in refusals_query([0x12], NOW)
