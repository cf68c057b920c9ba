"""Builds an execution's input from the command line's arguments; large ones are uploaded as files."""

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
# An input has at most 256 KB; more than this is uploaded to S3.
_INLINE_CERTIFICATES, _INLINE_FILES = 100_000, 50
# Field names of the input in error messages, and the options that set them.
OPTION_NAMES = {
    "give it as Certificates, or a CRL as Crl": "give it with --certificate, or a CRL with --crl",
    "AcceptLowerCrlNumber": "--accept-lower-crl-number",
    "AcceptDroppedEntries": "--accept-dropped-entries",
    "AcceptNamesakes": "--accept-namesakes",
    "TrustStoreArns": "--trust-store",
    "under Serials": "as an argument",
}


def _reason(text: str) -> RevocationReason:
    try:
        return RevocationReason(str(read_reason(text)))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not one of {', '.join(RevocationReason)}") from None


_OPTIONS = [
    click.argument("serials", nargs=-1),
    click.option(
        "--certificate",
        "-c",
        "certificates",
        multiple=True,
        metavar="FILE|-|s3://…",
        help="Client certificates, PEM or DER; the CAs of their chain are never revoked. Repeatable.",
    ),
    click.option(
        "--list",
        "-l",
        "serial_list",
        metavar="FILE|-|s3://…",
        help="CSV with a header (serial,reason), JSON, JSON Lines, or one serial a line; - is standard input.",
    ),
    click.option("--crl", metavar="FILE|-|s3://…", help="Enforce this CRL, of a CA outside Private CA."),
    click.option("--reconcile", is_flag=True, help="Revoke nothing; bring the newest CRL to the trust stores."),
    click.option(
        "--accept-lower-crl-number",
        is_flag=True,
        help="With --crl: accept a lower CRL number, after the CA was restored.",
    ),
    click.option(
        "--accept-dropped-entries",
        is_flag=True,
        help="With --crl: accept that serials which are refused now are no longer listed.",
    ),
    click.option(
        "--accept-namesakes",
        is_flag=True,
        help="Accept that a trust store trusts another CA of the same name, whose clients the CRL may shut out.",
    ),
    click.option(
        "--reason",
        type=_reason,
        metavar="REASON",
        help=f"Recorded in the CRL, and cannot be changed later: {', '.join(RevocationReason)}.",
    ),
    click.option("--ca", metavar="ARN", help="The Private CA; default: the stack's."),
    click.option(
        "--trust-store", "trust_stores", multiple=True, metavar="ARN", help="Default: the stack's. Repeatable."
    ),
    click.option("--all-trust-stores", is_flag=True, help="All of the account and Region that trust the CA."),
    click.option("--requested-by", default=getpass.getuser, show_default="you", help="Shown in the report."),
    click.option("--ticket", help="Shown in the report."),
]


def input_options(command: Command) -> Command:
    """Add the arguments and options that make up an input."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass
class StagedInput:
    """An execution's input, and the files that it refers to and that are not uploaded yet."""

    request: dict[str, Any]
    files: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def stage(self, stack: Stack, name: str, body: bytes) -> dict[str, str]:
        """Remember a file for `upload`; return where in S3 it is going to be."""
        location = {
            "Bucket": stack.settings["INPUT_BUCKET"],
            "Key": f"inputs/{hashlib.sha256(body).hexdigest()[:16]}/{name}",
        }
        self.files.append((location, body))
        return location

    def upload(self, stack: Stack) -> None:
        """Upload the files, and put their versions into the input."""
        for location, body in self.files:
            location["VersionId"] = stack.upload(location["Bucket"], location["Key"], body)

    def get_object(self, bucket: str, key: str, **options: Any) -> FetchedObject | None:  # noqa: ANN401 - of get_object
        """Return what `functions.aws.s3.get_object` would return once the files are uploaded."""
        for location, body in self.files:
            if (location["Bucket"], location["Key"]) == (bucket, key):
                if len(body) > (max_bytes := options.get("max_bytes", limits.MAX_CRL_BYTES)):
                    raise CrlTooLarge(f"it has {len(body):,} bytes, more than {max_bytes:,}")
                version = S3Object(bucket=bucket, key=key, version_id="none yet")
                return FetchedObject(body, version, etag="none yet")
        return get_object(bucket, key, **options)


def build_input(stack: Stack, **options: Any) -> StagedInput:  # noqa: ANN401 - of click
    """Build the input; nothing is uploaded yet.

    Raises:
        Unusable: a file cannot be read or is malformed, or the stack may not do this.
        Unreachable: AWS could not be reached, or denied access.

    """
    _require_one_kind(options)
    _require_permitted(stack, options)
    staged = StagedInput({})
    try:
        list_fields = _serial_list(
            stack, options["serial_list"], options["ca"] or stack.settings["CERTIFICATE_AUTHORITY_ARN"]
        )
        serials = [*map(_serial, options["serials"]), *list_fields.pop("Serials", [])]
        if len(serials) > limits.MAX_INLINE_SERIALS and list_fields:
            raise Unusable(f"{len(serials)} serials as arguments, and a --list in S3: put all of them into the list")
        fields = {
            **_serials(stack, staged, serials),
            "Certificates": _certificates(stack, staged, options["certificates"]),
            **list_fields,
            "Crl": _crl(stack, staged, options["crl"]),
            "Reconcile": options["reconcile"],
            "AcceptLowerCrlNumber": options["accept_lower_crl_number"],
            "AcceptDroppedEntries": options["accept_dropped_entries"],
            "AcceptNamesakes": options["accept_namesakes"],
            "RevocationReason": options["reason"],
            "CertificateAuthorityArn": options["ca"],
            "TrustStoreArns": list(options["trust_stores"]),
            "RequestedBy": options["requested_by"],
            "Ticket": options["ticket"],
        }
    except PrivateKeyGiven as error:
        source = str(error).split(" holds a private key", 1)[0]
        raise Unusable(f"PrivateKeyGiven: {source} holds a private key. It was read here and sent nowhere") from None
    except (RequestRefused, CrlRefused) as error:
        raise Unusable(f"{type(error).__name__}: {with_option_names(str(error))}") from None
    except (AwsUnavailable, AwsCallRefused) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from None
    staged.request = {name: value for name, value in fields.items() if value not in (None, [], False)}
    if options["all_trust_stores"]:
        staged.request["TrustStoreArns"] = []
    return staged


def with_option_names(message: str) -> str:
    """Replace the input's field names in a message by the options of the command line."""
    for field_name, option in OPTION_NAMES.items():
        message = message.replace(field_name, option)
    return message


def _require_one_kind(options: dict[str, Any]) -> None:
    names = {"SERIALS": "serials", "--certificate": "certificates", "--list": "serial_list"}
    revoked = [name for name, key in names.items() if options[key]]
    kinds = [" and ".join(revoked)] if revoked else []
    kinds += [name for name, key in (("--crl", "crl"), ("--reconcile", "reconcile")) if options[key]]
    if not kinds:
        raise Unusable(
            "there is nothing to do: give serials, --certificate, --list (- is standard input), --crl or --reconcile"
        )
    if len(kinds) > 1:
        raise Unusable(f"{' and '.join(kinds)} exclude each other: run one after the other")
    if [*options["certificates"], options["serial_list"], options["crl"]].count("-") > 1:
        raise Unusable("standard input is given twice: use - once")


def _require_permitted(stack: Stack, options: dict[str, Any]) -> None:
    """Refuse a CA or trust stores to which the stack's functions have no access, before an execution fails on it."""
    stack_ca = stack.settings["CERTIFICATE_AUTHORITY_ARN"]
    if options["ca"] not in (None, stack_ca):
        raise Unusable(f"--ca {options['ca']} is not the stack's CA, {stack_ca}: use the --stack of that CA")
    if options["all_trust_stores"] and options["trust_stores"]:
        raise Unusable("--trust-store and --all-trust-stores exclude each other")
    stores = [each for each in stack.settings.get("TRUST_STORE_ARNS", "").split(",") if each]
    if stores and options["all_trust_stores"]:
        raise Unusable(
            f"--all-trust-stores: this stack may change only {', '.join(stores)}; deploy one that names no trust store"
        )
    for each in options["trust_stores"] if stores else ():
        if each not in stores:
            raise Unusable(
                f"--trust-store {each} is not one of the stack's, {', '.join(stores)}: deploy it with this one too"
            )


def _serial(argument: str) -> str:
    """Refuse a file where a serial number is expected."""
    try:
        is_file = Path(argument).is_file()
    except OSError:  # too long for a file name, as openssl's output is
        is_file = False
    if argument == "-" or files.is_s3_url(argument) or is_file:
        raise Unusable(
            f"{argument} is a file, not a serial number: give it with --certificate, --list or --crl, as what it is"
        )
    return argument


def _serials(stack: Stack, staged: StagedInput, serials: list[object]) -> dict[str, Any]:
    """Return the field for the serials: themselves or, if there are too many, a file with them."""
    if len(serials) <= limits.MAX_INLINE_SERIALS:
        return {"Serials": serials}
    location = staged.stage(stack, "serials.json", json.dumps(serials).encode())
    location["Format"] = SerialListFormat.JSON.value
    return {"SerialList": location}


def _certificates(stack: Stack, staged: StagedInput, sources: Iterable[str]) -> list[object]:
    """Read the certificates, and nothing else that their files hold; many are uploaded as one file."""
    urls: list[object] = [each for each in sources if _is_readable_by_stack(stack, each)]
    pems = [
        b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates.read(files.read(each), each))
        for each in sources
        if each not in urls
    ]
    if sum(map(len, pems)) > _INLINE_CERTIFICATES or len(pems) > _INLINE_FILES:
        return [*urls, staged.stage(stack, "certificates.pem", b"".join(pems))]
    return [*urls, *(pem.decode() for pem in pems)]


def _serial_list(stack: Stack, source: str | None, ca: str) -> dict[str, Any]:
    """Read the serials of a list, and nothing else that it holds."""
    if source is None:
        return {}
    if _is_readable_by_stack(stack, source):
        return {"SerialList": source}
    data = files.read(source)
    entries = serial_list.read(data, serial_list.format_by_name(source) or files.detect_format(data), source, ca)
    return {"Serials": [each.model_dump(mode="json", exclude_none=True) for each in entries]}


def _crl(stack: Stack, staged: StagedInput, source: str | None) -> object:
    if source is None or _is_readable_by_stack(stack, source):
        return source
    data = files.read(source)
    private_keys.refuse(data, source)
    try:
        crl.read(data)
    except CrlRefused as error:
        raise type(error)(f"{source}: {error}") from None
    return staged.stage(stack, "crl", data)


def _is_readable_by_stack(stack: Stack, source: str) -> bool:
    """Return whether the stack may read a file where it is; other files are read here, and uploaded."""
    return source.startswith(f"s3://{stack.settings['INPUT_BUCKET']}/")
