"""What this execution has proven to be in force: what it read back from the trust stores, and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from functions import workflow_bucket
from functions.errors import TrustStoreNotFound
from functions.models.states import TrustStore
from functions.models.stored import Evidence, Manifest


@dataclass(frozen=True, slots=True)
class InForce:
    """The wanted serials that were read back from one trust store, each with the time of the first time."""

    since: dict[int, datetime]
    last: Evidence | None
    held: frozenset[int] = frozenset()  # by the list that was read back last

    def holds(self, serial: int) -> bool:
        """Say whether the list that was read back last holds the serial."""
        return serial in self.held


def in_force(manifest: Manifest, stores: Iterable[TrustStore]) -> dict[str, InForce]:
    """Give what was read back from each trust store, by its ARN."""
    return {store.trust_store_arn: _in_force(manifest, store) for store in stores}


def _in_force(manifest: Manifest, store: TrustStore) -> InForce:
    if store.verified.evidence is None or _is_gone(store):
        return InForce({}, None)
    since: dict[int, datetime] = {}
    for evidence in workflow_bucket.all_evidence(manifest.execution_name, store.trust_store_arn):
        if evidence.verified_at >= manifest.start_time:  # a name may be used again 90 days later
            for serial in evidence.attached.held_serials:
                since[serial] = min(evidence.verified_at, since.get(serial, evidence.verified_at))
    last = workflow_bucket.get_evidence(store.verified.evidence)
    return InForce(since, last, frozenset(last.attached.held_serials))


def _is_gone(store: TrustStore) -> bool:
    """Say whether what was read back was gone when it was looked at last."""
    deleted = store.failure is not None and store.failure.error == TrustStoreNotFound.__name__
    return deleted or store.removed.verified_list_gone
