"""Fixtures of the tests of the command line."""

from collections.abc import Iterator

import pytest

from infra.local.lab.lab import deployed_lab
from infra.local.lab.up import write_environment
from infra.local.server import EmbeddedAws
from tests.support.shell import Shell


@pytest.fixture(scope="module")
def shell(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return a shell as `make up` offers it, on an embedded AWS that this file alone uses."""
    embedded_aws.reset()
    settings, folder = embedded_aws.settings, tmp_path_factory.mktemp("shell")
    settings.private_ca.crl_delay_seconds = 0.5
    settings.trust_stores.write_burst = 1_000_000
    settings.events.sends_s3_events = False  # an execution would start beside those of the tests
    with deployed_lab(embedded_aws, folder / "pki") as lab:
        write_environment(folder / "env.sh", lab)
        yield Shell(folder)
    embedded_aws.reset()
    settings.restore_defaults()
