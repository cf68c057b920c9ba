"""The base class of the models, and the types that several of them use.

JSON carries AWS's own field names (`TrustStoreArn`), Python the same in snake_case; one alias generator joins them.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_pascal

from functions.pki import serial_number


class Model(BaseModel):
    """The base of all documents: frozen, without unknown fields, with AWS's names in JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,  # errors are logged, and the input may name people
    )


def _parse_hex(value: object) -> object:
    """Read a serial in the form that `serial_number.to_hex` writes, fast: each step reads up to 100,000 of them."""
    return int(value.replace(":", ""), 16) if isinstance(value, str) else value


AsHex = PlainSerializer(serial_number.to_hex, return_type=str)
Serial = Annotated[int, BeforeValidator(_parse_hex), AsHex]
CertificateAuthorityArn = Annotated[
    str,
    Field(pattern=r"^arn:[a-z-]+:acm-pca:[a-z0-9-]+:[0-9]{12}:certificate-authority/[A-Za-z0-9-]+$", max_length=200),
]
TrustStoreArn = Annotated[
    str, Field(pattern=r"^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:truststore/[A-Za-z0-9-]+/[A-Za-z0-9]+$")
]


class S3Object(Model):
    """One exact version of an object. States carry this, never an object's content."""

    bucket: str
    key: str
    version_id: str


class ObjectLocation(Model):
    """An object that others wrote: this version of it, or the newest."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    key: str = Field(min_length=1, max_length=1024)
    version_id: str | None = Field(default=None, max_length=1024)

    def __str__(self) -> str:
        """Return the location as an s3:// URL."""
        return f"s3://{self.bucket}/{self.key}"
