"""What a deployment needs from the AWS that it deploys to, without importing the server."""

from typing import Any, Protocol

from infra.local.core.settings import Settings


class Aws(Protocol):
    """An AWS with clients, settings, and the stacks deployed so far."""

    settings: Settings
    stacks: dict[str, Any]

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes each service's class as it runs
        """Return a boto3 client."""
