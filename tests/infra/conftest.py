"""What several files of this folder share."""

from collections.abc import Iterator

import pytest

from tests.infra.test_up import Up, bring_down, bring_up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Keep one running for all tests of the command line."""
    running = bring_up(tmp_path_factory.mktemp("cli") / ".embedded", "--crl-after", "0.5")
    yield running
    assert bring_down(running) == 0
