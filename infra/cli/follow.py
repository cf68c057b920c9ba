"""Follows an execution as the Step Functions console does: which state was left when, and what came of it."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_LOOK_EVERY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Left:
    """A state that was left or, without `left_at`, entered and not left yet."""

    state: str
    entered_at: datetime
    left_at: datetime | None
    note: str = ""


def follow(
    stepfunctions: "SFNClient", execution_arn: str, look_every_seconds: float = _LOOK_EVERY_SECONDS
) -> Iterator[Left]:
    """Yield each state as it is entered and again as it is left, until the execution has ended."""
    by_id: dict[int, Any] = {}
    while True:
        status = stepfunctions.describe_execution(executionArn=execution_arn)["status"]
        events = _events(stepfunctions, execution_arn)
        for event in events[len(by_id) :]:
            by_id[event["id"]] = event
            yield from _read(event, by_id)
        if status != "RUNNING":
            return
        time.sleep(look_every_seconds)


def _events(stepfunctions: "SFNClient", execution_arn: str) -> list[Any]:
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def _read(event: Any, by_id: dict[int, Any]) -> Iterator[Left]:  # noqa: ANN401 - a history event
    if "stateEnteredEventDetails" in event:
        yield Left(event["stateEnteredEventDetails"]["name"], event["timestamp"], None)
    elif "stateExitedEventDetails" in event:
        details = event["stateExitedEventDetails"]
        began = _entry_of(event, by_id, details["name"])
        yield Left(details["name"], began, event["timestamp"], _note(details["name"], details.get("output", "")))


def _entry_of(event: Any, by_id: dict[int, Any], name: str) -> datetime:  # noqa: ANN401 - a history event
    """Go back along previousEventId to where the state was entered; a Map's items go the same way."""
    at = event
    while at is not None:
        if at.get("stateEnteredEventDetails", {}).get("name") == name:
            return at["timestamp"]  # type: ignore[no-any-return] # boto3 parses it
        at = by_id.get(at.get("previousEventId"))
    return event["timestamp"]  # type: ignore[no-any-return]


def _note(state: str, output: str) -> str:
    """Say in a few words what a state came to."""
    try:
        made = json.loads(output)
        return _NOTES[state](made) if state in _NOTES else ""
    except (ValueError, KeyError, TypeError):
        return ""


_NOTES = {
    "PrepareRevocation": lambda made: (
        f"{_wanted(made['Prepared'])}, trust stores: {len(made['Prepared']['TrustStores'])}"
    ),
    "RevokeCertificate": lambda made: f"{made['Serial']} {made['Outcome']}{_error(made)}",
    "RevokeBatch": lambda made: (
        f"batch {made['Batch']}: {made['Revoked']} revoked, {made['AlreadyRevoked']} already, {made['Failed']} failed"
    ),
    "FindCrl": lambda made: (
        f"{made['Found']['Status']}, serials missing: {made['Found']['NumberMissing']} "
        f"of {made['Found']['NumberWanted']}{_still_accepted(made['Found'])}"
    ),
    "ConvertCrl": lambda made: (
        f"CRL number {made['Converted']['CrlNumber']}, entries: {made['Converted']['NumberOfRevokedEntries']}"
    ),
    "AttachCrl": lambda made: f"RevocationId {made['TrustStore']['Attached']['RevocationId']}",
    "VerifyRevocation": lambda made: (
        f"entries read back: {made['TrustStore']['Verified']['NumberOfRevokedEntries']}, "
        f"wanted ones that are new: {made['TrustStore']['Verified']['WantedNew']}"
    ),
    "RemoveSupersededCrls": lambda made: (
        f"older lists removed: {len(made['TrustStore']['Removed']['RemovedRevocationIds'])}"
    ),
    "ReportRevocation": lambda made: f"{made['Outcome']}{_error(made)}",
}


def _wanted(prepared: dict[str, Any]) -> str:
    batches = prepared.get("Batches", [])
    return f"batches of serials: {len(batches)}" if batches else f"serials: {len(prepared['Serials'])}"


def _still_accepted(found: dict[str, Any]) -> str:
    return " (revoked, and still accepted)" if found["NumberMissing"] else ""


def _error(made: dict[str, Any]) -> str:
    return f" {made['Error']}" if "Error" in made else ""
