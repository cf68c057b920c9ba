"""Only what was read back counts as done, although nothing failed."""

from functions.models.drift import DriftStatus
from functions.models.report import PROVEN, SerialReport, TrustStoreReport
from functions.models.states import (
    Drift,
    GatheredState,
    RevocationOutcome,
)
from functions.report.verdict import (
    Problem,
    find_unverified_serials,
    find_unverified_trust_stores,
)
from tests.support import der_crl
from tests.support.pki import A, B


def test_every_serial_verified() -> None:
    """An expired serial need not be in a list."""
    listed = [SerialReport(serial=A, outcome=RevocationOutcome.REVOKED, enforced=True)]
    assert find_unverified_serials([*listed, SerialReport(serial=B, outcome=RevocationOutcome.EXPIRED)]) == []


def test_many_serials_not_verified() -> None:
    """Ten are named, the others counted."""
    (problem,) = find_unverified_serials(SerialReport(serial=serial) for serial in der_crl.random_serials(12))
    assert problem.sentence.startswith("serials not read back from every trust store: 12, ")
    assert problem.sentence.endswith(" and 2 more")


def drifted(name: str, proven: str) -> TrustStoreReport:
    """Return the report of a trust store."""
    return TrustStoreReport(trust_store_arn=name, proven=proven)


def test_corrected_trust_store_that_was_not_read_back() -> None:
    """It is named; without a drift to correct there is nothing to read back."""
    stores = [drifted("a", PROVEN), drifted("b", "nothing"), drifted("c", "nothing")]
    (problem,) = find_unverified_trust_stores(GatheredState(found=Drift(status=DriftStatus.CONFIRMED)), stores)
    sentence = "no list was read back from b, c"
    assert problem == Problem("RevocationNotVerified", sentence)
    assert find_unverified_trust_stores(GatheredState(found=Drift(status=DriftStatus.CONFIRMED)), stores[:1]) == []
    assert find_unverified_trust_stores(GatheredState(found=Drift(status=DriftStatus.NONE)), stores) == []
    assert find_unverified_trust_stores(GatheredState(), stores) == []
