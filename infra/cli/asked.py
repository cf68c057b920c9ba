"""What the operator holds in hand, made the input of an execution."""

import base64
import getpass
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from functions import serial_list
from functions.errors import RequestRefused
from functions.request import MAX_INLINE_SERIALS, RevocationReason, SerialListFormat
from infra.cli.stack import Stack, Unusable

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.argument("serials", nargs=-1),
    click.option("--certificate", "-c", "certificates", multiple=True, metavar="FILE|s3://…", help="PEM or DER."),
    click.option(
        "--list", "-l", "listed", metavar="FILE|-|s3://…", help="JSON, JSON Lines, CSV, or one a line; - reads these."
    ),
    click.option("--crl", metavar="FILE|s3://…", help="Enforce a CRL of a CA that is not Private CA's."),
    click.option("--reconcile", is_flag=True, help="Revoke nothing: have the trust stores hold the newest CRL."),
    click.option("--accept-lower-crl-number", is_flag=True, help="With --crl: the CA was restored."),
    click.option("--reason", type=click.Choice(list(RevocationReason), case_sensitive=False), help="For all of them."),
    click.option("--ca", metavar="ARN", help="The Private CA, if not the stack's."),
    click.option("--trust-store", "trust_stores", multiple=True, metavar="ARN", help="If not the stack's; repeatable."),
    click.option("--all-trust-stores", is_flag=True, help="Every one of the account and Region that trusts the CA."),
    click.option("--requested-by", default=getpass.getuser, show_default="you", help="Kept in the report."),
    click.option("--ticket", help="Kept in the report."),
]


def inputs(command: Command) -> Command:
    """Give a command the arguments and options that make an input."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request(stack: Stack, *, may_upload: bool, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - of click
    """Make the input; files that do not fit into it are uploaded, if that may be.

    Raises:
        Unusable: a file cannot be read, or would have to be uploaded.

    """
    made: dict[str, Any] = {
        "Serials": list(given["serials"]),
        "Certificates": [_certificate(each) for each in given["certificates"]],
        **_listed(stack, given["listed"], may_upload=may_upload),
        **_crl(stack, given["crl"], may_upload=may_upload),
        "Reconcile": given["reconcile"],
        "AcceptLowerCrlNumber": given["accept_lower_crl_number"],
        "RevocationReason": given["reason"],
        "CertificateAuthorityArn": given["ca"],
        "TrustStoreArns": list(given["trust_stores"]),
        "RequestedBy": given["requested_by"],
        "Ticket": given["ticket"],
    }
    if made["Serials"] and (more := made.pop("ListedSerials", [])):
        made["Serials"] += more
    elif "ListedSerials" in made:
        made["Serials"] = made.pop("ListedSerials")
    wanted = {name: value for name, value in made.items() if value not in (None, [], False)}
    return wanted | ({"TrustStoreArns": []} if given["all_trust_stores"] else {})


def _certificate(given: str) -> str:
    if given.startswith("s3://"):
        return given
    data = _file(given)
    return data.decode() if b"-----BEGIN" in data else base64.b64encode(data).decode()


def _listed(stack: Stack, given: str | None, *, may_upload: bool) -> dict[str, Any]:
    """Read a list; a short one travels in the input, a long one by way of S3."""
    if given is None:
        return {}
    if given.startswith("s3://"):
        return {"SerialList": given}
    data = sys.stdin.buffer.read() if given == "-" else _file(given)
    form = serial_list.format_of(given, None if given != "-" else _sniffed(data))
    try:
        found = serial_list.read(data, form, given)
    except RequestRefused as refusal:
        raise Unusable(f"{type(refusal).__name__}: {refusal}") from None
    if len(found) <= MAX_INLINE_SERIALS:
        return {"ListedSerials": [each.model_dump(mode="json", exclude_none=True) for each in found]}
    if not may_upload:
        raise Unusable(
            f"{given} has {len(found):,} serials, more than {MAX_INLINE_SERIALS}, and a plan writes nothing: upload it "
            "to the stack's input bucket yourself and give --list s3://…"
        )
    key = f"inputs/{hashlib.sha256(data).hexdigest()[:16]}/serials"
    return {"SerialList": {**stack.upload(key, data), "Format": form.value}}


def _sniffed(data: bytes) -> SerialListFormat:
    """Tell the format of what has no name."""
    text = data.lstrip()[:1]
    if text in (b"[", b"{"):
        try:
            json.loads(data)
        except ValueError:
            return SerialListFormat.JSON_LINES
        return SerialListFormat.JSON
    return SerialListFormat.CSV if b"," in data.split(b"\n", 1)[0] else SerialListFormat.LINES


def _crl(stack: Stack, given: str | None, *, may_upload: bool) -> dict[str, Any]:
    if given is None or given.startswith("s3://"):
        return {"Crl": given}
    data = _file(given)
    if not may_upload:
        raise Unusable(f"{given} would have to be uploaded, and a plan writes nothing: give --crl s3://…")
    return {"Crl": stack.upload(f"inputs/{hashlib.sha256(data).hexdigest()[:16]}/crl", data)}


def _file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        raise Unusable(f"{path} cannot be read: {fault.strerror}") from None
