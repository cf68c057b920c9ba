"""Executions at the same time: in every order of their calls all succeed, one list is left, no serial slips through.

`interleavings.py` says how all orders are tried. The calls are all those of AttachCrl, VerifyRevocation and
RemoveSupersededCrls to the trust store: list, read, add, remove, count.

What is promised depends on which of several lists of one CA a load balancer enforces; AWS does not say:

* All of them (the union), or the oldest: at every moment each serial that was refused before is refused.
* The newest alone, by RevocationId: the same, but for one order. An execution that holds CRL n looks, sees nothing
  newer, and adds it; between that look and that call another one adds CRL n+1. Then the list added last is the older
  one, and what CRL n+1 alone holds is accepted until the first execution has verified and removed its own list. What
  was refused before either began is refused all the time, for CRL n holds it too. The service has no conditional
  write, so a look before the call is all there can be.
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
from tests.functions.handlers.interleavings import Call, Execution, Lists, Node, Orders, Walk
from tests.support import pki
from tests.support.steps import A, B, Bench, C, D

LETTERS = (A, B, C, D)
FOREIGN = pki.certificate_authority("Another CA")
ADD, REMOVE = "elasticloadbalancing:AddTrustStoreRevocations", "elasticloadbalancing:RemoveTrustStoreRevocations"


class Race:
    """Executions that are about to attach a CRL each, to one trust store with some lists in it."""

    def __init__(self, bench: Bench, patch: pytest.MonkeyPatch) -> None:
        """Begin with an empty trust store."""
        self.bench, self.patch = bench, patch
        self.gaps = 0  # moments at which the newest list alone refuses less than before
        self._foreign: set[int] = set()
        self._crls: dict[int, bytes] = {}
        self._numbers: dict[frozenset[int], int] = {}
        self._serials: dict[str, frozenset[int]] = {}
        self._runners: list[tuple[int, set[int], dict[str, bool]]] = []
        self._start: dict[int, frozenset[int]] = {}

    def crl(self, number: int, *serials: int) -> None:
        """Make a CRL; each one holds other serials than each other one."""
        der = self._crls[number] = self.bench.authority.crl(serials, number=number)
        self._numbers[frozenset(serials)] = number
        self._serials[hashlib.sha256(der).hexdigest()] = frozenset(serials)

    def attached(self, number: int) -> None:
        """Let a list of this CA be attached before."""
        self.bench.add(self._crls[number])

    def attached_of_another_ca(self) -> None:
        """Let a list of another CA be attached before."""
        self._foreign.add(self.bench.add(FOREIGN.crl([D], number=99)))

    def execution(self, number: int, wanted: set[int], **options: bool) -> None:
        """Let an execution attach a CRL, for serials that this CRL holds."""
        self._runners.append((number, wanted, options))

    def run(self, *, mortal: bool = False) -> Walk:
        """Try all orders, and check each moment and each end."""
        orders, executions = self._begin()
        return self._ended(orders.walk(executions, self._moment, mortal=mortal))

    def run_once(self, choose: Callable[[int], int]) -> Walk:
        """Try one order."""
        orders, executions = self._begin()
        return self._ended(orders.follow(executions, self._moment, choose))

    def _begin(self) -> tuple[Orders, list[Execution]]:
        prepared = []
        for number, wanted, options in self._runners:
            peer = self.bench.peer()
            manifest = peer.manifest(*wanted)
            prepared.append((manifest, peer.convert(self._crls[number], manifest), options))
        orders = Orders(self.bench, self.patch)
        self._start = self._ours(Lists.of(self.bench.trust_store_arn))
        begun = [
            orders.start(each, manifest, crl, **options) for each, (manifest, crl, options) in enumerate(prepared, 1)
        ]
        return orders, begun

    def _ended(self, walk: Walk) -> Walk:
        for node in walk.ends:
            with walk.told(node):
                self._end(node)
        return walk

    def _ours(self, lists: Lists) -> dict[int, frozenset[int]]:
        """Give the serials of this CA's lists, lowest RevocationId first."""
        return {each: lists.serials[each] for each in sorted(lists.serials) if each not in self._foreign}

    def _moment(self, before: Node, call: Call, after: Node) -> None:
        was, now = self._ours(before.lists), self._ours(after.lists)
        assert self._foreign <= after.lists.serials.keys(), "the list of another CA was touched"
        assert union(was) <= union(now), "a serial is in no list any more"
        if not was:
            return
        assert was[min(was)] <= now[min(now)], "the oldest list alone refuses less than before"
        at_start = self._start[max(self._start)] if self._start else frozenset()
        assert at_start <= now[max(now)], "the newest list alone refuses less than at the start"
        if not was[max(was)] <= now[max(now)]:
            self.gaps += 1
            assert call.adds, "the newest list alone refuses less, and none was added"
            assert self._numbers[now[max(now)]] < max(self._numbers[serials] for serials in was.values())

    def _end(self, node: Node) -> None:
        left = self._ours(node.lists)
        if not any(each.dead for each in node.executions):
            numbers = [number for number, _, _ in self._runners] + [
                self._numbers[each] for each in self._start.values()
            ]
            assert [self._numbers[each] for each in left.values()] == [max(numbers)]
            added = {revocation_id for each in node.executions for revocation_id in self._added(each)}
            removed = {revocation_id for each in node.executions for revocation_id in self._removed(each)}
            assert self._start.keys() | added | removed == left.keys() | removed, "the report lacks a list"
        for execution, (_, wanted, _) in zip(node.executions, self._runners, strict=True):
            if not execution.dead:
                assert wanted <= union(left), "a wanted serial is in no list"
                self._counts(execution, wanted)

    def _counts(self, execution: Execution, wanted: set[int]) -> None:
        verified, before = execution.store.verified, union(self._start)
        now = self._serials[str(verified.sha256)]
        assert verified.wanted_held == len(wanted)
        assert verified.wanted_new == len(wanted - before)
        assert verified.new_entries in {None, len(now - before)}
        assert verified.dropped_entries in {None, len(before - now)}

    def _added(self, each: Execution) -> list[int]:
        return each.store.attached.added_revocation_ids

    def _removed(self, each: Execution) -> list[int]:
        return [*each.store.attached.removed_revocation_ids, *each.store.removed.removed_revocation_ids]


def union(lists: dict[int, frozenset[int]]) -> frozenset[int]:
    """Give the serials of all lists."""
    return frozenset().union(*lists.values())


@pytest.fixture
def race(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Race:
    """Give a race on an empty trust store, and CRLs of which each holds more than the one before."""
    made = Race(bench, monkeypatch)
    for number, serials in ((1, [A]), (2, [A, B]), (3, [A, B, C])):
        made.crl(number, *serials)
    return made


def test_both_with_the_same_crl(race: Race) -> None:
    """Two executions that found the same CRL leave it attached once."""
    race.execution(2, {A})
    race.execution(2, {B})
    walk = race.run()
    assert walk.orders > 252, "five calls each were 252 orders, and there are more calls"
    assert race.gaps == 0


def test_one_with_the_next_crl(race: Race) -> None:
    """Of two CRLs the one with the higher number is left, whichever was attached first."""
    race.execution(2, {B})
    race.execution(3, {C})
    race.run()
    assert race.gaps > 0, "the order that the docstring of this module tells of"


def test_same_crl_beside_older_and_foreign_lists(race: Race) -> None:
    """The older list goes, and that of another CA stays."""
    race.attached(1)
    race.attached_of_another_ca()
    race.execution(2, {A})
    race.execution(2, {B})
    race.run()
    assert race.gaps == 0


def test_next_crl_beside_older_and_foreign_lists(race: Race) -> None:
    """What the older list refused is refused all the time."""
    race.attached(1)
    race.attached_of_another_ca()
    race.execution(2, {A, B})
    race.execution(3, {A, C})
    race.run()


def test_one_crl_is_attached_already(race: Race) -> None:
    """An execution that has nothing to add does not stand in the way of one that has."""
    race.attached(2)
    race.execution(2, {B})
    race.execution(3, {C})
    race.run()
    assert race.gaps == 0


def test_leftovers_of_an_earlier_execution(race: Race) -> None:
    """Several older lists, one of them twice, all go."""
    for number in (1, 2, 1):
        race.attached(number)
    race.execution(2, {B})
    race.execution(3, {B, C})
    race.run()


def test_answer_of_one_add_is_lost(race: Race) -> None:
    """An execution that does not know whether it added its list looks, and goes on."""
    race.attached(1)
    race.execution(2, {B}, unlucky=True)
    race.execution(3, {C}, unlucky=True)
    race.run()


@pytest.mark.parametrize("number", [2, 3])
def test_one_ends_at_any_moment(race: Race, number: int) -> None:
    """An execution that is aborted between any two calls leaves nothing that stops the other one."""
    race.attached(1)
    race.execution(number, {B})
    race.execution(2, {A})
    race.run(mortal=True)


@pytest.mark.parametrize("numbers", [(2, 2), (2, 3)])
def test_room_for_only_one_more_list(
    race: Race, lambda_environment: pytest.MonkeyPatch, numbers: tuple[int, int]
) -> None:
    """When the peer takes the last place, an execution looks again before it calls the trust store full."""
    race.attached(1)
    race.attached_of_another_ca()
    lambda_environment.setenv("MAX_REVOCATION_LISTS", "3")
    environment.cache_clear()
    race.bench.lab.aws.settings.trust_stores.lists = 3
    race.execution(numbers[0], {A})
    race.execution(numbers[1], {B})
    race.run()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.integers(1, len(LETTERS)), min_size=3, max_size=5),
    before=st.lists(st.integers(1, len(LETTERS)), max_size=3),
    data=st.data(),
)
def test_any_number_of_executions(bench: Bench, numbers: list[int], before: list[int], data: st.DataObject) -> None:
    """Three to five executions with any CRLs, in any order: too many orders to try them all."""
    with pytest.MonkeyPatch.context() as patch:
        race = Race(bench.fresh(), patch)
        for number in range(1, len(LETTERS) + 1):
            race.crl(number, *LETTERS[:number])
        for number in before:
            race.attached(number)
        for number in numbers:
            race.execution(number, {A})
        race.run_once(lambda running: data.draw(st.integers(0, running - 1)))


@pytest.mark.parametrize("held", [ADD, REMOVE])
def test_two_threads_for_real(bench: Bench, held: str) -> None:
    """Nothing recorded, nothing put back: two threads that both call before either is answered."""
    bench.add(bench.authority.crl([A], number=1))
    both = threading.Barrier(2, timeout=10)
    waits = iter(range(2))

    def hold(action: str, _resource: str) -> None:
        if action == held and next(waits, None) is not None:
            both.wait()

    peers = [bench, bench.peer()]
    manifests = [peer.manifest(B) for peer in peers]
    converted = bench.convert(bench.authority.crl([A, B], number=2), manifests[0])
    if held == REMOVE:  # both see the same list verified, and both set out to remove the older one
        bench.add(bench.authority.crl([A, B], number=2))
        converted = bench.convert(bench.authority.crl([A, B, C], number=3), manifests[0])
        bench.enforce(manifests[0], converted)
        bench.add(bench.authority.crl([A], number=1))
    faults.observe(hold)
    with ThreadPoolExecutor() as pool:
        stores = list(pool.map(lambda at: peers[at].enforce(manifests[at], converted), range(2)))
    faults.clear()
    assert both.n_waiting == 0
    assert len(bench.attached()) == 1
    assert all(store.verified.wanted_held == 1 for store in stores)
