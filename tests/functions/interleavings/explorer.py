"""Tries every order in which the trust-store calls of several executions can happen.

Two executions of about a dozen calls each can be interleaved in millions of orders, too many to run one by one. But
what a step does next depends only on its input and on the responses that it has received. So the orders form a graph
(`graph.py`). A node is the input and the responses of each execution so far, with the lists that the trust
store holds; an edge is the next call of one execution. Orders that lead to the same node continue in the same way, so
each node is visited once.

An execution is brought to a node by running its real step again from the beginning with the recorded responses; at the
first call without a recorded response it is suspended. That call is made for real, without HTTP, after the embedded
trust store has been restored to the node's state; one made in the same state of the trust store is not repeated.
"""

import functools
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions import workflow_bucket
from functions.aws import elbv2, s3
from functions.errors import RevocationAddUnclear, RevocationError, RevocationNotVerified
from functions.models.base import S3Object
from functions.models.states import ConvertedCrl, EnforceInput, TrustStore
from functions.models.stored import Evidence
from tests.functions.direct_calls import CALLS
from tests.functions.interleavings.graph import STEPS, Call, Execution, Graph, Lists, Node, Response
from tests.support.pki import NOW
from tests.support.steps import Steps

# What the state machine retries, and how often (statemachine/revocation.asl.json, VerifyRevocation, AttachCrl).
_MAX_RETRIES: dict[type[RevocationError], int] = {RevocationNotVerified: 6, RevocationAddUnclear: 4}

Check = Callable[[Node, Call, Node], None]


class _Suspended(BaseException):
    """A step has reached a call without a recorded response; not an Exception, so that no step catches it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.call = call


class Explorer:
    """Runs executions in all orders of their calls, or in one; `check` is called with the nodes around each call."""

    def __init__(self, steps: Steps, patch: pytest.MonkeyPatch) -> None:
        """Replace the calls to the trust store by recorded responses."""
        self._arn = steps.trust_store_arn
        self._responses: Iterator[Response] = iter(())
        self._calls: dict[tuple[Call, Lists], tuple[Response, Lists]] = {}
        self._advanced: dict[Execution, Execution] = {}
        for call in CALLS:
            patch.setattr(elbv2, call.__name__, functools.partial(self._replay, call.__name__, call))
        # Versions of objects never change: each is read once.
        patch.setattr(s3, "get_object", functools.cache(s3.get_object))
        patch.setattr(workflow_bucket, "put_evidence", self._put_evidence)

    def _put_evidence(self, execution_name: str, evidence: Evidence) -> S3Object:
        """Return a location without the evidence's time, which is all that differs between orders."""
        return S3Object(bucket="evidence", key=f"{execution_name}/{evidence.attached.revocation_id}", version_id="1")

    def _replay(self, name: str, original: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        for response in self._responses:
            return response.replay()
        raise _Suspended(Call(name, repr(arguments), lambda: original(*arguments)))

    def start(self, number: int, manifest: S3Object, converted: ConvertedCrl, **options: Any) -> Execution:  # noqa: ANN401
        """Return an execution at its first call."""
        store = TrustStore(trust_store_arn=self._arn)
        return self._advance(Execution(number, manifest, converted, store, **options))

    def explore(self, executions: Collection[Execution], check: Check, *, may_abort: bool = False) -> Graph:
        """Try every order; with `may_abort`, also abort the first execution before each of its calls."""
        graph = Graph(Node(tuple(executions), Lists.copy_from(self._arn)))
        stack = [graph.start]
        while stack:
            node = stack.pop()
            if node in graph.successors:
                continue
            graph.successors[node] = []
            for index, execution in enumerate(node.executions):
                if execution.has_ended:
                    continue
                call, successor = self._call(node, index)
                graph.add_edge(node, call, successor)
                with graph.with_path(successor):
                    check(node, call, successor)
                stack.append(successor)
            if may_abort and not node.executions[0].has_ended:
                aborted = replace(node.executions[0], is_aborted=True)
                successor = Node((aborted, *node.executions[1:]), node.lists)
                graph.add_edge(node, None, successor)
                stack.append(successor)
        return graph

    def follow(self, executions: Collection[Execution], check: Check, choose: Callable[[int], int]) -> Graph:
        """Try one order: `choose` gets the number of executions that still run, and returns the index of the next."""
        graph = Graph(Node(tuple(executions), Lists.copy_from(self._arn)))
        node = graph.start
        while not node.has_ended:
            running = [index for index, execution in enumerate(node.executions) if not execution.has_ended]
            call, successor = self._call(node, running[choose(len(running))])
            graph.successors[node] = []
            graph.add_edge(node, call, successor)
            with graph.with_path(successor):
                check(node, call, successor)
            node = successor
        graph.successors[node] = []
        return graph

    def _call(self, node: Node, index: int) -> tuple[Call, Node]:
        execution = node.executions[index]
        call = execution.pending
        assert call is not None
        response, lists = self._make(call, node.lists)
        if execution.loses_add_response and call.is_add:
            execution = replace(execution, loses_add_response=False)
            response = Response("lost", elbv2.ResultUnknown("the response was lost"))
        executions = list(node.executions)
        executions[index] = self._advance(replace(execution, responses=(*execution.responses, response)))
        return call, Node(tuple(executions), lists)

    def _make(self, call: Call, lists: Lists) -> tuple[Response, Lists]:
        """Make a call for real on the trust store in this state, once."""
        if (call, lists) not in self._calls:
            lists.restore()
            value: Any
            try:
                value = call.make()
            except RevocationError as error:
                value = error
            response = Response(f"{call.name}{call.arguments}: {value!r}", value)
            self._calls[call, lists] = response, Lists.copy_from(self._arn)
        return self._calls[call, lists]

    def _advance(self, execution: Execution) -> Execution:
        """Run to the next call, across the ends of steps and the retries of the state machine."""
        if execution not in self._advanced:
            current = execution
            while current is execution or (not current.has_ended and current.pending is None):
                current = self._run_step(current)
            self._advanced[execution] = current
        return self._advanced[execution]

    def _run_step(self, current: Execution) -> Execution:
        name, step = STEPS[current.step]
        self._responses = iter(current.responses)
        event = EnforceInput(manifest=current.manifest, trust_store=current.store, converted=current.converted)
        fresh = replace(current, responses=(), pending=None)
        try:
            result = step(event, NOW)
        except _Suspended as suspended:
            return replace(current, pending=suspended.call)
        except tuple(_MAX_RETRIES) as error:
            if current.attempt >= _MAX_RETRIES[type(error)]:
                raise AssertionError(f"execution {current.number} gave up: {error!r}") from error
            return replace(fresh, attempt=current.attempt + 1)
        store = current.store.model_copy(update={name: result})
        next_step = 0 if name == "removed" and result.verified_list_gone else current.step + 1
        return replace(fresh, store=store, store_json=store.model_dump_json(), step=next_step, attempt=0)
