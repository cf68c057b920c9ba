"""Follows an execution as the Step Functions console does: when each state was entered and left, and its result."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_POLL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class StateVisit:
    """A state that was entered or, with a note on its result, left again."""

    state: str
    at: datetime
    has_ended: bool
    note: str = ""


def follow(stepfunctions: "SFNClient", execution_arn: str, poll_seconds: float = _POLL_SECONDS) -> Iterator[StateVisit]:
    """Yield each state as it is entered and again as it is left, until the execution has ended."""
    seen = 0
    while True:
        status = stepfunctions.describe_execution(executionArn=execution_arn)["status"]
        events = _events(stepfunctions, execution_arn)
        for event in events[seen:]:
            yield from _visits(event)
        seen = len(events)
        if status != "RUNNING":
            return
        time.sleep(poll_seconds)


def _events(stepfunctions: "SFNClient", execution_arn: str) -> list[Any]:
    paginator = stepfunctions.get_paginator("get_execution_history")
    pages = paginator.paginate(executionArn=execution_arn, PaginationConfig={"PageSize": 1000})
    return [event for page in pages for event in page["events"]]


def _visits(event: Any) -> Iterator[StateVisit]:  # noqa: ANN401 - a history event
    if "stateEnteredEventDetails" in event:
        yield StateVisit(event["stateEnteredEventDetails"]["name"], event["timestamp"], has_ended=False)
    elif "stateExitedEventDetails" in event:
        details = event["stateExitedEventDetails"]
        note = _note(details["name"], details.get("output", ""))
        yield StateVisit(details["name"], event["timestamp"], has_ended=True, note=note)


def _note(state: str, output: str) -> str:
    """Return a short description of a state's output."""
    try:
        return _NOTES[state](json.loads(output)) if state in _NOTES else ""
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""


_NOTES = {
    "PrepareRevocation": lambda output: (
        f"{_wanted(output['Prepared'])}, trust stores: {len(output['Prepared']['TrustStores'])}"
    ),
    "RevokeCertificate": lambda output: f"{output['Serial']} {output['Outcome']}{_error(output)}",
    "RevokeBatch": lambda output: (
        f"batch {output['Batch']}: {output['Revoked']} revoked, {output['AlreadyRevoked']} already, "
        f"{output['Failed']} failed"
    ),
    "FindCrl": lambda output: (
        f"{output['Found']['Status']}, serials missing: {output['Found']['NumberMissing']} "
        f"of {output['Found']['NumberWanted']}{_still_accepted(output['Found'])}"
    ),
    "ConvertCrl": lambda output: (
        f"CRL number {output['Converted']['CrlNumber']}, entries: {output['Converted']['NumberOfRevokedEntries']}"
    ),
    "AttachCrl": lambda output: f"RevocationId {output['TrustStore']['Attached']['RevocationId']}",
    "VerifyRevocation": lambda output: (
        f"entries read back: {output['TrustStore']['Verified']['NumberOfRevokedEntries']}, "
        f"requested serials new in it: {output['TrustStore']['Verified']['WantedNew']}"
    ),
    "RemoveSupersededCrls": lambda output: (
        f"older lists removed: {len(output['TrustStore']['Removed']['RemovedRevocationIds'])}"
    ),
    "ReportRevocation": lambda output: f"{output['Outcome']}{_error(output)}",
}


def _wanted(prepared: dict[str, Any]) -> str:
    batches = prepared.get("Batches", [])
    return f"batches of serials: {len(batches)}" if batches else f"serials: {len(prepared['Serials'])}"


def _still_accepted(crl: dict[str, Any]) -> str:
    return " (revoked, and still accepted)" if crl["NumberMissing"] else ""


def _error(output: dict[str, Any]) -> str:
    return f" {output['Error']}" if "Error" in output else ""
