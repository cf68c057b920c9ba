"""All orders in which the trust-store calls of several executions can happen, each tried.

Two executions of about a dozen calls each can be interleaved in millions of orders, too many to run one after the
other. But a step keeps nothing between two calls: what it does next depends on its question and on the answers it has
got in this step, and on nothing else. So the orders are walked as a graph. A node is what each execution was asked and
answered so far, with the lists that the trust store holds; an edge is the next call of one execution. Orders that lead
to the same node go on the same way, and are walked on once.

An execution is brought to a node by running its real step again from the beginning with the answers recorded; at the
first call that has no answer yet it is held. The call itself is made for real, over HTTP, on the embedded trust store
put back into the node's state; a call that was made in the same state of the trust store before is not made again.
"""

import copy
import functools
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from functions import workflow_bucket
from functions.aws import elbv2 as aws_elbv2
from functions.aws import s3 as aws_s3
from functions.errors import RevocationAddUnclear, RevocationError, RevocationNotVerified
from functions.handlers.attach_crl import attach_crl
from functions.handlers.remove_superseded_crls import remove_superseded_crls
from functions.handlers.verify_revocation import verify_revocation
from functions.models.base import S3Object
from functions.models.states import ConvertedCrl, EnforceInput, TrustStore
from functions.models.stored import Evidence
from infra.local.elbv2 import responses as elbv2
from infra.local.elbv2.models import backend_of
from tests.support.pki import NOW
from tests.support.steps import Bench

CALLS = (
    "describe_trust_store",
    "describe_trust_store_revocations",
    "get_trust_store_revocation_content",
    "add_trust_store_revocations",
    "remove_trust_store_revocations",
)
STEPS: tuple[tuple[str, Any], ...] = (
    ("attached", attach_crl),
    ("verified", verify_revocation),
    ("removed", remove_superseded_crls),
)
DONE = len(STEPS)

# What the state machine tries again, and how often (statemachine/revocation.asl.json, VerifyRevocation, AttachCrl).
_RETRIED: dict[type[RevocationError], int] = {RevocationNotVerified: 6, RevocationAddUnclear: 4}


@dataclass(frozen=True)
class Call:
    """One call of the trust store."""

    name: str
    arguments: str
    make: Callable[[], Any] = field(compare=False, repr=False)

    @property
    def adds(self) -> bool:
        """Whether it adds a list."""
        return self.name == "add_trust_store_revocations"


@dataclass(frozen=True)
class Answer:
    """What a call was answered, told from another answer by its text."""

    text: str
    value: Any = field(compare=False, repr=False)

    def give(self) -> Any:  # noqa: ANN401 - of any call
        """Return what was returned, raise what was raised."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class _Held(BaseException):
    """A step has come to a call that has no answer yet; no error, so that no step catches it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.call = call


@dataclass(frozen=True)
class Execution:
    """How far one execution has come: the step, its question, and the answers it has got in this step."""

    number: int
    manifest: S3Object
    converted: ConvertedCrl = field(compare=False)
    store: TrustStore = field(compare=False)
    said: str = ""  # the store as JSON, which compares quicker
    step: int = 0
    answers: tuple[Answer, ...] = ()
    attempt: int = 0
    unlucky: bool = False  # its next AddTrustStoreRevocations takes effect, and the answer is lost
    dead: bool = False
    pending: Call | None = field(default=None, compare=False)

    @property
    def ended(self) -> bool:
        """Whether no call comes any more."""
        return self.dead or self.step == DONE


@dataclass(frozen=True)
class Lists:
    """The lists of a trust store: ids and content, and the last id given."""

    key: tuple[Any, ...]
    store: Any = field(compare=False, repr=False)

    @classmethod
    def of(cls, arn: str) -> "Lists":
        """Take them down."""
        store = copy.copy(elbv2.trust_store(arn))
        return cls((tuple((one.revocation_id, hash(one.pem)) for one in store.lists.values()), store._last_id), store)  # noqa: SLF001

    def put_back(self) -> None:
        """Let the embedded AWS hold them again."""
        _, _, _, region, account, _ = self.store.arn.split(":", 5)
        backend_of(account, region).trust_stores[self.store.arn] = copy.copy(self.store)

    @property
    def serials(self) -> dict[int, frozenset[int]]:
        """The serials of each list."""
        return {revocation_id: one.serials for revocation_id, one in self.store.lists.items()}


@dataclass(frozen=True)
class Node:
    """A moment: where each execution is, and what the trust store holds."""

    executions: tuple[Execution, ...]
    lists: Lists

    @property
    def ended(self) -> bool:
        """Whether all executions are through."""
        return all(each.ended for each in self.executions)


Check = Callable[[Node, Call, Node], None]


class Orders:
    """Walks all orders; `moment` is called for each call with the moments before and after it, `end` at each end."""

    def __init__(self, bench: Bench, patch: pytest.MonkeyPatch) -> None:
        """Put recorded answers in the place of the trust store."""
        self._arn = bench.trust_store_arn
        self._answers: Iterator[Answer] = iter(())
        self._made: dict[tuple[Call, Lists], tuple[Answer, Lists]] = {}
        self._on: dict[Execution, Execution] = {}
        self.calls_made = 0
        for name in CALLS:
            patch.setattr(aws_elbv2, name, functools.partial(self._answered, name, getattr(aws_elbv2, name)))
        # Versions of objects never change: each is read once.
        patch.setattr(aws_s3, "get_object", functools.cache(aws_s3.get_object))
        patch.setattr(workflow_bucket, "put_evidence", self._evidence)

    def _evidence(self, execution_name: str, evidence: Evidence) -> S3Object:
        """Keep what was read back; its time is all that differs from order to order."""
        return S3Object(bucket="evidence", key=f"{execution_name}/{evidence.attached.revocation_id}", version_id="1")

    def _answered(self, name: str, original: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        for answer in self._answers:
            return answer.give()
        raise _Held(Call(name, repr(arguments), lambda: original(*arguments)))

    def start(self, number: int, manifest: S3Object, converted: ConvertedCrl, **options: Any) -> Execution:  # noqa: ANN401
        """Bring an execution to its first call."""
        store = TrustStore(trust_store_arn=self._arn)
        return self._run(Execution(number, manifest, converted, store, **options))

    def walk(self, executions: Collection[Execution], moment: Check, *, mortal: bool = False) -> "Walk":
        """Try every order; `mortal`: also that the first execution ends before any of its calls, and for good."""
        walk = Walk(Node(tuple(executions), Lists.of(self._arn)))
        open_nodes = [walk.start]
        while open_nodes:
            node = open_nodes.pop()
            if node in walk.after:
                continue
            walk.after[node] = []
            for index, execution in enumerate(node.executions):
                if execution.ended:
                    continue
                call, then = self._call(node, index)
                walk.lead(node, call, then)
                with walk.told(then):
                    moment(node, call, then)
                open_nodes.append(then)
            if mortal and not node.executions[0].ended:
                dead = replace(node.executions[0], dead=True)
                then = Node((dead, *node.executions[1:]), node.lists)
                walk.lead(node, None, then)
                open_nodes.append(then)
        return walk

    def follow(self, executions: Collection[Execution], moment: Check, choose: Callable[[int], int]) -> "Walk":
        """Try one order: `choose` says which of so many executions that have not ended goes next."""
        walk = Walk(Node(tuple(executions), Lists.of(self._arn)))
        node = walk.start
        while not node.ended:
            running = [index for index, each in enumerate(node.executions) if not each.ended]
            call, then = self._call(node, running[choose(len(running))])
            walk.after[node] = []
            walk.lead(node, call, then)
            with walk.told(then):
                moment(node, call, then)
            node = then
        walk.after[node] = []
        return walk

    def _call(self, node: Node, index: int) -> tuple[Call, Node]:
        execution = node.executions[index]
        call = execution.pending
        assert call is not None
        answer, lists = self._make(call, node.lists)
        if execution.unlucky and call.adds:
            execution = replace(execution, unlucky=False)
            answer = Answer("lost", aws_elbv2.ResultUnknown("the answer was lost"))
        execution = self._run(replace(execution, answers=(*execution.answers, answer)))
        others = list(node.executions)
        others[index] = execution
        return call, Node(tuple(others), lists)

    def _make(self, call: Call, lists: Lists) -> tuple[Answer, Lists]:
        """Make a call for real on the trust store in this state, once."""
        if (call, lists) not in self._made:
            lists.put_back()
            value: Any
            try:
                value = call.make()
            except RevocationError as error:
                value = error
            self.calls_made += 1
            self._made[call, lists] = Answer(f"{call.name}{call.arguments}: {value!r}", value), Lists.of(self._arn)
        return self._made[call, lists]

    def _run(self, execution: Execution) -> Execution:
        """Run on to the next call, over the end of a step and over what the state machine tries again."""
        if execution not in self._on:
            now = execution
            while now is execution or (not now.ended and now.pending is None):
                now = self._run_step(now)
            self._on[execution] = now
        return self._on[execution]

    def _run_step(self, now: Execution) -> Execution:
        name, step = STEPS[now.step]
        self._answers = iter(now.answers)
        question = EnforceInput(manifest=now.manifest, trust_store=now.store, converted=now.converted)
        fresh = replace(now, answers=(), pending=None)
        try:
            answer = step(question, NOW)
        except _Held as held:
            return replace(now, pending=held.call)
        except tuple(_RETRIED) as error:
            if now.attempt >= _RETRIED[type(error)]:
                raise AssertionError(f"execution {now.number} gave up: {error!r}") from error
            return replace(fresh, attempt=now.attempt + 1)
        store = now.store.model_copy(update={name: answer})
        following = 0 if name == "removed" and answer.verified_list_gone else now.step + 1
        return replace(fresh, store=store, said=store.model_dump_json(), step=following, attempt=0)


@dataclass
class Walk:
    """All nodes, and what led to them."""

    start: Node
    after: dict[Node, list[Node]] = field(default_factory=dict)
    before: dict[Node, tuple[Node, str]] = field(default_factory=dict)

    def lead(self, node: Node, call: Call | None, then: Node) -> None:
        """Note an edge."""
        self.after[node].append(then)
        who = next(a.number for a, b in zip(node.executions, then.executions, strict=True) if a is not b)
        self.before.setdefault(then, (node, f"{who}: {call.name}{call.arguments}" if call else f"{who}: ended"))

    @contextmanager
    def told(self, node: Node) -> Iterator[None]:
        """Say which calls led to a node, when a check fails there."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\nafter\n{self.way_to(node)}") from error

    def way_to(self, node: Node) -> str:
        """Tell the calls that lead to a node, one a line."""
        way = []
        while node in self.before:
            node, told = self.before[node]
            way.append(told)
        return "\n".join(reversed(way))

    @property
    def ends(self) -> list[Node]:
        """The nodes from which nothing comes any more."""
        return [node for node, after in self.after.items() if not after]

    @property
    def orders(self) -> int:
        """How many different orders there are."""
        known: dict[Node, int] = {}
        waiting = [self.start]
        while waiting:
            node = waiting[-1]
            missing = [each for each in self.after[node] if each not in known]
            if missing:
                waiting.extend(missing)
                continue
            known[node] = sum(known[each] for each in self.after[node]) if self.after[node] else 1
            waiting.pop()
        return known[self.start]
