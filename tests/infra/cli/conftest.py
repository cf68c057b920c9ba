"""Fixtures of the tests of the command line."""

from collections.abc import Iterator

import pytest

from infra.local.lab.lab import deployed_lab
from infra.local.lab.up import write_environment
from infra.local.server import EmbeddedAws
from tests.support.shell import Shell
from tests.support.waiting import use_quick_settings


@pytest.fixture(scope="module")
def shell(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return a shell as `make up` offers it, on an embedded AWS that this file alone uses."""
    embedded_aws.reset()
    settings, folder = embedded_aws.settings, tmp_path_factory.mktemp("shell")
    use_quick_settings(settings)
    settings.events.sends_s3_events = False  # an execution would start beside those of the tests
    with deployed_lab(embedded_aws, folder / "pki") as lab:
        write_environment(folder / "env.sh", lab)
        yield Shell(folder)
    embedded_aws.reset()
    settings.restore_defaults()
