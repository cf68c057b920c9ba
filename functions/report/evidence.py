"""The requested serials that this execution has read back from the trust stores: the only proof of enforcement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from functions import workflow_bucket
from functions.errors import TrustStoreNotFound
from functions.models.states import TrustStore
from functions.models.stored import Evidence, Manifest


@dataclass(frozen=True, slots=True)
class EnforcedSerials:
    """The requested serials that were read back from one trust store."""

    first_verified: dict[int, datetime]  # by serial, over all rounds of the execution
    last_evidence: Evidence | None
    serials: frozenset[int] = frozenset()  # in the list that was read back last


def read_enforced_serials(manifest: Manifest, stores: Iterable[TrustStore]) -> dict[str, EnforcedSerials]:
    """Return the serials read back from each trust store, by its ARN."""
    return {store.trust_store_arn: _read_enforced_serials(manifest, store) for store in stores}


def _read_enforced_serials(manifest: Manifest, store: TrustStore) -> EnforcedSerials:
    if store.verified.evidence is None or _is_verified_list_gone(store):
        return EnforcedSerials({}, None)
    first_verified: dict[int, datetime] = {}
    for evidence in workflow_bucket.list_evidence(manifest.execution_name, store.trust_store_arn):
        if evidence.verified_at >= manifest.start_time:  # a name may be used again 90 days later
            for serial in evidence.attached.held_serials:
                first_verified[serial] = min(evidence.verified_at, first_verified.get(serial, evidence.verified_at))
    last = workflow_bucket.get_evidence(store.verified.evidence)
    return EnforcedSerials(first_verified, last, frozenset(last.attached.held_serials))


def _is_verified_list_gone(store: TrustStore) -> bool:
    """Return whether the list that was read back, or its trust store, has been deleted since."""
    is_deleted = store.failure is not None and store.failure.error == TrustStoreNotFound.__name__
    return is_deleted or store.removed.verified_list_gone
