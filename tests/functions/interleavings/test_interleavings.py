"""Executions at the same time: in every order of their calls all succeed and one list remains.

No serial that was refused is accepted, but for the one case below.

`explorer.py` explains how all orders are tried. The calls are all those that AttachCrl, VerifyRevocation and
RemoveSupersededCrls make to the trust store: list, read, add, remove, count.

What is guaranteed depends on which of several lists of one CA a load balancer enforces; AWS does not document it:

* All of them (the union), or the oldest: at every moment, each serial that was refused before is refused.
* Only the newest, by RevocationId: the same, except in one order. An execution with CRL n reads the lists, finds
  nothing newer, and adds CRL n; between reading and adding, another execution adds CRL n+1. Then the list added last is
  the older one, and serials that only CRL n+1 holds are accepted until the first execution has verified the newer list
  and removed its own. Serials refused before either execution began are refused all the time, since CRL n holds them
  too. The service has no conditional write, so reading before adding is the best that can be done.
"""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.environment import environment
from infra.local.core import faults
from tests.functions.interleavings.explorer import Explorer
from tests.functions.interleavings.graph import Call, Execution, Graph, Lists, Node
from tests.support import pki
from tests.support.pki import A, B, C, D
from tests.support.steps import Steps

LETTERS = (A, B, C, D)
FOREIGN = pki.certificate_authority("Another CA")
ADD, REMOVE = "elasticloadbalancing:AddTrustStoreRevocations", "elasticloadbalancing:RemoveTrustStoreRevocations"


class Race:
    """Several executions that each attach a CRL to one trust store, which may already hold lists."""

    def __init__(self, steps: Steps, patch: pytest.MonkeyPatch) -> None:
        """Start with an empty trust store."""
        self.steps, self.patch = steps, patch
        self.gaps = 0  # calls after which the newest list alone refuses less than before
        self._foreign: set[int] = set()
        self._crls: dict[int, bytes] = {}
        self._numbers: dict[frozenset[int], int] = {}
        self._serials: dict[str, frozenset[int]] = {}
        self._executions: list[tuple[int, set[int], dict[str, bool]]] = []
        self._at_start: dict[int, frozenset[int]] = {}

    def crl(self, number: int, *serials: int) -> None:
        """Sign a CRL; no two of them hold the same serials."""
        der = self._crls[number] = self.steps.authority.crl(serials, number=number)
        self._numbers[frozenset(serials)] = number
        self._serials[hashlib.sha256(der).hexdigest()] = frozenset(serials)

    def attached(self, number: int) -> None:
        """Attach a list of this CA before the executions start."""
        self.steps.add(self._crls[number])

    def attached_of_another_ca(self) -> None:
        """Attach a list of another CA before the executions start."""
        self._foreign.add(self.steps.add(FOREIGN.crl([D], number=99)))

    def execution(self, number: int, wanted: set[int], **options: bool) -> None:
        """Add an execution that attaches a CRL for serials that this CRL holds."""
        self._executions.append((number, wanted, options))

    def run(self, *, may_abort: bool = False) -> Graph:
        """Try all orders, and check the lists after each call and at each end."""
        explorer, executions = self._prepare()
        return self._check_ends(explorer.explore(executions, self._check_call, may_abort=may_abort))

    def run_once(self, choose: Callable[[int], int]) -> Graph:
        """Try one order."""
        explorer, executions = self._prepare()
        return self._check_ends(explorer.follow(executions, self._check_call, choose))

    def _prepare(self) -> tuple[Explorer, list[Execution]]:
        prepared = []
        for number, wanted, options in self._executions:
            peer = self.steps.peer()
            manifest = peer.manifest(*wanted)
            prepared.append((manifest, peer.convert(self._crls[number], manifest), options))
        explorer = Explorer(self.steps, self.patch)
        self._at_start = self._ours(Lists.copy_from(self.steps.trust_store_arn))
        started = [
            explorer.start(number, manifest, crl, **options)
            for number, (manifest, crl, options) in enumerate(prepared, 1)
        ]
        return explorer, started

    def _check_ends(self, graph: Graph) -> Graph:
        for node in graph.end_nodes:
            with graph.with_path(node):
                self._check_end(node)
        return graph

    def _ours(self, lists: Lists) -> dict[int, frozenset[int]]:
        """Return the serials of this CA's lists, lowest RevocationId first."""
        return {list_id: lists.serials[list_id] for list_id in sorted(lists.serials) if list_id not in self._foreign}

    def _check_call(self, before: Node, call: Call, after: Node) -> None:
        old, new = self._ours(before.lists), self._ours(after.lists)
        assert self._foreign <= after.lists.serials.keys(), "the list of another CA was touched"
        assert union(old) <= union(new), "a serial is no longer in any list"
        if not old:
            return
        assert old[min(old)] <= new[min(new)], "the oldest list alone refuses less than before"
        at_start = self._at_start[max(self._at_start)] if self._at_start else frozenset()
        assert at_start <= new[max(new)], "the newest list alone refuses less than at the start"
        if not old[max(old)] <= new[max(new)]:
            self.gaps += 1
            assert call.is_add, "the newest list alone refuses less, though none was added"
            assert self._numbers[new[max(new)]] < max(self._numbers[serials] for serials in old.values())

    def _check_end(self, node: Node) -> None:
        remaining = self._ours(node.lists)
        if not any(execution.is_aborted for execution in node.executions):
            numbers = [number for number, _, _ in self._executions] + [
                self._numbers[serials] for serials in self._at_start.values()
            ]
            assert [self._numbers[serials] for serials in remaining.values()] == [max(numbers)]
            added = {list_id for execution in node.executions for list_id in self._added(execution)}
            removed = {list_id for execution in node.executions for list_id in self._removed(execution)}
            assert self._at_start.keys() | added | removed == remaining.keys() | removed, "the report lacks a list"
        for execution, (_, wanted, _) in zip(node.executions, self._executions, strict=True):
            if not execution.is_aborted:
                assert wanted <= union(remaining), "a wanted serial is not in any list"
                self._check_counts(execution, wanted)

    def _check_counts(self, execution: Execution, wanted: set[int]) -> None:
        verified, old = execution.store.verified, union(self._at_start)
        new = self._serials[str(verified.sha256)]
        assert verified.wanted_held == len(wanted)
        assert verified.wanted_new == len(wanted - old)
        assert verified.new_entries in {None, len(new - old)}
        assert verified.dropped_entries in {None, len(old - new)}

    def _added(self, execution: Execution) -> list[int]:
        return execution.store.attached.added_revocation_ids

    def _removed(self, execution: Execution) -> list[int]:
        store = execution.store
        return [*store.attached.removed_revocation_ids, *store.removed.removed_revocation_ids]


def union(lists: dict[int, frozenset[int]]) -> frozenset[int]:
    """Return the serials of all lists."""
    return frozenset().union(*lists.values())


@pytest.fixture
def race(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> Race:
    """Return a race on an empty trust store, with three CRLs that each hold one serial more than the one before."""
    race = Race(steps, monkeypatch)
    for number, serials in ((1, [A]), (2, [A, B]), (3, [A, B, C])):
        race.crl(number, *serials)
    return race


def test_both_with_the_same_crl(race: Race) -> None:
    """Two executions with the same CRL leave it attached once."""
    race.execution(2, {A})
    race.execution(2, {B})
    graph = race.run()
    assert graph.number_of_orders > 252, "five calls each make 252 orders, and there are more calls"
    assert race.gaps == 0


def test_one_with_the_next_crl(race: Race) -> None:
    """Of two CRLs, the one with the higher number remains, whichever was attached first."""
    race.execution(2, {B})
    race.execution(3, {C})
    race.run()
    assert race.gaps > 0, "the order described in the docstring of this module"


def test_same_crl_beside_older_and_foreign_lists(race: Race) -> None:
    """The older list is removed, and that of another CA remains."""
    race.attached(1)
    race.attached_of_another_ca()
    race.execution(2, {A})
    race.execution(2, {B})
    race.run()
    assert race.gaps == 0


def test_next_crl_beside_older_and_foreign_lists(race: Race) -> None:
    """Serials in the older list are refused all the time."""
    race.attached(1)
    race.attached_of_another_ca()
    race.execution(2, {A, B})
    race.execution(3, {A, C})
    race.run()


def test_one_crl_is_attached_already(race: Race) -> None:
    """An execution with nothing to add does not hinder one that adds a list."""
    race.attached(2)
    race.execution(2, {B})
    race.execution(3, {C})
    race.run()
    assert race.gaps == 0


def test_leftovers_of_an_earlier_execution(race: Race) -> None:
    """Several older lists, one of them attached twice, are all removed."""
    for number in (1, 2, 1):
        race.attached(number)
    race.execution(2, {B})
    race.execution(3, {B, C})
    race.run()


def test_response_to_add_is_lost(race: Race) -> None:
    """An execution that does not know whether it added its list looks for it and continues."""
    race.attached(1)
    race.execution(2, {B}, loses_add_response=True)
    race.execution(3, {C}, loses_add_response=True)
    race.run()


@pytest.mark.parametrize("number", [2, 3])
def test_one_is_aborted_before_any_call(race: Race, number: int) -> None:
    """An execution that is aborted between any two calls does not stop the other one."""
    race.attached(1)
    race.execution(number, {B})
    race.execution(2, {A})
    race.run(may_abort=True)


@pytest.mark.parametrize("numbers", [(2, 2), (2, 3)])
def test_room_for_only_one_more_list(
    race: Race, lambda_environment: pytest.MonkeyPatch, numbers: tuple[int, int]
) -> None:
    """When the other execution takes the last place, an execution reads the lists again before it fails as full."""
    race.attached(1)
    race.attached_of_another_ca()
    lambda_environment.setenv("MAX_REVOCATION_LISTS", "3")
    environment.cache_clear()
    race.steps.lab.aws.settings.trust_stores.max_lists = 3
    race.execution(numbers[0], {A})
    race.execution(numbers[1], {B})
    race.run()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.integers(1, len(LETTERS)), min_size=3, max_size=5),
    before=st.lists(st.integers(1, len(LETTERS)), max_size=3),
    data=st.data(),
)
def test_any_number_of_executions(steps: Steps, numbers: list[int], before: list[int], data: st.DataObject) -> None:
    """Three to five executions with any CRLs, in one random order: there are too many orders to try them all."""
    with pytest.MonkeyPatch.context() as patch:
        race = Race(steps.fresh(), patch)
        for number in range(1, len(LETTERS) + 1):
            race.crl(number, *LETTERS[:number])
        for number in before:
            race.attached(number)
        for number in numbers:
            race.execution(number, {A})
        race.run_once(lambda running: data.draw(st.integers(0, running - 1)))


@pytest.mark.parametrize("delayed", [ADD, REMOVE])
def test_two_real_threads(steps: Steps, delayed: str) -> None:
    """Without recorded responses: two threads that both make a call before either gets a response."""
    steps.add(steps.authority.crl([A], number=1))
    both = threading.Barrier(2, timeout=120)
    waits = iter(range(2))

    def wait_for_both(action: str, _resource: str) -> None:
        if action == delayed and next(waits, None) is not None:
            both.wait()

    peers = [steps, steps.peer()]
    manifests = [peer.manifest(B) for peer in peers]
    converted = steps.convert(steps.authority.crl([A, B], number=2), manifests[0])
    if delayed == REMOVE:  # both verify the same list, and both try to remove the older one
        steps.add(steps.authority.crl([A, B], number=2))
        converted = steps.convert(steps.authority.crl([A, B, C], number=3), manifests[0])
        steps.enforce(manifests[0], converted)
        steps.add(steps.authority.crl([A], number=1))
    faults.observe(wait_for_both)
    with ThreadPoolExecutor() as pool:
        stores = list(pool.map(lambda index: peers[index].enforce(manifests[index], converted), range(2)))
    faults.clear()
    assert both.n_waiting == 0
    assert len(steps.attached()) == 1
    assert all(store.verified.wanted_held == 1 for store in stores)
