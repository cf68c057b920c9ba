"""The input of an execution, and the notations that it accepts."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from functions import limits
from functions.errors import InvalidSerial, RequestRefused
from functions.models.base import AsHex, CertificateAuthorityArn, Model, ObjectLocation, Serial, TrustStoreArn
from functions.pki import certificates, private_keys, serial_number

_MAX_SERIAL_TEXT = 62  # DER's 21 octets with colons; a longer text may be anything
_S3_URL = re.compile(r"s3://([^/]+)/(.+)")


class RevocationReason(StrEnum):
    """The reasons of Private CA's RevokeCertificate (RFC 5280, 5.3.1), all irreversible."""

    UNSPECIFIED = "UNSPECIFIED"
    KEY_COMPROMISE = "KEY_COMPROMISE"
    CERTIFICATE_AUTHORITY_COMPROMISE = "CERTIFICATE_AUTHORITY_COMPROMISE"
    AFFILIATION_CHANGED = "AFFILIATION_CHANGED"
    SUPERSEDED = "SUPERSEDED"
    CESSATION_OF_OPERATION = "CESSATION_OF_OPERATION"
    PRIVILEGE_WITHDRAWN = "PRIVILEGE_WITHDRAWN"
    A_A_COMPROMISE = "A_A_COMPROMISE"


def read_reason(value: object) -> object:
    """Read a reason as Private CA, RFC 5280 (keyCompromise) or a spreadsheet (Key compromise) writes it."""
    return _REASONS.get("".join(filter(str.isalpha, value.lower())), value) if isinstance(value, str) else value


_REASONS = {reason.lower().replace("_", ""): reason for reason in RevocationReason} | {
    "cacompromise": RevocationReason.CERTIFICATE_AUTHORITY_COMPROMISE
}
ReasonInput = Annotated[RevocationReason, BeforeValidator(read_reason)]


def parse_s3_url(value: object) -> object:
    """Return the Bucket and Key of an s3://bucket/key text, and anything else as it is."""
    if isinstance(value, str) and (match := _S3_URL.fullmatch(value)):
        return {"Bucket": match[1], "Key": match[2]}
    return value


ObjectInput = Annotated[ObjectLocation, BeforeValidator(parse_s3_url)]


def read_serial(value: object, info: ValidationInfo) -> int:
    """Read a serial in any notation; a JSON number may be meant as hexadecimal too, so it is read as its digits.

    A certificate's ARN names its CA, which must be the CertificateAuthorityArn of the validation's context, if any.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PydanticCustomError("serial", "InvalidSerial: a serial must be a string")
    text = str(value)
    try:
        if len(text) > _MAX_SERIAL_TEXT:
            private_keys.refuse(text.encode(errors="replace"), "it")
        serial = serial_number.parse(text)
        if len(text) > _MAX_SERIAL_TEXT and "-BEGIN" in text.upper():
            _require_same_certificate(serial, text)
        serial_number.require_issuer(text, (info.context or {}).get("CertificateAuthorityArn"))
    except RequestRefused as error:
        context = {"error": f"{type(error).__name__}: {error}"}
        raise PydanticCustomError("serial", "{error}", context) from error
    return serial


def _require_same_certificate(serial: int, print_out: str) -> None:
    """Refuse a print-out whose PEM is another certificate: the owner may have written a serial into the print-out."""
    in_pem = [each.serial_number for each in certificates.read(print_out.encode(errors="replace"), "it")]
    if in_pem != [serial]:
        shown = ", ".join(map(serial_number.to_hex, in_pem[:10]))
        raise InvalidSerial(
            f"it prints {serial_number.to_hex(serial)}, and the PEM in it is of {shown}: give one, alone"
        )


SerialInAnyNotation = Annotated[int, BeforeValidator(read_serial), AsHex]


class WantedSerial(Model):
    """A serial to revoke, with its reason if that is not the request's."""

    serial: Serial
    revocation_reason: RevocationReason | None = None


class SerialInput(Model):
    """A serial in the input: a text, or an object with a reason of its own."""

    serial: SerialInAnyNotation
    revocation_reason: ReasonInput | None = None

    @model_validator(mode="before")
    @classmethod
    def _serial_alone(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict | SerialInput):
            return value
        read_serial(value, info)  # refused here, so that the error does not name a field that is not in the input
        return {"Serial": value}

    @property
    def wanted(self) -> WantedSerial:
        """The serial and reason, in the form that states carry."""
        return WantedSerial(serial=self.serial, revocation_reason=self.revocation_reason)


class SerialListFormat(StrEnum):
    """The format of a list of serials."""

    JSON = "JSON"  # an array of strings, or of objects with Serial and RevocationReason
    JSON_LINES = "JSON_LINES"  # one of these per line
    CSV = "CSV"  # a column named serial, optionally one named reason
    LINES = "LINES"  # one per line


class SerialList(ObjectLocation):
    """A list of serials in S3."""

    format: SerialListFormat | None = Field(
        default=None, description="Default: by the name's ending (.json, .jsonl, .csv), or else one serial per line."
    )


class Polling(Model):
    """How often and how long the execution looks for the CA's CRL."""

    interval_seconds: Annotated[int, Field(ge=1, le=limits.MAX_POLL_INTERVAL_SECONDS)] = Field(
        default=60, description="Seconds between two polls for the CRL."
    )
    deadline_seconds: Annotated[int, Field(ge=1, le=limits.MAX_DEADLINE_SECONDS)] = Field(
        default=7_200,  # Private CA publishes its CRL about 30 minutes after a revocation (crl-planning)
        description=f"Seconds after the revocations until the execution fails; {limits.MAX_POLLS} polls at most.",
    )

    @model_validator(mode="after")
    def _require_few_polls(self) -> Self:
        if self.deadline_seconds > limits.MAX_POLLS * self.interval_seconds:
            raise PydanticCustomError(
                "polls",
                "DeadlineSeconds {deadline} at IntervalSeconds {interval} are more than {most} polls",
                {"deadline": self.deadline_seconds, "interval": self.interval_seconds, "most": limits.MAX_POLLS},
            )
        return self


class RequestTargets(Model):
    """The CA whose certificates are revoked, and the trust stores that are to block them."""

    certificate_authority_arn: CertificateAuthorityArn | None = Field(
        default=None, description="The AWS Private CA that issued the certificates. Default: the deployment's."
    )
    trust_store_arns: Annotated[list[TrustStoreArn], Field(max_length=limits.MAX_TRUST_STORES)] = Field(
        default_factory=list,
        description="The load balancer trust stores to enforce it on; none: every one of the account and Region that "
        "trusts the CA. Default: the deployment's.",
    )


def _kind_of(value: object) -> str:
    return "text" if isinstance(value, str) and not value.startswith("s3://") else "object"


CertificateInput = Annotated[
    Annotated[ObjectInput, Tag("object")] | Annotated[str, Tag("text")],
    Discriminator(_kind_of),
]


class RequestOptions(RequestTargets):
    """The options of a request, everything but the certificates."""

    reconcile: bool = Field(
        default=False,
        description="Instead of serials: revoke nothing, and make the trust stores hold the CA's newest CRL.",
    )
    crl: ObjectInput | None = Field(
        default=None,
        description="Instead of serials: a CRL in S3 (DER or PEM) to enforce, of a CA outside Private CA.",
    )
    accept_lower_crl_number: bool = Field(
        default=False,
        description="With `Crl`: accept lower numbers of a restored CA. Refused if a serial would be lost.",
    )
    accept_dropped_entries: bool = Field(
        default=False,
        description="With `Crl`: accept that serials which are refused now are no longer listed.",
    )
    accept_namesakes: bool = Field(
        default=False,
        description="Accept that a trust store trusts another CA of the same name, whose clients the CRL may shut out. "
        "Default: the deployment's.",
    )
    revocation_reason: ReasonInput = Field(
        default=RevocationReason.UNSPECIFIED, description="Recorded in the CRL. A revocation cannot be undone."
    )
    polling: Polling = Field(default_factory=Polling, description="How long to wait for the CRL.")
    requested_by: str | None = Field(default=None, max_length=256, description="Who requests it; kept in the report.")
    ticket: str | None = Field(default=None, max_length=256, description="Why; kept in the report.")


class RevocationRequest(RequestOptions):
    """The input of an execution, with the deployment's defaults filled in."""

    serials: Annotated[list[SerialInput], Field(max_length=limits.MAX_INLINE_SERIALS)] = Field(
        default_factory=list,
        description="Serial numbers in any common notation that says whether it is hexadecimal or decimal; "
        "or objects with `Serial` and `RevocationReason`.",
    )
    certificates: Annotated[list[CertificateInput], Field(max_length=limits.MAX_INLINE_CERTIFICATES)] = Field(
        default_factory=list,
        description="Certificates to revoke: PEM, base64 of DER, or a file in S3 (`s3://bucket/key`) with several.",
    )
    serial_list: Annotated[SerialList, BeforeValidator(parse_s3_url)] | None = Field(
        default=None,
        description=f"Up to {limits.MAX_SERIALS:,} serials in a file in S3: JSON, JSON Lines, CSV, or one per line.",
    )

    dry_run: bool = Field(
        default=False, strict=True, description="Change nothing and write nothing; the output is what would be done."
    )

    @property
    def names_certificates(self) -> bool:
        """Whether anything is to be revoked."""
        return bool(self.serials or self.certificates or self.serial_list)

    @model_validator(mode="after")
    def _require_one_kind(self) -> Self:
        """Require exactly one of the three: an input without its serials must not succeed."""
        kinds = [self.names_certificates, self.reconcile, self.crl is not None]
        if sum(kinds) != 1:
            raise PydanticCustomError(
                "either",
                "Serials: give Serials, Certificates or a SerialList to revoke; or Reconcile true, or a Crl, to revoke "
                "nothing; {number} given",
                {"number": "more than one is" if any(kinds) else "none of them is"},
            )
        if self.crl is None and self.certificate_authority_arn is None:
            raise PydanticCustomError("missing", "CertificateAuthorityArn: Field required")
        if self.crl is not None and self.certificate_authority_arn is not None:
            raise PydanticCustomError(
                "either",
                "Crl: the CA is found by the CRL's signature; CertificateAuthorityArn is only for Private CA",
            )
        if self.accept_lower_crl_number and self.crl is None:
            raise PydanticCustomError(
                "either", "AcceptLowerCrlNumber: only with Crl; the numbers of Private CA never fall"
            )
        if self.accept_dropped_entries and self.crl is None:
            raise PydanticCustomError(
                "either", "AcceptDroppedEntries: only with Crl; Private CA drops certificates that have expired"
            )
        return self


class AcceptedRequest(RequestOptions):
    """A validated request: the serials of all sources, each once, in their order."""

    serials: list[Serial] = Field(default_factory=list)
    reasons: dict[str, RevocationReason] = Field(
        default_factory=dict, description="By serial, if it differs from the request's."
    )

    def reason_of(self, serial: int) -> RevocationReason:
        """Return the reason that is recorded for a serial."""
        usual = self.revocation_reason
        return self.reasons.get(serial_number.to_hex(serial), usual) if self.reasons else usual


class ExecutionInput(Model):
    """The input of PrepareRevocation: the raw input and the execution's name."""

    request: object
    execution_arn: str
    execution_name: str
    start_time: datetime
