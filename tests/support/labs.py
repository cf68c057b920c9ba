"""The deployed stack that the tests of one process share."""

import contextlib

import pytest

from infra.local.lab.lab import STACK, Lab, deployed_lab
from infra.local.server import EmbeddedAws


class LabCache:
    """Keeps one lab for the process, and builds another when a test has reset the embedded AWS below it."""

    def __init__(self, aws: EmbeddedAws, folders: pytest.TempPathFactory) -> None:
        """Start without a lab; the first `get` builds it."""
        self._aws, self._folders = aws, folders
        self._stack = contextlib.ExitStack()
        self._lab: Lab | None = None

    def get(self) -> Lab:
        """Return the lab; its rules are disabled, so that executions start only where a test starts them."""
        if self._lab is None or STACK not in self._aws.stacks:
            self.close()
            # The stack's roles may touch any trust store, so that each test can have its own.
            account = f"{self._aws.settings.region}:{self._aws.settings.account_id}"
            trust_stores = f"arn:aws:elasticloadbalancing:{account}:truststore/*/*"
            folder = self._folders.mktemp("lab")
            self._aws.settings.events.sends_s3_events = False
            self._lab = self._stack.enter_context(
                deployed_lab(self._aws, folder / "pki", TrustStoreArns=trust_stores, RevocationsPerSecond="200")
            )
            self._disable_rules("default", self._lab.outputs["EventBusName"])
            self._aws.settings.events.sends_s3_events = True
        return self._lab

    def _disable_rules(self, *buses: str) -> None:
        client = self._aws.client("events")
        for bus in buses:
            for rule in client.list_rules(EventBusName=bus)["Rules"]:
                client.disable_rule(Name=rule["Name"], EventBusName=bus)

    def close(self) -> None:
        """Stop the lab's listener and forget the lab."""
        self._stack.close()
        self._stack = contextlib.ExitStack()
