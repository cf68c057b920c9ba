"""Fixtures of the tests of infra."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.server import EmbeddedAws
from tests.support.listener import Site
from tests.support.private_ca import LocalCa
from tests.support.services import Services, empty_services
from tests.support.up import Up, bring_down, bring_up


@pytest.fixture(scope="module")
def services(embedded_aws: EmbeddedAws) -> Iterator[Services]:
    """Return the services of an embedded AWS that is empty at the start of the file."""
    with empty_services(embedded_aws) as empty:
        yield empty


@pytest.fixture
def site(services: Services, tmp_path: Path) -> Iterator[Site]:
    """Return a listener whose trust store holds no list."""
    site = Site(services, LocalCa.create(services), tmp_path)
    with site.listener:
        yield site


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Return a running `make up`, which all tests of the command line share."""
    running = bring_up(tmp_path_factory.mktemp("cli") / ".embedded", "--crl-after", "0.5")
    yield running
    assert bring_down(running) == 0
