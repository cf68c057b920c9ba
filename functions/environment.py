"""What the deployment says, read from the function's environment: `infra/template.yaml` sets it."""

import functools
import os
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(text: object) -> object:
    return [part for part in text.split(",") if part] if isinstance(text, str) else text


class Environment(BaseModel):
    """The environment variables of the functions; nonsense is refused when it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workflow_bucket: str = Field(description="Manifests, PEM CRLs, evidence and reports.")
    certificate_authority_arn: str | None = None
    trust_store_arns: Annotated[list[str], BeforeValidator(_split)] = Field(default_factory=list)
    poll_interval_seconds: int = 60
    deadline_seconds: int = 7_200
    revocations_per_second: float = Field(default=19, ge=1, description="Of Private CA's 20 an account and Region.")
    usual_crl_seconds: int = Field(default=1_800, ge=1, description="From a revocation to its CRL; a plan tells it.")
    give_way_seconds: int = Field(default=90, ge=1, description="How long a reconcile lets others correct a drift.")
    delay_notice_seconds: int = Field(default=2_700, ge=1, description="When a wait is worth a second notice.")
    crl_bucket: str = Field(default="", description="Where Private CA writes the CRL.")
    topic_arn: str = Field(default="", description="Of the notifications to people.")
    event_bus_name: str = Field(default="", description="Of the notifications to programs.")
    max_revocation_lists: int = Field(default=30, ge=2, description="Quota L-332EE142 of a trust store.")
    max_revocation_entries: int = Field(default=500_000, ge=1, description="Quota L-37E1617B.")


@functools.cache
def environment() -> Environment:
    """Read the environment once in the life of a process."""
    return Environment.model_validate({name.lower(): value for name, value in os.environ.items()})
