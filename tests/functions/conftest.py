"""The steps in this process, on the embedded AWS over HTTP."""

from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import botocore.endpoint
import pytest

from functions.aws import acm_pca as aws_acm_pca
from functions.aws import elbv2 as aws_elbv2
from functions.aws import s3 as aws_s3
from functions.environment import environment
from infra.local.core import faults
from infra.local.lab.lab import Laboratory
from infra.local.server import EmbeddedAws
from tests.support.steps import Bench

_CLIENTS = (aws_acm_pca._acm_pca, aws_elbv2._elbv2, aws_s3._s3)  # noqa: SLF001 - they live as long as a Lambda's process does


@pytest.fixture(scope="session")
def warm(embedded_aws: EmbeddedAws) -> Iterator[None]:
    """Let the functions' clients live from test to test, as they do in a warm Lambda."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in embedded_aws.environment().items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        clients = [aws_acm_pca._acm_pca(), aws_elbv2._elbv2(), aws_elbv2._elbv2(aws_elbv2._NO_RETRIES), aws_s3._s3()]  # noqa: SLF001
    yield
    for client in clients:
        client.close()
    for cached in _CLIENTS:
        cached.cache_clear()


@pytest.fixture
def lambda_environment(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set the environment of a function of the stack; what a test sets itself counts before the first step runs."""
    monkeypatch.setenv("WORKFLOW_BUCKET", lab.outputs["WorkflowBucketName"])
    monkeypatch.setenv("CERTIFICATE_AUTHORITY_ARN", lab.authority.arn)
    monkeypatch.setenv("POLL_INTERVAL_SECONDS", "1")
    monkeypatch.setenv("DEADLINE_SECONDS", "300")
    environment.cache_clear()
    yield monkeypatch
    environment.cache_clear()


@pytest.fixture
def bench(warm: None, lab: Laboratory, lambda_environment: pytest.MonkeyPatch) -> Iterator[Bench]:  # noqa: ARG001
    """Give a workbench with an empty trust store; all trust stores that the test made are deleted after it."""
    limits = lab.aws.settings.trust_stores
    limits.write_burst = limits.trust_stores = 1_000_000
    client = lab.aws.client("elbv2")
    before = {each["TrustStoreArn"] for each in client.describe_trust_stores()["TrustStores"]}
    yield Bench(lab)
    faults.clear()
    made = {each["TrustStoreArn"] for each in client.describe_trust_stores()["TrustStores"]} - before
    for arn in made:
        client.delete_trust_store(TrustStoreArn=arn)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 try again at once."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
