"""What the operator holds in hand, made the input of an execution."""

import getpass
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from cryptography.hazmat.primitives.serialization import Encoding

from functions import limits
from functions.aws.s3 import FetchedObject, get_object
from functions.errors import (
    AwsCallRefused,
    AwsUnavailable,
    CrlRefused,
    CrlTooLarge,
    PrivateKeyGiven,
    RequestRefused,
)
from functions.intake import serial_list
from functions.models.base import S3Object
from functions.models.request import RevocationReason, SerialListFormat, read_reason
from functions.pki import certificates, crl, private_keys
from infra.cli import files
from infra.cli.stack import Stack, Unreachable, Unusable

Command = TypeVar("Command", bound=Callable[..., Any])
# Of the 256 KB that an input may have; what is more goes by way of S3.
_INLINE_CERTIFICATES, _INLINE_FILES = 100_000, 50
# The input's own names, as errors use them, and what stands for them here.
_OPTION_NAMES = {
    "give it as Certificates, or a CRL as Crl": "give it with --certificate, or a CRL with --crl",
    "AcceptLowerCrlNumber": "--accept-lower-crl-number",
    "TrustStoreArns": "--trust-store",
    "under Serials": "as an argument",
}


def _reason(text: str) -> RevocationReason:
    try:
        return RevocationReason(str(read_reason(text)))
    except ValueError:
        raise click.BadParameter(f"{text!r} is none of {', '.join(RevocationReason)}") from None


_OPTIONS = [
    click.argument("serials", nargs=-1),
    click.option(
        "--certificate",
        "-c",
        "certificates",
        multiple=True,
        metavar="FILE|-|s3://…",
        help="PEM or DER, with its chain or without, several to a file; repeatable.",
    ),
    click.option(
        "--list",
        "-l",
        "listed",
        metavar="FILE|-|s3://…",
        help="CSV with a header (serial,reason), JSON, JSON Lines, or one serial a line; - is standard input.",
    ),
    click.option("--crl", metavar="FILE|-|s3://…", help="Enforce a CRL of a CA that is not Private CA's."),
    click.option("--reconcile", is_flag=True, help="Revoke nothing: have the trust stores hold the newest CRL."),
    click.option("--accept-lower-crl-number", is_flag=True, help="With --crl: the CA was restored."),
    click.option("--reason", type=_reason, metavar="REASON", help=f"Recorded for good: {', '.join(RevocationReason)}."),
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

    def get_object(self, bucket: str, key: str, **options: Any) -> FetchedObject | None:  # noqa: ANN401 - of get_object
        """Read an object as S3 is going to give it once the files are there."""
        for location, body in self.files:
            if (location["Bucket"], location["Key"]) == (bucket, key):
                if len(body) > (most := options.get("max_bytes", limits.MAX_CRL_BYTES)):
                    raise CrlTooLarge(f"it has {len(body):,} bytes, more than {most:,}")
                version = S3Object(bucket=bucket, key=key, version_id="none yet")
                return FetchedObject(body, version, etag="none yet")
        return get_object(bucket, key, **options)


def request(stack: Stack, **given: Any) -> Asked:  # noqa: ANN401 - of click
    """Make the input; nothing is uploaded yet.

    Raises:
        Unusable: a file cannot be read, or is not what it should be; or the stack could not do it.

    """
    _require_one_kind(given)
    _require_the_stacks(stack, given)
    asked = Asked({})
    try:
        listed = _listed(stack, given["listed"], given["ca"] or stack.settings["CERTIFICATE_AUTHORITY_ARN"])
        serials = [*map(_serial, given["serials"]), *listed.pop("Serials", [])]
        if len(serials) > limits.MAX_INLINE_SERIALS and listed:
            raise Unusable(f"{len(serials)} serials as arguments, and a --list in S3: put all of them into the list")
        made = {
            **_serials(stack, asked, serials),
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
    except PrivateKeyGiven as refusal:
        thing = str(refusal).split(" holds a private key", 1)[0]
        raise Unusable(f"PrivateKeyGiven: {thing} holds a private key. It was read here and sent nowhere") from None
    except (RequestRefused, CrlRefused) as refusal:
        raise Unusable(f"{type(refusal).__name__}: {in_options(str(refusal))}") from None
    except (AwsUnavailable, AwsCallRefused) as fault:
        raise Unreachable(f"{type(fault).__name__}: {fault}") from None
    asked.request = {name: value for name, value in made.items() if value not in (None, [], False)}
    if given["all_trust_stores"]:
        asked.request["TrustStoreArns"] = []
    return asked


def in_options(words: str) -> str:
    """Say what to do in the command line's own options."""
    for field_name, option in _OPTION_NAMES.items():
        words = words.replace(field_name, option)
    return words


def _require_one_kind(given: dict[str, Any]) -> None:
    names = {"SERIALS": "serials", "--certificate": "certificates", "--list": "listed"}
    revoked = [name for name, key in names.items() if given[key]]
    kinds = [" and ".join(revoked)] if revoked else []
    kinds += [name for name, key in (("--crl", "crl"), ("--reconcile", "reconcile")) if given[key]]
    if not kinds:
        raise Unusable(
            "nothing is asked for: give serials, --certificate, --list (- is standard input), --crl or --reconcile"
        )
    if len(kinds) > 1:
        raise Unusable(f"{' and '.join(kinds)} exclude each other: ask for one after the other")
    if [*given["certificates"], given["listed"], given["crl"]].count("-") > 1:
        raise Unusable("standard input is given twice: - can stand once")


def _require_the_stacks(stack: Stack, given: dict[str, Any]) -> None:
    """Refuse what the roles of the stack's functions may not touch, before an execution fails on it."""
    own = stack.settings["CERTIFICATE_AUTHORITY_ARN"]
    if given["ca"] not in (None, own):
        raise Unusable(f"--ca {given['ca']} is not the stack's CA, {own}: another CA has another --stack")
    if given["all_trust_stores"] and given["trust_stores"]:
        raise Unusable("--trust-store and --all-trust-stores exclude each other")
    stores = [each for each in stack.settings.get("TRUST_STORE_ARNS", "").split(",") if each]
    if stores and given["all_trust_stores"]:
        raise Unusable(
            f"--all-trust-stores: this stack may touch {', '.join(stores)} alone; deploy one that names no trust store"
        )
    for each in given["trust_stores"] if stores else ():
        if each not in stores:
            raise Unusable(
                f"--trust-store {each} is none of the stack's, {', '.join(stores)}: deploy it with this one too"
            )


def _serial(given: str) -> str:
    """Refuse what is meant for an option."""
    try:
        is_file = Path(given).is_file()
    except OSError:  # too long a name, as a print-out is
        is_file = False
    if given == "-" or files.is_in_s3(given) or is_file:
        raise Unusable(f"{given} is a file and no serial number: --certificate, --list or --crl say what is in it")
    return given


def _serials(stack: Stack, asked: Asked, serials: list[object]) -> dict[str, Any]:
    """Put serials into the input, or many of them into a file."""
    if len(serials) <= limits.MAX_INLINE_SERIALS:
        return {"Serials": serials}
    location = asked.place(stack, "serials.json", json.dumps(serials).encode())
    location["Format"] = SerialListFormat.JSON.value
    return {"SerialList": location}


def _certificates(stack: Stack, asked: Asked, given: Iterable[str]) -> list[object]:
    """Read certificates, and nothing that stands beside them in their files; many go by way of S3."""
    places: list[object] = [each for each in given if _is_at_hand_of_the_stack(stack, each)]
    pems = [
        b"".join(found.public_bytes(Encoding.PEM) for found in certificates.read(files.read(each), each))
        for each in given
        if each not in places
    ]
    if sum(map(len, pems)) > _INLINE_CERTIFICATES or len(pems) > _INLINE_FILES:
        return [*places, asked.place(stack, "certificates.pem", b"".join(pems))]
    return [*places, *(pem.decode() for pem in pems)]


def _listed(stack: Stack, given: str | None, ca: str) -> dict[str, Any]:
    """Read the serials of a list, and nothing that stands beside them."""
    if given is None:
        return {}
    if _is_at_hand_of_the_stack(stack, given):
        return {"SerialList": given}
    data = files.read(given)
    found = serial_list.read(data, serial_list.format_by_name(given) or files.sniffed(data), given, ca)
    return {"Serials": [each.model_dump(mode="json", exclude_none=True) for each in found]}


def _crl(stack: Stack, asked: Asked, given: str | None) -> object:
    if given is None or _is_at_hand_of_the_stack(stack, given):
        return given
    data = files.read(given)
    private_keys.refuse(data, given)
    try:
        crl.read(data)
    except CrlRefused as refusal:
        raise type(refusal)(f"{given}: {refusal}") from None
    return asked.place(stack, "crl", data)


def _is_at_hand_of_the_stack(stack: Stack, given: str) -> bool:
    """Say whether the stack may read it where it lies; what lies elsewhere is read here, and copied."""
    return given.startswith(f"s3://{stack.settings['INPUT_BUCKET']}/")
