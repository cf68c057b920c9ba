"""A simulation predicts exactly what the three steps do, for any attached lists, CRL and quotas."""

from dataclasses import dataclass, field
from functools import cache

import pytest
from cryptography import x509
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import RevocationError
from functions.pki import crl
from functions.plan import enforcement
from functions.plan.trust_store_simulation import Simulation
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import Precedence
from tests.functions.direct_calls import call_directly
from tests.support import pki
from tests.support.pki import A, B, C, D
from tests.support.steps import Steps

OWN, OTHER = pki.certificate_authority("Own"), pki.certificate_authority("Other")


@dataclass(frozen=True)
class List:
    """A CRL; two of the same number and serials but another `variant` differ in their bytes."""

    number: int
    serials: tuple[int, ...] = (A,)
    variant: int = 0
    own: bool = True

    @property
    def der(self) -> bytes:
        """The signed CRL; equal lists have the same bytes."""
        return _sign(self)


@cache
def _sign(crl: List) -> bytes:
    return (OWN if crl.own else OTHER).crl(crl.serials, number=crl.number)


@dataclass(frozen=True)
class Situation:
    """The attached lists in order, the CRL to enforce, the quotas, and whether a lower number is accepted."""

    attached: list[List]
    candidate: List
    max_lists: int = 30
    max_entries: int = 100
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
@example(Situation([List(2, variant=0), List(2, variant=1)], List(3)))
@example(Situation([List(2)], List(2, variant=1)))
@example(Situation([List(2)], List(2, variant=1), accept_lower=True))
@example(Situation([List(8), List(9)], List(7), accept_lower=True))
@example(Situation([List(1), List(2, (B,))], List(1), accept_lower=True))
@example(Situation([List(1), List(2), List(1, own=False)], List(3), max_lists=3))
@example(Situation([List(1, own=False), List(2, own=False)], List(3), max_lists=2))
@given(situations)
def test_prediction_matches_steps(steps: Steps, lambda_environment: pytest.MonkeyPatch, situation: Situation) -> None:
    """The steps add and remove the lists that the simulation predicts, and raise the same error."""
    call_directly(lambda_environment)
    lambda_environment.setenv("MAX_REVOCATION_LISTS", str(situation.max_lists))
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", str(situation.max_entries))
    environment.cache_clear()
    own = Steps(steps.lab, authority=OWN)
    for attached in situation.attached:
        own.add_directly(attached.der)
    location = own.manifest(*situation.wanted, accept_lower_crl_number=situation.accept_lower)
    before = own.attached().keys()
    manifest = workflow_bucket.get_manifest(location)
    candidate = crl.read(situation.candidate.der, wanted=situation.wanted)
    simulation = Simulation(own.trust_store_arn, list(manifest.baselines[0].lists), Precedence.of(manifest, candidate))
    adds = simulation.enforce(
        revocation_lists.attached_list(0, candidate.number_of_revoked_entries, candidate), lambda: candidate
    )
    error_name = None
    try:
        own.enforce(location, own.convert(situation.candidate.der))
    except RevocationError as error:
        error_name = type(error).__name__
    after = own.attached().keys()
    assert (simulation.refusal and simulation.refusal.error) == error_name
    assert (adds, set(simulation.removed)) == (bool(after - before), set(before - after))


def test_current_crl_then_next(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """If one serial is enforced now and one waits, the next CRL must fit beside the current one, not the old one."""
    lambda_environment.setenv("MAX_REVOCATION_ENTRIES", "6")
    environment.cache_clear()
    own = Steps(steps.lab, authority=OWN)
    own.add(List(1).der)
    baseline = workflow_bucket.get_manifest(own.manifest(A, B)).baselines[0]
    current = crl.read(List(2, (A, C, D)).der, wanted=(A, B))
    planned = enforcement.plan_revocations(baseline, current, frozenset({A, B}), frozenset({B}))
    assert (planned.add_crl_number, planned.remove_revocation_ids, planned.add_next_crl) == (2, [1], False)
    assert planned.refusal
    assert planned.refusal.error == "TrustStoreFull"


def test_current_crl_that_does_not_fit_the_bundle(steps: Steps) -> None:
    """Neither it nor the next one is planned to be attached, since that would be signed alike."""
    own = Steps(steps.lab, authority=OWN)
    baseline = workflow_bucket.get_manifest(own.manifest(A)).baselines[0]
    other = x509.AuthorityKeyIdentifier(OWN.key_identifier, [x509.DirectoryName(OWN.certificate.issuer)], 1)
    current = crl.read(OWN.crl([A], key_identifier=None, extensions=[(other, False)]), wanted=(A, B))
    planned = enforcement.plan_revocations(baseline, current, frozenset({A, B}), frozenset({B}))
    assert (planned.add_crl_number, planned.add_next_crl) == (None, False)
    assert planned.refusal
    assert planned.refusal.error == "CrlAuthorityKeyMismatch"
