"""The end of an execution in words: what is blocked, since when, and what a success may hide."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.cli.stack import Stack, plain

_SHOWN = 5
_RECONCILED = {
    "NONE": "The trust stores held this CRL already",
    "CONFIRMED": "The trust stores hold this CRL now",
    "CLAIMED": "Another execution is at work on it",
    "NO_CRL": "There is no CRL, and none is attached",
}


def report(stack: Stack, name: str, form: str) -> bytes | None:
    """Read the report of an execution, for people (md) or machines (json); None when there is none."""
    client = boto3.client("s3")
    try:
        bucket = stack.settings["WORKFLOW_BUCKET"]
        body = client.get_object(Bucket=bucket, Key=f"executions/{name}/report.{form}")["Body"]
        return bytes(body.read())
    except client.exceptions.NoSuchKey:
        return None


def outcome(stack: Stack, name: str, output: dict[str, Any]) -> Iterator[str]:
    """Tell what an execution that wrote a report came to; the report itself is read if the caller may."""
    summary = output.get("Summary") or {}
    if summary.get("Serials"):
        yield f"{summary['Enforced']} of {summary['Serials']} certificates are enforced."
        if expired := summary.get("Expired"):
            yield (
                f"MIND: {expired} were revoked before and have expired since: no CRL holds them any longer, and load "
                "balancers refuse them unless the listener ignores expiry."
            )
    elif "Reconciled" in output:
        yield f"{_RECONCILED.get(output['Reconciled'], output['Reconciled'])}."
    try:
        body = report(stack, name, "json")
    except (ClientError, BotoCoreError):
        body = None
    if body:
        yield from _details(json.loads(body))
    yield f"All of it: revocation report {name}"


def _details(found: dict[str, Any]) -> Iterator[str]:
    enforced = [each for each in found.get("Serials", []) if each["Enforced"]]
    for each in enforced[:_SHOWN]:
        since = f" since {_time(each['EnforcedAt'])}" if "EnforcedAt" in each else ""
        yield f"  {each['Serial']}  attached and read back{since}"
    if len(enforced) > _SHOWN:
        yield f"  and {len(enforced) - _SHOWN} more"
    for store in found.get("TrustStores", []):
        connections, arn = store.get("OpenConnections") or {}, store["TrustStoreArn"]
        if connections.get("NotAssociated"):
            yield f"MIND: no load balancer uses {arn}, so nothing refuses these certificates there."
        elif "Until" in connections:
            yield f"Connections that were open may live until {_time(connections['Until'])}."
        if dropped := store.get("EntriesDropped"):
            shown = ", ".join(store.get("DroppedSerials", [])[:_SHOWN])
            yield f"MIND: {dropped} serials that {arn} refused are in the list no more (expired ones drop out): {shown}"


def asked_for(text: str) -> str:
    """Say in a few words what an execution's input asks for, and who asks."""
    try:
        given = json.loads(text)
    except ValueError:
        return "an input that is no JSON"
    if not isinstance(given, dict):
        return "an input that is no object"
    parts = [
        "DRY RUN" if given.get("DryRun") is True else "",
        "reconcile" if given.get("Reconcile") is True else "",
        "a CRL handed over" if "Crl" in given else "",
        f"{len(given['Serials'])} serials" if isinstance(given.get("Serials"), list) else "",
        f"{len(given['Certificates'])} certificates" if isinstance(given.get("Certificates"), list) else "",
        "a list in S3" if "SerialList" in given else "",
        *(str(given[name])[:40] for name in ("RequestedBy", "Ticket") if given.get(name)),
    ]
    return plain(", ".join(filter(None, parts)))


def _time(text: str) -> str:
    return f"{text[:10]} {text[11:19]} UTC"
