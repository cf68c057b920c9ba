"""A rehearsal foretells what the three steps then do, whatever is attached, whatever comes, however full it is."""

from dataclasses import dataclass, field
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import RevocationError
from functions.pki import crl
from functions.plan import enforcement as planned_enforcement
from functions.plan.simulation import Rehearsal
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import Precedence
from tests.support import pki
from tests.support.steps import A, B, Bench, C, D

OWN, OTHER = pki.certificate_authority("Own"), pki.certificate_authority("Other")


@dataclass(frozen=True)
class List:
    """A CRL: its number, serials, and which of several with these it is."""

    number: int
    serials: tuple[int, ...] = (A,)
    which: int = 0
    own: bool = True

    @property
    def der(self) -> bytes:
        """Sign it, once: the same list has the same bytes."""
        return _signed(self)


@cache
def _signed(of: List) -> bytes:
    return (OWN if of.own else OTHER).crl(of.serials, number=of.number)


@dataclass(frozen=True)
class Situation:
    """What is attached, in order, what comes, what there is room for, and whether a lower number is accepted."""

    attached: list[List]
    coming: List
    lists: int = 30
    entries: int = 100
    accept_lower: bool = False
    wanted: tuple[int, ...] = field(default=(A, B))


serials = st.sampled_from([(A,), (B,), (A, B), (C,), (A, B, C, D)])
lists = st.builds(List, st.integers(1, 4), serials, st.integers(0, 1), st.integers(0, 4).map(bool))
situations = st.builds(
    Situation,
    st.lists(lists, max_size=4),
    st.builds(List, st.integers(1, 5), serials, st.integers(0, 1)),
    st.integers(2, 5),
    st.integers(4, 9),
    st.booleans(),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(Situation([], List(1)))
@example(Situation([List(1), List(2)], List(3)))
@example(Situation([List(3)], List(2, (B,))))
@example(Situation([List(2, which=0), List(2, which=1)], List(3)))
@example(Situation([List(2)], List(2, which=1)))
@example(Situation([List(2)], List(2, which=1), accept_lower=True))
@example(Situation([List(8), List(9)], List(7), accept_lower=True))
@example(Situation([List(1), List(2), List(1, own=False)], List(3), lists=3))
@example(Situation([List(1, own=False), List(2, own=False)], List(3), lists=2))
@given(situations)
def test_what_is_rehearsed_is_done(bench: Bench, lambda_environment: pytest.MonkeyPatch, situation: Situation) -> None:
    """Whether it is added, which lists go, and by which error it ends."""
    lambda_environment.setenv("MAX_REVOCATION_LISTS", str(situation.lists))
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", str(situation.entries))
    environment.cache_clear()
    here = Bench(bench.lab, authority=OWN)
    for each in situation.attached:
        here.add(each.der)
    kept = here.manifest(*situation.wanted, accept_lower_crl_number=situation.accept_lower)
    before = here.attached().keys()
    manifest = workflow_bucket.get_manifest(kept)
    coming = crl.read(situation.coming.der, wanted=situation.wanted)
    rehearsal = Rehearsal(here.trust_store_arn, list(manifest.baselines[0].lists), Precedence.of(manifest, coming))
    as_list = revocation_lists.attached_list(0, coming.number_of_revoked_entries, coming)
    adds = rehearsal.enforce(as_list, lambda: coming)
    error = None
    try:
        here.enforce(kept, here.convert(situation.coming.der))
    except RevocationError as refusal:
        error = type(refusal).__name__
    after = here.attached().keys()
    assert (rehearsal.refusal and rehearsal.refusal.error) == error
    assert (adds, set(rehearsal.removed)) == (bool(after - before), set(before - after))


def test_the_crl_that_is_there_and_then_the_next(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """One serial can be enforced now, another has to wait: the next CRL has to fit beside this one, not the old one."""
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", "6")
    environment.cache_clear()
    here = Bench(bench.lab, authority=OWN)
    here.add(List(1).der)
    baseline = workflow_bucket.get_manifest(here.manifest(A, B)).baselines[0]
    current = crl.read(List(2, (A, C, D)).der, wanted=(A, B))
    planned = planned_enforcement.of_serials(baseline, current, frozenset({A, B}), frozenset({B}))
    assert (planned.add_crl_number, planned.remove_revocation_ids, planned.add_next_crl) == (2, [1], False)
    assert planned.refusal
    assert planned.refusal.error == "TrustStoreFull"
