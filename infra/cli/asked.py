"""What the operator holds in hand, made the input of an execution."""

import getpass
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from cryptography.hazmat.primitives.serialization import Encoding

from functions import certificates, crl, private_keys, serial_list
from functions.aws import Fetched, get_object
from functions.errors import CrlTooLarge, RequestRefused
from functions.model import S3Object
from functions.request import MAX_INLINE_SERIALS, RevocationReason, SerialListFormat
from infra.cli.stack import Stack, Unusable

Command = TypeVar("Command", bound=Callable[..., Any])
# Of the 256 KB that an input may have; what is more goes by way of S3.
_INLINE_CERTIFICATES = 100_000
_LOG_LINE = re.compile(rb"\d{4}-\d\d-\d\dT")

_OPTIONS = [
    click.argument("serials", nargs=-1),
    click.option("--certificate", "-c", "certificates", multiple=True, metavar="FILE|-|s3://…", help="PEM or DER."),
    click.option("--list", "-l", "listed", metavar="FILE|-|s3://…", help="JSON, JSON Lines, CSV, or one a line."),
    click.option("--crl", metavar="FILE|-|s3://…", help="Enforce a CRL of a CA that is not Private CA's."),
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


@dataclass
class Asked:
    """An input, and the files that it names in S3 and that are still here alone."""

    request: dict[str, Any]
    files: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def place(self, stack: Stack, kind: str, body: bytes) -> dict[str, str]:
        """Give the place in S3 where a file is going to be."""
        location = {
            "Bucket": stack.settings["INPUT_BUCKET"],
            "Key": f"inputs/{hashlib.sha256(body).hexdigest()[:16]}/{kind}",
        }
        self.files.append((location, body))
        return location

    def upload(self, stack: Stack) -> None:
        """Put the files where the input says that they are, and name these very versions."""
        for location, body in self.files:
            location["VersionId"] = stack.upload(location["Bucket"], location["Key"], body)

    def get_object(self, bucket: str, key: str, **options: Any) -> Fetched | None:  # noqa: ANN401 - of get_object
        """Read an object as S3 is going to give it once the files are there."""
        for location, body in self.files:
            if (location["Bucket"], location["Key"]) == (bucket, key):
                if len(body) > (most := options.get("max_bytes", crl.MAX_BYTES)):
                    raise CrlTooLarge(f"it has {len(body):,} bytes, more than {most:,}")
                version = S3Object(bucket=bucket, key=key, version_id="none yet")
                return Fetched(body, version, etag="none yet")
        return get_object(bucket, key, **options)


def request(stack: Stack, **given: Any) -> Asked:  # noqa: ANN401 - of click
    """Make the input; nothing is uploaded yet.

    Raises:
        Unusable: a file cannot be read, or is not what it should be.

    """
    asked = Asked({})
    try:
        listed = _listed(stack, asked, given["listed"])
        made = {
            "Serials": [*given["serials"], *listed.pop("Serials", [])],
            "Certificates": _certificates(stack, asked, given["certificates"]),
            **listed,
            "Crl": _crl(stack, asked, given["crl"]),
            "Reconcile": given["reconcile"],
            "AcceptLowerCrlNumber": given["accept_lower_crl_number"],
            "RevocationReason": given["reason"],
            "CertificateAuthorityArn": given["ca"],
            "TrustStoreArns": list(given["trust_stores"]),
            "RequestedBy": given["requested_by"],
            "Ticket": given["ticket"],
        }
    except RequestRefused as refusal:
        raise Unusable(f"{type(refusal).__name__}: {refusal}") from None
    asked.request = {name: value for name, value in made.items() if value not in (None, [], False)}
    if given["all_trust_stores"]:
        asked.request["TrustStoreArns"] = []
    return asked


def _certificates(stack: Stack, asked: Asked, given: Iterable[str]) -> list[object]:
    """Read certificates, and nothing that stands beside them in their files; many go by way of S3."""
    places: list[object] = [each for each in given if _is_in_s3(each)]
    files = [
        b"".join(found.public_bytes(Encoding.PEM) for found in certificates.read(_file(each), each))
        for each in given
        if not _is_in_s3(each)
    ]
    if sum(map(len, files)) > _INLINE_CERTIFICATES:
        return [*places, asked.place(stack, "certificates.pem", b"".join(files))]
    return [*places, *(pem.decode() for pem in files)]


def _listed(stack: Stack, asked: Asked, given: str | None) -> dict[str, Any]:
    """Read a list; a short one travels in the input, a long one goes by way of S3."""
    if given is None:
        return {}
    if _is_in_s3(given):
        return {"SerialList": given}
    data = _file(given)
    form = serial_list.format_of(given, None if given != "-" else _sniffed(data))
    found = serial_list.read(data, form, given)
    if len(found) <= MAX_INLINE_SERIALS:
        return {"Serials": [each.model_dump(mode="json", exclude_none=True) for each in found]}
    location = asked.place(stack, "serials", data)
    location["Format"] = form.value
    return {"SerialList": location}


def _sniffed(data: bytes) -> SerialListFormat:
    """Tell the format of what has no name."""
    first = data.lstrip().split(b"\n", 1)[0]
    if first[:1] in (b"[", b"{"):
        try:
            json.loads(data)
        except ValueError:
            return SerialListFormat.JSON_LINES
        return SerialListFormat.JSON
    columns = re.search(rb"[,;\t]", first) and not _LOG_LINE.match(first)
    return SerialListFormat.CSV if columns else SerialListFormat.LINES


def _crl(stack: Stack, asked: Asked, given: str | None) -> object:
    if given is None or _is_in_s3(given):
        return given
    data = _file(given)
    private_keys.refuse(data, given)
    return asked.place(stack, "crl", data)


def _is_in_s3(given: str) -> bool:
    return given.startswith("s3://")


def _file(path: str) -> bytes:
    """Read a file, or standard input, as far as any input goes."""
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
            data = file.read(crl.MAX_BYTES + 1)
    except OSError as fault:
        raise Unusable(f"{path} cannot be read: {fault.strerror}") from None
    if len(data) > crl.MAX_BYTES:
        raise Unusable(f"{path} has more than {crl.MAX_BYTES:,} bytes, which nothing that is read here has")
    return data
