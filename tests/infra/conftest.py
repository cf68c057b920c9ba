"""Fixtures of the tests of infra."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.server import EmbeddedAws
from tests.infra.local.listener.site import Site
from tests.support.private_ca import LocalCa
from tests.support.services import Services, empty_services


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
