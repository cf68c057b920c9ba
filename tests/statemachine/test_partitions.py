"""The stack works in AWS's other partitions, where ARNs and the console's addresses begin otherwise."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local.cloudformation.intrinsics import Resolver
from infra.local.lab.handshake import connect
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws
from infra.template import load_template
from tests.support.waiting import use_quick_settings
from tests.support.workflow import Workflow


@pytest.fixture
def aws_in_china(aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """Return the embedded AWS in a Region of China."""
    aws.settings.region = "cn-north-1"
    use_quick_settings(aws.settings)
    aws.reset()
    yield aws
    aws.settings.restore_defaults()


def test_a_revocation(aws_in_china: EmbeddedAws, tmp_path: Path) -> None:
    """A certificate is revoked and refused; everything is named in the partition."""
    with deployed_lab(aws_in_china, tmp_path / "pki") as lab:
        assert lab.outputs["StateMachineArn"].startswith("arn:aws-cn:states:cn-north-1:")
        workflow = Workflow(lab, folder=tmp_path)
        execution = workflow.wait(workflow.start_with({"Serials": [f"hex:{lab.clients['mallory'].serial:x}"]}))
        assert execution.status == "SUCCEEDED", execution.cause
        for name, one in lab.clients.items():
            accepted = connect(lab.listener.port, one.certificate, one.key, lab.ca_file).accepted
            assert accepted == (name != "mallory")


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "region.console.aws.amazon.com"),
        ("aws-cn", "region.console.amazonaws.cn"),
        ("aws-us-gov", "region.console.amazonaws-us-gov.com"),
    ],
)
def test_the_console(partition: str, host: str) -> None:
    """Each partition has a console of its own."""
    template = load_template()
    names = {"AWS::Partition": partition, "AWS::Region": "region", "RevocationStateMachine": "arn", "Dashboard": "name"}
    resolver = Resolver(names, template["Conditions"])
    for output in ("ConsoleUrl", "DashboardUrl"):
        assert urlsplit(resolver.resolve(template["Outputs"][output]["Value"])).netloc == host
