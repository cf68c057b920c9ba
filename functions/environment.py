"""The settings of the deployment, in environment variables that `infra/template.yaml` sets."""

import functools
import os
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from functions import limits
from functions.models.request import Polling

_POLLING = Polling()


def _split(text: object) -> object:
    return [part for part in text.split(",") if part] if isinstance(text, str) else text


class Environment(BaseModel):
    """The environment variables of the functions, validated when they are read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workflow_bucket: str = Field(description="Manifests, PEM CRLs, evidence and reports.")
    certificate_authority_arn: str | None = None
    trust_store_arns: Annotated[list[str], BeforeValidator(_split)] = Field(default_factory=list)
    accept_namesakes: bool = False
    poll_interval_seconds: int = _POLLING.interval_seconds
    deadline_seconds: int = _POLLING.deadline_seconds
    revocations_per_second: float = Field(
        default=limits.DEFAULT_REVOCATIONS_PER_SECOND,
        ge=1,
        description=f"Of the {limits.MAX_REVOCATIONS_PER_SECOND} that Private CA allows an account and Region.",
    )
    usual_crl_seconds: int = Field(default=1_800, ge=1, description="From a revocation to its CRL; a plan shows it.")
    give_way_seconds: int = Field(
        default=90, ge=1, description="How long a reconcile waits for others to correct a drift."
    )
    min_time_to_next_update_seconds: int = Field(
        default=86_400, ge=1, description="A list that expires sooner causes a warning."
    )
    delay_notice_seconds: int = Field(default=2_700, ge=1, description="After how long a wait causes a second notice.")
    crl_bucket: str = Field(default="", description="Where Private CA writes the CRL.")
    crl_folder: str = Field(default="", description="The folder of the CRL in that bucket.")
    topic_arn: str = Field(default="", description="The topic of the notifications to people.")
    event_bus_name: str = Field(default="", description="The event bus of the notifications to programs.")
    max_revocation_lists: int = Field(
        default=limits.MAX_REVOCATION_LISTS, ge=2, description="The account's quota, for each trust store."
    )
    max_revocation_entries: int = Field(
        default=limits.MAX_REVOCATION_ENTRIES, ge=1, description="The account's quota, for each trust store."
    )

    def expires_soon(self, next_update: datetime | None, now: datetime) -> bool:
        """Return whether a list with this nextUpdate causes a warning."""
        minimum = timedelta(seconds=self.min_time_to_next_update_seconds)
        return next_update is not None and next_update - now < minimum


@functools.cache
def environment() -> Environment:
    """Return the environment, read once per process."""
    return Environment.model_validate({name.lower(): value for name, value in os.environ.items()})
