"""Keep boto3 clients with which a service of the embedded AWS acts in roles that it assumes."""

import threading
import time
from typing import Any
from uuid import uuid4

from botocore.config import Config

from infra.local.core.access_key import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from infra.local.core.clients import create_client
from infra.local.iam import enforcement

CLIENT_SECONDS = enforcement.SESSION_SECONDS / 2  # credentials of a client in use must not expire


class RoleClients:
    """Clients of one service principal, kept while their credentials are valid."""

    def __init__(self, endpoint_url: str, principal: str) -> None:
        """Call the server at `endpoint_url`, as the service `principal`."""
        self._endpoint_url = endpoint_url
        self._principal = principal
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str | None], tuple[float, Any]] = {}

    def get(self, region: str, service: str, role_arn: str | None) -> Any:  # noqa: ANN401 - boto3 makes its class
        """Return a client that acts in a role; without one, as the service itself, which no policy limits.

        Raises:
            ServiceError: the role does not exist, or does not trust the service.

        """
        key = (region, service, role_arn)
        with self._lock:
            created_at, client = self._clients.get(key, (0.0, None))
            if client is None or time.monotonic() - created_at > CLIENT_SECONDS:
                client = self._create(*key)
                self._clients[key] = (time.monotonic(), client)
        return client

    def clear(self) -> None:
        """Close and forget all clients; after a reset their credentials are unknown."""
        with self._lock:
            for _, client in self._clients.values():
                client.close()
            self._clients.clear()

    def _create(self, region: str, service: str, role_arn: str | None) -> Any:  # noqa: ANN401 - as `get`
        credentials: dict[str, str | None] = {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        }
        if role_arn is not None:
            credentials.update(enforcement.assume_role(role_arn, self._principal, uuid4().hex))
        return create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
            # A task outlives every time-out here; its own TimeoutSeconds ends it. Retries are the state machine's.
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                read_timeout=900,
                max_pool_connections=100,
            ),
        )
