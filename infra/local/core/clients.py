"""Create boto3 clients in one session, which reads the data that they share once: a tenth of a second a client."""

import threading
from typing import Any

import boto3

_lock = threading.Lock()  # a session is not thread-safe, its clients are
_sessions: list[boto3.session.Session] = []


def create_client(service: str, **arguments: Any) -> Any:  # noqa: ANN401 - boto3 makes each service's class as it runs
    """Return a client of a service, created with the arguments of `boto3.session.Session.client`."""
    with _lock:
        if not _sessions:
            _sessions.append(boto3.session.Session())
        session: Any = _sessions[0]
        return session.client(service, **arguments)
