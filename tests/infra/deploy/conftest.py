"""Fixtures of the tests of the deployment."""

import pytest

from infra.deploy.account import Account, read_account
from infra.local.server import EmbeddedAws


@pytest.fixture
def shell(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """Return the embedded AWS, with the environment of a shell that uses it."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)  # restores what reading the account sets
    monkeypatch.setenv("SAM_CLI_POLL_DELAY", "0.1")
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return aws


@pytest.fixture
def account(shell: EmbeddedAws) -> Account:
    """Return the account and Region of the embedded AWS."""
    return read_account(shell.settings.region)
