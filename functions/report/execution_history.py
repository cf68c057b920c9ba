"""The state of an execution as far as it came, out of its history: for one that ended before it could tell itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from functions.models.states import GatheredState

_REVOKING = ("RevokeCertificate", "CertificateNotRevoked")
_REVOKING_BATCHES = ("RevokeBatch", "BatchNotRevoked")
_ENFORCING = ("AttachCrl", "VerifyRevocation", "RemoveSupersededCrls", "TrustStoreEnforced", "TrustStoreNotEnforced")


def gathered(events: Iterable[Mapping[str, Any]]) -> GatheredState:
    """Give the state that the last step was given, with what the items of a Map have come to since."""
    state: dict[str, Any] = {}
    revocations: dict[str, Any] = {}
    batches: dict[int, Any] = {}
    stores: dict[str, Any] = {}
    for event in events:
        entered = _json(event.get("stateEnteredEventDetails", {}).get("input"))
        if "Prepared" in entered or "Request" in entered:
            state, stores = entered, {}
        exited = event.get("stateExitedEventDetails", {})
        output = _json(exited.get("output"))
        if exited.get("name") in _REVOKING and "Serial" in output:
            revocations[output["Serial"]] = output
        if exited.get("name") in _REVOKING_BATCHES and "Batch" in output:
            batches[output["Batch"]] = output
        if exited.get("name") in _ENFORCING:
            store = output.get("TrustStore", output)
            stores[store.get("TrustStoreArn", "")] = store
    state["Revocations"] = state.get("Revocations") or list(revocations.values())
    state["Batches"] = state.get("Batches") or list(batches.values())
    known = [stores.get(each.get("TrustStoreArn"), each) for each in state.get("TrustStores", [])]
    try:
        return GatheredState.model_validate({**state, "TrustStores": known})
    except ValidationError:  # an input that nobody could read, or a step's answer of another version
        return GatheredState()


def _json(text: str | None) -> dict[str, Any]:
    try:
        read = json.loads(text or "{}")
    except ValueError:  # cut by Step Functions
        return {}
    return read if isinstance(read, dict) else {}
