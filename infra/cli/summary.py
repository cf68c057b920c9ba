"""Describes how an execution ended: what is blocked, since when, and what to watch out for."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from functions import text
from infra.cli.stack import Stack

_SHOWN = 5
_RECONCILED = {
    "NONE": "The trust stores held this CRL already",
    "CONFIRMED": "The trust stores hold this CRL now",
    "NO_CRL": "There is no CRL, and none is attached",
}


def read_report(stack: Stack, name: str, suffix: str) -> bytes | None:
    """Read an execution's report, for people (md) or machines (json); None if it has not written one."""
    client = boto3.client("s3")
    try:
        bucket = stack.settings["WORKFLOW_BUCKET"]
        body = client.get_object(Bucket=bucket, Key=f"executions/{name}/report.{suffix}")["Body"]
        return bytes(body.read())
    except client.exceptions.NoSuchKey:
        return None


def describe_outcome(stack: Stack, name: str, output: dict[str, Any]) -> Iterator[str]:
    """Describe the end of an execution that wrote a report, with details of the report if the caller may read it."""
    summary = output.get("Summary") or {}
    if summary.get("Serials"):
        yield f"Enforced: {summary['Enforced']} of {summary['Serials']} certificates."
        if expired := summary.get("Expired"):
            yield (
                f"Warning: revoked earlier and expired since: {expired}. CRLs no longer list them; load balancers "
                "refuse them unless the listener ignores expiry."
            )
    elif "Reconciled" in output:
        yield f"{_RECONCILED.get(output['Reconciled'], output['Reconciled'])}."
    try:
        body = read_report(stack, name, "json")
    except (ClientError, BotoCoreError):
        body = None
    if body:
        yield from _details(json.loads(body))
    yield f"Full report: revocation report {name}"


def _details(report: dict[str, Any]) -> Iterator[str]:
    enforced = [each for each in report.get("Serials", []) if each["Enforced"]]
    for each in enforced[:_SHOWN]:
        since = f" since {_time(each['EnforcedAt'])}" if "EnforcedAt" in each else ""
        yield f"  {each['Serial']}  attached and read back{since}"
    if len(enforced) > _SHOWN:
        yield f"  and {len(enforced) - _SHOWN} more"
    if crl := report.get("Crl"):
        soon = "Warning: it expires soon; t" if crl.get("ExpiresSoon") else "T"
        yield f"CRL number {crl['CrlNumber']} is attached. {soon}he CA's next one is due by {_time(crl['NextUpdate'])}."
    for store in report.get("TrustStores", []):
        connections, arn = store.get("OpenConnections") or {}, store["TrustStoreArn"]
        if connections.get("NotAssociated"):
            yield f"Warning: no load balancer uses {arn}, so nothing refuses these certificates there."
        elif "Until" in connections:
            yield f"Connections opened earlier may last until {_time(connections['Until'])}."
        if dropped := store.get("EntriesDropped"):
            shown = ", ".join(store.get("DroppedSerials", [])[:_SHOWN])
            reason = "a CRL drops certificates that have expired"
            yield f"Warning: serials that {arn} refused before and no longer lists: {dropped} ({reason}): {shown}"


def describe_input(document: str) -> str:
    """Return a short description of an execution's input, and who started it."""
    try:
        request = json.loads(document)
    except (ValueError, RecursionError):
        return "an input that is not JSON"
    if not isinstance(request, dict):
        return "an input that is not an object"
    parts = [
        "DRY RUN" if request.get("DryRun") is True else "",
        "reconcile" if request.get("Reconcile") is True else "",
        "a CRL" if "Crl" in request else "",
        f"{len(request['Serials'])} serials" if isinstance(request.get("Serials"), list) else "",
        f"{len(request['Certificates'])} certificates" if isinstance(request.get("Certificates"), list) else "",
        "a list in S3" if "SerialList" in request else "",
        *(str(request[name])[:40] for name in ("RequestedBy", "Ticket") if request.get(name)),
    ]
    return text.one_line(", ".join(filter(None, parts)))


def _time(moment: str) -> str:
    return f"{moment[:10]} {moment[11:19]} UTC"
