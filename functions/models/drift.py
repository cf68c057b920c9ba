"""How trust stores differ from what they should hold: the CA's newest CRL, and no other list of this CA."""

from enum import StrEnum

from pydantic import Field

from functions.models.base import Model, TrustStoreArn


class DriftKind(StrEnum):
    """In what a trust store differs from what it should hold: the CA's newest CRL, and no other list of this CA."""

    NO_LIST = "NO_LIST"
    OLDER_LIST = "OLDER_LIST"
    OTHER_BYTES = "OTHER_BYTES"  # the same number, another content
    HIGHER_NUMBER = "HIGHER_NUMBER"  # than that of a CRL that was handed over, whose CA has fallen back
    LEFTOVER_LISTS = "LEFTOVER_LISTS"


class TrustStoreDrift(Model):
    """How one trust store differs."""

    trust_store_arn: TrustStoreArn
    kind: DriftKind
    attached_crl_number: int | None = None
    revocation_ids: list[int] = Field(default_factory=list, description="This CA's lists, the newest last.")


class ListInPlace(Model):
    """The list of a trust store in which nothing had to be corrected."""

    trust_store_arn: TrustStoreArn
    revocation_id: int
    crl_number: int
    number_of_revoked_entries: int


class DriftStatus(StrEnum):
    """What DetectDrift made of the trust stores."""

    NONE = "NONE"  # every trust store holds the newest CRL, and no older one of this CA
    SUSPECTED = "SUSPECTED"  # seen once; whoever is at work on it may finish first
    CONFIRMED = "CONFIRMED"  # seen again, and this execution's to correct
    CLAIMED = "CLAIMED"  # seen again, and another reconcile is at work on it
    NO_CRL = "NO_CRL"  # the CA has published none yet, and none is attached
    INVALID = "INVALID"  # what lies in S3 was refused twice; the trust stores keep what they have
