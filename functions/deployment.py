"""What the deployment says, read from the function's environment: `infra/template.yaml` sets it."""

import functools
import os
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(text: object) -> object:
    return [part for part in text.split(",") if part] if isinstance(text, str) else text


class Deployment(BaseModel):
    """The environment variables of the functions; nonsense is refused when it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workflow_bucket: str = Field(description="Manifests, PEM CRLs, evidence and reports.")
    certificate_authority_arn: str | None = None
    trust_store_arns: Annotated[list[str], BeforeValidator(_split)] = Field(default_factory=list)
    poll_interval_seconds: int = 60
    deadline_seconds: int = 7_200
    max_revocation_lists: int = Field(default=30, ge=2, description="Quota L-332EE142 of a trust store.")
    max_revocation_entries: int = Field(default=500_000, ge=1, description="Quota L-37E1617B.")


@functools.cache
def deployment() -> Deployment:
    """Read the environment once in the life of a process."""
    return Deployment.model_validate({name.lower(): value for name, value in os.environ.items()})
