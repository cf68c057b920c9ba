"""What all models share, and the types that many of them use.

JSON carries AWS's own field names (`TrustStoreArn`), Python the same in snake_case; one alias generator joins them.
"""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationInfo
from pydantic.alias_generators import to_pascal
from pydantic_core import PydanticCustomError

from functions.errors import InvalidSerial, RequestRefused
from functions.pki import certificates, private_keys, serial_number

_LONGEST_SERIAL = 62  # DER's 21 octets with colons; what is longer may be anything
_S3_URL = re.compile(r"s3://([^/]+)/(.+)")


class Model(BaseModel):
    """What all contracts share: frozen, no unknown field, AWS's names outside."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,  # an error may end in a log, the input may name people
    )


def read_serial(value: object, info: ValidationInfo) -> int:
    """Read a serial as a person or another program wrote it; a JSON number may be meant as hexadecimal too.

    A certificate's ARN names its CA, which must be the one of the validation's context, if there is one.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PydanticCustomError("serial", "InvalidSerial: a serial is written as a text")
    text = str(value)
    try:
        if len(text) > _LONGEST_SERIAL:
            private_keys.refuse(text.encode(errors="replace"), "it")
        serial = serial_number.parse(text)
        if len(text) > _LONGEST_SERIAL and "-BEGIN" in text.upper():
            _require_same_certificate(serial, text)
        serial_number.require_issuer(text, (info.context or {}).get("CertificateAuthorityArn"))
    except RequestRefused as refusal:
        fault = {"fault": f"{type(refusal).__name__}: {refusal}"}
        raise PydanticCustomError("serial", "{fault}", fault) from refusal
    return serial


def _require_same_certificate(serial: int, print_out: str) -> None:
    """Refuse a print-out that is not that of the certificate below it; alone, it may hold what its owner wrote."""
    held = [each.serial_number for each in certificates.read(print_out.encode(errors="replace"), "it")]
    if held != [serial]:
        shown = ", ".join(map(serial_number.to_hex, held[:10]))
        raise InvalidSerial(
            f"it prints {serial_number.to_hex(serial)}, and the PEM in it is of {shown}: give one, alone"
        )


def _own_serial(value: object) -> object:
    """Read a serial as we wrote it: a hundred thousand of them are read at every step."""
    return int(value.replace(":", ""), 16) if isinstance(value, str) else value


_as_text = PlainSerializer(serial_number.to_hex, return_type=str)
WrittenSerial = Annotated[int, BeforeValidator(read_serial), _as_text]
Serial = Annotated[int, BeforeValidator(_own_serial), _as_text]
CertificateAuthorityArn = Annotated[
    str,
    Field(pattern=r"^arn:[a-z-]+:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[A-Za-z0-9-]+$", max_length=200),
]
TrustStoreArn = Annotated[
    str, Field(pattern=r"^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:truststore/[A-Za-z0-9-]+/[A-Za-z0-9]+$")
]


class S3Object(Model):
    """One exact version of an object. Bodies never travel through the state machine, only this."""

    bucket: str
    key: str
    version_id: str


def parse_s3_url(value: object) -> object:
    """Read s3://bucket/key, which people write; anything else is left as it is."""
    if isinstance(value, str) and (found := _S3_URL.fullmatch(value)):
        return {"Bucket": found[1], "Key": found[2]}
    return value


class ObjectLocation(Model):
    """An object that somebody else wrote: this version of it, or the newest."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    key: str = Field(min_length=1, max_length=1024)
    version_id: str | None = Field(default=None, max_length=1024)

    def __str__(self) -> str:
        """Name it as people do."""
        return f"s3://{self.bucket}/{self.key}"


GivenObject = Annotated[ObjectLocation, BeforeValidator(parse_s3_url)]
