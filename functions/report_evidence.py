"""What is known to be in force: the evidence of this execution, and what was in force before it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from functions import workflow_bucket
from functions.contracts import Evidence, Manifest, TrustStore
from functions.errors import TrustStoreNotFound


@dataclass(frozen=True, slots=True)
class InForce:
    """The wanted serials that one trust store holds, each with the time it was first read back."""

    since: dict[int, datetime]
    before: frozenset[int]
    last: Evidence | None

    def holds(self, serial: int) -> bool:
        """Say whether the list read back last, or else what was there before, holds the serial."""
        return serial in (self.last.attached.held_serials if self.last else self.before)


def in_force(manifest: Manifest, stores: Iterable[TrustStore]) -> dict[str, InForce]:
    """Give what each trust store holds, by its ARN."""
    return {store.trust_store_arn: _in_force(manifest, store) for store in stores}


def _in_force(manifest: Manifest, store: TrustStore) -> InForce:
    since: dict[int, datetime] = {}
    for evidence in workflow_bucket.all_evidence(manifest.execution_name, store.trust_store_arn):
        for serial in evidence.attached.held_serials:
            since[serial] = min(evidence.verified_at, since.get(serial, evidence.verified_at))
    gone = store.failure is not None and store.failure.error == TrustStoreNotFound.__name__
    before = frozenset() if gone else frozenset(manifest.baseline(store.trust_store_arn).held)
    last = None if gone or not store.verified.evidence else workflow_bucket.get_evidence(store.verified.evidence)
    return InForce(since, before, last)
