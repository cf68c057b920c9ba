"""How trust stores differ from what they should hold: the CA's newest CRL, and no other list of this CA."""

from enum import StrEnum

from pydantic import Field

from functions.models.base import Model, TrustStoreArn


class DriftKind(StrEnum):
    """In which way a trust store differs from what it should hold."""

    NO_LIST = "NO_LIST"
    OLDER_LIST = "OLDER_LIST"
    OTHER_BYTES = "OTHER_BYTES"  # the same CRL number with other content
    HIGHER_NUMBER = "HIGHER_NUMBER"  # than that of a third-party CRL, whose CA has gone back to lower numbers
    LEFTOVER_LISTS = "LEFTOVER_LISTS"


class TrustStoreDrift(Model):
    """The drift of one trust store."""

    trust_store_arn: TrustStoreArn
    kind: DriftKind
    attached_crl_number: int | None = None
    revocation_ids: list[int] = Field(default_factory=list, description="The ids of this CA's lists, the newest last.")


class ListInPlace(Model):
    """The list of a trust store that needed no correction."""

    trust_store_arn: TrustStoreArn
    revocation_id: int
    crl_number: int
    number_of_revoked_entries: int


class DriftStatus(StrEnum):
    """What DetectDrift found out about the trust stores."""

    NONE = "NONE"  # every trust store holds the newest CRL, and no older one of this CA
    SUSPECTED = "SUSPECTED"  # seen once; another execution may still correct it
    CONFIRMED = "CONFIRMED"  # seen again; this execution corrects it
    CLAIMED = "CLAIMED"  # seen again; another reconcile is correcting it, and this one looks again
    NO_CRL = "NO_CRL"  # the CA has not published one yet, and none is attached
    INVALID = "INVALID"  # the CRL in S3 was refused twice; the trust stores keep their lists
