"""What all tests share: one embedded AWS for each pytest process, and one laboratory on it."""

import contextlib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import hypothesis
import pytest

from infra.build import build
from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.core.settings import Settings
from infra.local.lab.lab import STACK, Laboratory, laboratory
from infra.local.server import EmbeddedAws
from tests.support.workflow import Workflow

hypothesis.settings.register_profile("unhurried", deadline=None)  # how fast an example is read depends on the machine
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    """Start the one embedded AWS that a process can have; tests want `aws`, which is it in its first state."""
    build()
    with EmbeddedAws(Settings()) as aws:
        yield aws


@pytest.fixture
def aws(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """Return the embedded AWS, empty and with its first settings; whatever the test does to it is undone."""
    embedded_aws.reset()
    yield embedded_aws
    _restore(embedded_aws.settings)
    embedded_aws.reset()


def _restore(settings: Settings) -> None:
    fresh = Settings()
    for setting in fields(Settings):
        setattr(settings, setting.name, getattr(fresh, setting.name))


class _Laboratories:
    """The laboratory of this process; built anew when a test has emptied the AWS below it."""

    def __init__(self, aws: EmbeddedAws, factory: pytest.TempPathFactory) -> None:
        self._aws, self._factory = aws, factory
        self._stack = contextlib.ExitStack()
        self._made: Laboratory | None = None

    def get(self) -> Laboratory:
        if self._made is None or STACK not in self._aws.stacks:
            self.close()
            # The stack's roles may touch any trust store, so that each test has one of its own.
            account = f"{self._aws.settings.region}:{self._aws.settings.account_id}"
            every = f"arn:aws:elasticloadbalancing:{account}:truststore/*/*"
            folder = self._factory.mktemp("laboratory")
            self._aws.settings.events.s3_notifications = False  # the CA's first CRL may come before the rules are off
            self._made = self._stack.enter_context(
                laboratory(self._aws, folder / "pki", TrustStoreArns=every, RevocationsPerSecond="200")
            )
            _silence(self._aws, self._made.outputs["EventBusName"])
            self._aws.settings.events.s3_notifications = True
        return self._made

    def close(self) -> None:
        self._stack.close()
        self._stack = contextlib.ExitStack()


def _silence(aws: EmbeddedAws, *buses: str) -> None:
    """Disable the rules: executions start only where a test starts them. Tests of rules have a stack of their own."""
    client = aws.client("events")
    for bus in ("default", *buses):
        for rule in client.list_rules(EventBusName=bus)["Rules"]:
            client.disable_rule(Name=rule["Name"], EventBusName=bus)


@pytest.fixture(scope="session")
def laboratories(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Laboratories]:
    """Keep one laboratory for the process: its functions stay warm."""
    kept = _Laboratories(embedded_aws, tmp_path_factory)
    yield kept
    kept.close()


@pytest.fixture
def lab(laboratories: _Laboratories) -> Iterator[Laboratory]:
    """Return the laboratory with quick settings; settings and faults are undone afterwards, revocations stay."""
    made = laboratories.get()
    settings = made.aws.settings
    settings.private_ca.crl_after_seconds = settings.private_ca.crl_retry_seconds = 0.3
    settings.trust_stores.write_burst = settings.trust_stores.trust_stores = 1_000
    yield made
    faults.clear()
    _restore(settings)


@pytest.fixture
def workflow(lab: Laboratory, tmp_path: Path) -> Workflow:
    """Return the deployed state machine with an empty trust store, a good CRL of the CA lying in S3."""
    settled = Workflow(lab, "", tmp_path)
    settled.trust_store_arn = settled.another_trust_store()
    acm_pca.publish_now(lab.authority.arn)
    return settled
