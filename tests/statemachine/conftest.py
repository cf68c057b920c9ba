"""Workflows that are watched for a weaker trust store or for any change, and a stack whose rules are enabled."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws
from tests.statemachine.live_stack import LiveStack
from tests.support.waiting import use_quick_settings
from tests.support.workflow import Workflow

_EFFECTS = re.compile(r":(RevokeCertificate|AddTrustStoreRevocations|RemoveTrustStoreRevocations|PutObject)$")
# The report and its notification; and the tests' own bundles of CA certificates and inputs.
_NO_EFFECT = re.compile(r"executions/[^/]+/(report\.(json|md)|notified\.json)$|:embedded-ca-bundles/|-inputbucket-")


@pytest.fixture
def guarded(workflow: Workflow) -> Iterator[Workflow]:
    """Return a workflow whose trust store refuses some serials, and check at every call that it still does."""
    ca = acm_pca.certificate_authority(workflow.authority.arn)
    ca.crls.overrides = {}
    _revoke_two(workflow)
    workflow.add(acm_pca.publish_now(ca.arn))
    soon = datetime.now(UTC) + timedelta(hours=1)  # CRLs drop expired certificates
    before = {serial for serial in workflow.held() if ca.revocations[serial].expires > soon}
    lapses: list[tuple[str, str]] = []

    def check(action: str, resource: str) -> None:
        lists = embedded_elbv2.trust_store(workflow.trust_store_arn).lists.values()
        if not before <= frozenset().union(*(each.serials for each in lists)):
            lapses.append((action, resource))

    faults.observe(check)
    yield workflow
    ca.crls.overrides = {}
    check("the end of the test", "")
    assert lapses == [], "the trust store was less strict than before"


def _revoke_two(workflow: Workflow) -> None:
    """Revoke two certificates; their CRL is published at once."""
    private_ca = workflow.aws.settings.private_ca
    usual, private_ca.crl_delay_seconds = private_ca.crl_delay_seconds, 0.01
    workflow.revoke_elsewhere(*workflow.clients(2))
    private_ca.crl_delay_seconds = usual


@pytest.fixture
def untouched(guarded: Workflow) -> Iterator[Workflow]:
    """Return a workflow that may only write its report."""
    ca = acm_pca.certificate_authority(guarded.authority.arn)
    revoked, lists = set(ca.revocations), list(guarded.lists())
    effects: list[tuple[str, str]] = []

    def note(action: str, resource: str) -> None:
        if _EFFECTS.search(action) and not _NO_EFFECT.search(resource):
            effects.append((action, resource))

    faults.observe(note)
    yield guarded
    assert effects == [], "a refused request had an effect"
    assert set(ca.revocations) == revoked
    assert list(guarded.lists()) == lists


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """Return a stack that this file alone uses, for one trust store, whose rules are enabled."""
    embedded_aws.reset()
    embedded_aws.settings.events.sends_s3_events = False
    folder = tmp_path_factory.mktemp("live")
    with deployed_lab(
        embedded_aws, folder / "pki", GiveWaySeconds="1", DelayNoticeSeconds="1", DeadlineSeconds="120"
    ) as lab:
        yield LiveStack(Workflow(lab, lab.trust_store_arn, folder=folder))
    embedded_aws.reset()
    embedded_aws.settings.restore_defaults()


@pytest.fixture
def live(stack: LiveStack) -> Iterator[LiveStack]:
    """Return the stack with the current CRL attached; S3's events are off until a test enables them."""
    settings = stack.aws.settings
    use_quick_settings(settings)
    acm_pca.publish_now(stack.lab.authority.arn)
    assert stack.reconcile().status == "SUCCEEDED"
    stack.receive_notifications()
    stack.receive_events()
    yield stack
    settings.events.sends_s3_events = False
    stack.settle()
    faults.clear()
    settings.restore_defaults()
    settings.events.sends_s3_events = False
