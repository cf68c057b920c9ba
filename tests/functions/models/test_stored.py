"""What is kept in S3: the rank of a list, and the serials of a baseline."""

from functions.models.stored import AttachedList, Baseline
from tests.support.pki import A, B

STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/clients/0123456789abcdef"


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
