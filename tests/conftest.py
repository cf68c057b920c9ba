"""Fixtures of all tests: one embedded AWS for each pytest process, and one lab on it.

The embedded AWS is imported where it is used, because a test of a pure function should start in a second.
"""

# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.lab.lab import Lab
    from infra.local.server import EmbeddedAws
    from tests.support.labs import LabCache
    from tests.support.workflow import Workflow


hypothesis.settings.register_profile("unhurried", deadline=None)  # how fast an example is read depends on the machine
hypothesis.settings.load_profile("unhurried")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case with bytes by its argument: the bytes differ from process to process, as keys and times do."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def embedded_aws() -> "Iterator[EmbeddedAws]":
    """Start the one embedded AWS that a process can have; tests use `aws`, which resets it."""
    from infra.build import build
    from infra.local.core.settings import Settings
    from infra.local.server import EmbeddedAws

    build()
    with EmbeddedAws(Settings()) as aws:
        yield aws


@pytest.fixture
def aws(embedded_aws: "EmbeddedAws") -> "Iterator[EmbeddedAws]":
    """Return the embedded AWS, empty and with default settings; whatever the test does to it is undone."""
    embedded_aws.reset()
    yield embedded_aws
    embedded_aws.settings.restore_defaults()
    embedded_aws.reset()


@pytest.fixture(scope="session")
def lab_cache(embedded_aws: "EmbeddedAws", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[LabCache[Lab]]":
    """Return the cache that keeps one lab for the process, so that its functions stay warm."""
    from infra.local.lab.lab import STACK
    from tests.support.labs import LabCache, lab_without_rules

    cache = LabCache(embedded_aws, tmp_path_factory, lab_without_rules, STACK)
    yield cache
    cache.close()


@pytest.fixture
def lab(lab_cache: "LabCache[Lab]") -> "Iterator[Lab]":
    """Return the lab with quick settings; settings and faults are undone afterwards, revocations stay."""
    from infra.local.core import faults
    from tests.support.waiting import use_quick_settings

    lab = lab_cache.get()
    settings = lab.aws.settings
    use_quick_settings(settings)
    yield lab
    faults.clear()
    settings.restore_defaults()


@pytest.fixture
def workflow(lab: "Lab", tmp_path: Path) -> "Workflow":
    """Return the deployed state machine with an empty trust store; the CA's current CRL is in S3."""
    from infra.local.acm_pca import service as acm_pca
    from tests.support.workflow import Workflow

    workflow = Workflow(lab, folder=tmp_path)
    acm_pca.publish_now(lab.authority.arn)
    return workflow
