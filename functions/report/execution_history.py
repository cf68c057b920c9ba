"""Rebuilds the state of an execution from its history, for an execution that ended before it could write its report."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from functions.models.states import GatheredState

_REVOKING = ("RevokeCertificate", "CertificateNotRevoked")
_REVOKING_BATCHES = ("RevokeBatch", "BatchNotRevoked")
_ENFORCING = ("AttachCrl", "VerifyRevocation", "RemoveSupersededCrls", "TrustStoreEnforced", "TrustStoreNotEnforced")


def rebuild_state(events: Iterable[Mapping[str, Any]]) -> GatheredState:
    """Return the input of the last state entered, completed by what the items of an unfinished Map have returned."""
    state: dict[str, Any] = {}
    revocations: dict[str, Any] = {}
    batches: dict[int, Any] = {}
    stores: dict[str, Any] = {}
    for event in events:
        entered = _json_object(event.get("stateEnteredEventDetails", {}).get("input"))
        if "Prepared" in entered or "Request" in entered:
            state, stores = entered, {}
        exited = event.get("stateExitedEventDetails", {})
        output = _json_object(exited.get("output"))
        if exited.get("name") in _REVOKING and "Serial" in output:
            revocations[output["Serial"]] = output
        if exited.get("name") in _REVOKING_BATCHES and "Batch" in output:
            batches[output["Batch"]] = output
        if exited.get("name") in _ENFORCING:
            store = output.get("TrustStore", output)
            stores[store.get("TrustStoreArn", "")] = store
    state["Revocations"] = state.get("Revocations") or list(revocations.values())
    state["Batches"] = state.get("Batches") or list(batches.values())
    latest_stores = [stores.get(store.get("TrustStoreArn"), store) for store in state.get("TrustStores", [])]
    try:
        return GatheredState.model_validate({**state, "TrustStores": latest_stores})
    except ValidationError:  # an invalid input, or a result written by another version
        return GatheredState()


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):  # truncated by Step Functions, or nested too deeply
        return {}
    return document if isinstance(document, dict) else {}
