"""Fixtures of the tests of the deployment."""

import pytest

from infra.local.server import EmbeddedAws


@pytest.fixture
def shell(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """Return the embedded AWS, with the environment of a shell that uses it."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return aws
