"""The labs that the tests of one process share: one with the whole stack, and one with what steps need of it."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from infra.local.cloudformation.deploy import deploy_packaged
from infra.local.lab.lab import BaseLab, Lab, create_trust_store, deployed_lab
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from infra.template import load_template

STEPS_STACK = "steps"
_STEPS_RESOURCES = (
    "CrlBucket",
    "CrlBucketPolicy",
    "WorkflowBucket",
    "WorkflowBucketPolicy",
    "EventBus",
    "NotificationTopic",
)
_STEPS_OUTPUTS = ("CrlBucketName", "WorkflowBucketName", "EventBusName", "NotificationTopicArn")

L = TypeVar("L", bound=BaseLab)


class LabCache(Generic[L]):
    """Keeps one lab for the process, and builds another when a test has reset the embedded AWS below it."""

    def __init__(
        self,
        aws: EmbeddedAws,
        folders: pytest.TempPathFactory,
        build: Callable[[EmbeddedAws, Path], AbstractContextManager[L]],
        stack: str,
    ) -> None:
        """Start without a lab; the first `get` builds it, with a stack of this name."""
        self._aws, self._folders, self._build, self._stack_name = aws, folders, build, stack
        self._stack = contextlib.ExitStack()
        self._lab: L | None = None

    def get(self) -> L:
        """Return the lab."""
        if self._lab is None or self._stack_name not in self._aws.stacks:
            self.close()
            self._lab = self._stack.enter_context(self._build(self._aws, self._folders.mktemp("lab") / "pki"))
        return self._lab

    def close(self) -> None:
        """Stop the lab's listener and forget the lab."""
        self._stack.close()
        self._stack = contextlib.ExitStack()


@contextlib.contextmanager
def lab_of_steps(aws: EmbeddedAws, folder: Path) -> Iterator[BaseLab]:
    """Yield a lab with those resources of the template that steps use, and no functions, roles and state machine."""
    folder.mkdir(parents=True)
    root = PrivateCa.create_root(aws, "Embedded Root CA")
    authority = PrivateCa.create_under(root, "Embedded Issuing CA")
    trust_store_arn = create_trust_store(aws, STEPS_STACK, [authority, root])
    template = load_template()
    part = {
        **{name: template[name] for name in ("Parameters", "Conditions")},
        "Resources": {name: template["Resources"][name] for name in _STEPS_RESOURCES},
        "Outputs": {name: template["Outputs"][name] for name in _STEPS_OUTPUTS},
    }
    parameters = {"CertificateAuthorityArn": authority.arn, "TrustStoreArns": trust_store_arn}
    outputs = deploy_packaged(aws, part, parameters, STEPS_STACK)
    authority.publish_crls_to(outputs["CrlBucketName"])
    yield BaseLab(aws, folder, root, authority, trust_store_arn, outputs)


@contextlib.contextmanager
def lab_without_rules(aws: EmbeddedAws, folder: Path) -> Iterator[Lab]:
    """Yield a lab whose rules are disabled, so that executions start only where a test starts them.

    The stack's roles may touch any trust store, so that each test can have its own.
    """
    account = f"{aws.settings.region}:{aws.settings.account_id}"
    trust_stores = f"arn:aws:elasticloadbalancing:{account}:truststore/*/*"
    aws.settings.events.sends_s3_events = False
    with deployed_lab(aws, folder, TrustStoreArns=trust_stores, RevocationsPerSecond="200") as lab:
        client = aws.client("events")
        for bus in ("default", lab.outputs["EventBusName"]):
            for rule in client.list_rules(EventBusName=bus)["Rules"]:
                client.disable_rule(Name=rule["Name"], EventBusName=bus)
        aws.settings.events.sends_s3_events = True
        yield lab
