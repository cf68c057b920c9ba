"""The graph of all orders of calls: nodes are the states of executions and trust store, edges are calls."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from functions.handlers.attach_crl import attach_crl
from functions.handlers.remove_superseded_crls import remove_superseded_crls
from functions.handlers.verify_revocation import verify_revocation
from functions.models.base import S3Object
from functions.models.states import ConvertedCrl, TrustStore
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.elbv2.models import backend_of

STEPS: tuple[tuple[str, Any], ...] = (
    ("attached", attach_crl),
    ("verified", verify_revocation),
    ("removed", remove_superseded_crls),
)


@dataclass(frozen=True)
class Call:
    """One call to the trust store."""

    name: str
    arguments: str
    make: Callable[[], Any] = field(compare=False, repr=False)

    @property
    def is_add(self) -> bool:
        """Whether it adds a list."""
        return self.name == "add_trust_store_revocations"


@dataclass(frozen=True)
class Response:
    """What a call returned or raised; two responses are equal if their texts are."""

    text: str
    value: Any = field(compare=False, repr=False)

    def replay(self) -> Any:  # noqa: ANN401 - of any call
        """Return what was returned, raise what was raised."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@dataclass(frozen=True)
class Execution:
    """The progress of one execution: the step, its input, and the responses to its calls in this step."""

    number: int
    manifest: S3Object
    converted: ConvertedCrl = field(compare=False)
    store: TrustStore = field(compare=False)
    store_json: str = ""  # compares faster than the model
    step: int = 0
    responses: tuple[Response, ...] = ()
    attempt: int = 0
    loses_add_response: bool = False  # its next AddTrustStoreRevocations takes effect, but the response is lost
    is_aborted: bool = False
    pending: Call | None = field(default=None, compare=False)

    @property
    def has_ended(self) -> bool:
        """Whether it makes no further call."""
        return self.is_aborted or self.step == len(STEPS)


@dataclass(frozen=True)
class Lists:
    """The lists of a trust store: ids and content, and the last id assigned."""

    key: tuple[Any, ...]
    store: Any = field(compare=False, repr=False)

    @classmethod
    def copy_from(cls, arn: str) -> "Lists":
        """Return a copy of the lists that the embedded trust store holds."""
        store = copy.copy(embedded_elbv2.trust_store(arn))
        ids = tuple((attached.revocation_id, hash(attached.pem)) for attached in store.lists.values())
        return cls((ids, store._last_id), store)  # noqa: SLF001

    def restore(self) -> None:
        """Put these lists into the embedded trust store."""
        _, _, _, region, account, _ = self.store.arn.split(":", 5)
        backend_of(account, region).trust_stores[self.store.arn] = copy.copy(self.store)

    @property
    def serials(self) -> dict[int, frozenset[int]]:
        """The serials of each list, by its id."""
        return {revocation_id: attached.serials for revocation_id, attached in self.store.lists.items()}


@dataclass(frozen=True)
class Node:
    """The state between two calls: the progress of each execution, and what the trust store holds."""

    executions: tuple[Execution, ...]
    lists: Lists

    @property
    def has_ended(self) -> bool:
        """Whether all executions have ended."""
        return all(execution.has_ended for execution in self.executions)


@dataclass
class Graph:
    """All nodes that were reached, with their edges."""

    start: Node
    successors: dict[Node, list[Node]] = field(default_factory=dict)
    predecessors: dict[Node, tuple[Node, str]] = field(default_factory=dict)

    def add_edge(self, node: Node, call: Call | None, successor: Node) -> None:
        """Add an edge: a call, or an abort if there is none."""
        self.successors[node].append(successor)
        number = next(a.number for a, b in zip(node.executions, successor.executions, strict=True) if a is not b)
        label = f"{number}: {call.name}{call.arguments}" if call else f"{number}: aborted"
        self.predecessors.setdefault(successor, (node, label))

    @contextmanager
    def with_path(self, node: Node) -> Iterator[None]:
        """Add the calls that lead to a node to the message of an assertion that fails there."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\nafter\n{self.path_to(node)}") from error

    def path_to(self, node: Node) -> str:
        """Return the calls that lead to a node, one per line."""
        path = []
        while node in self.predecessors:
            node, label = self.predecessors[node]
            path.append(label)
        return "\n".join(reversed(path))

    @property
    def end_nodes(self) -> list[Node]:
        """The nodes without a successor."""
        return [node for node, successors in self.successors.items() if not successors]

    @property
    def number_of_orders(self) -> int:
        """The number of different orders of calls: the paths from the start to an end."""
        counts: dict[Node, int] = {}
        stack = [self.start]
        while stack:
            node = stack[-1]
            missing = [successor for successor in self.successors[node] if successor not in counts]
            if missing:
                stack.extend(missing)
                continue
            counts[node] = sum(counts[each] for each in self.successors[node]) if self.successors[node] else 1
            stack.pop()
        return counts[self.start]
