"""The steps in this process, on the embedded AWS over HTTP."""

# ruff: noqa: PLC0415 - what only steps need is imported where it is used, because a pure test starts without it

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.environment import environment

if TYPE_CHECKING:
    from infra.local.lab.lab import BaseLab
    from infra.local.server import EmbeddedAws
    from tests.support.labs import LabCache
    from tests.support.reporting import ReceiveMessages
    from tests.support.steps import Steps


@pytest.fixture(scope="session")
def lab_cache(embedded_aws: "EmbeddedAws", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[LabCache[BaseLab]]":
    """Return the cache that keeps one lab for the process, without the stack's functions."""
    from tests.support.labs import STEPS_STACK, LabCache, lab_of_steps

    cache = LabCache(embedded_aws, tmp_path_factory, lab_of_steps, STEPS_STACK)
    yield cache
    cache.close()


@pytest.fixture(scope="session")
def warm_clients(embedded_aws: "EmbeddedAws") -> Iterator[None]:
    """Keep the functions' clients from test to test, as a warm Lambda does."""
    import boto3

    from functions.aws import acm_pca, elbv2, s3

    with pytest.MonkeyPatch.context() as patch:
        for name, value in embedded_aws.environment().items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        clients = [acm_pca._acm_pca(), elbv2._elbv2(), elbv2._elbv2(elbv2._NO_RETRIES), s3._s3()]  # noqa: SLF001
    yield
    for client in clients:
        client.close()
    for cached in (acm_pca._acm_pca, elbv2._elbv2, s3._s3):  # noqa: SLF001 - they live as long as a Lambda's process does
        cached.cache_clear()


@pytest.fixture
def lambda_environment(lab: "BaseLab", monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set the environment of a function of the stack; what a test sets itself counts before the first step runs."""
    monkeypatch.setenv("WORKFLOW_BUCKET", lab.outputs["WorkflowBucketName"])
    monkeypatch.setenv("CERTIFICATE_AUTHORITY_ARN", lab.authority.arn)
    monkeypatch.setenv("POLL_INTERVAL_SECONDS", "1")
    monkeypatch.setenv("DEADLINE_SECONDS", "300")
    environment.cache_clear()
    yield monkeypatch
    environment.cache_clear()


@pytest.fixture
def steps(
    warm_clients: None,  # noqa: ARG001
    lab: "BaseLab",
    lambda_environment: pytest.MonkeyPatch,  # noqa: ARG001
) -> "Iterator[Steps]":
    """Yield the steps with an empty trust store; delete all trust stores that the test created afterwards."""
    from infra.local.core import faults
    from tests.support.steps import Steps

    client = lab.aws.client("elbv2")
    before = {each["TrustStoreArn"] for each in client.describe_trust_stores()["TrustStores"]}
    yield Steps(lab)
    faults.clear()
    created = {each["TrustStoreArn"] for each in client.describe_trust_stores()["TrustStores"]} - before
    for arn in created:
        client.delete_trust_store(TrustStoreArn=arn)


@pytest.fixture
def load_balancer_arn(steps: "Steps") -> str:
    """Return the load balancer whose listener has the lab's trust store; the first test creates both."""
    from infra.local.lab.lab import create_listener

    lab, client = steps.lab, steps.lab.aws.client("elbv2")
    describe = client.describe_trust_store_associations
    if not describe(TrustStoreArn=lab.trust_store_arn)["TrustStoreAssociations"]:
        server = lab.authority.issue_server(lab.folder, "listener")
        create_listener(lab.aws, lab.trust_store_arn, server, "steps")
    (association,) = describe(TrustStoreArn=lab.trust_store_arn)["TrustStoreAssociations"]
    return str(association["ResourceArn"])


@pytest.fixture
def receive_messages(steps: "Steps", lambda_environment: pytest.MonkeyPatch) -> "Iterator[ReceiveMessages]":
    """Subscribe a queue to the notification topic; yield a function that returns the messages since its last call."""
    import boto3

    from functions.aws import events, sns, stepfunctions

    outputs, sqs_client, sns_client = steps.lab.outputs, steps.lab.aws.client("sqs"), steps.lab.aws.client("sns")
    lambda_environment.setenv("TOPIC_ARN", outputs["NotificationTopicArn"])
    lambda_environment.setenv("EVENT_BUS_NAME", outputs["EventBusName"])
    lambda_environment.setenv("CRL_BUCKET", "the-crl-bucket")
    environment.cache_clear()
    for name, value in steps.lab.aws.environment().items():
        lambda_environment.setenv(name, value)
    lambda_environment.setattr(boto3, "DEFAULT_SESSION", None)  # it may have another test's access key
    queue = sqs_client.create_queue(QueueName=steps.name)["QueueUrl"]
    queue_arn = sqs_client.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns_client.subscribe(TopicArn=outputs["NotificationTopicArn"], Protocol="sqs", Endpoint=queue_arn)

    def receive() -> list[dict[str, Any]]:
        messages = sqs_client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    yield receive
    sns_client.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs_client.delete_queue(QueueUrl=queue)
    for cached in (sns._sns, events._events, stepfunctions._stepfunctions):  # noqa: SLF001 - clients of this AWS
        cached.cache_clear()


@pytest.fixture
def no_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make boto3 retry without a pause, and as often as configured, however often other tests made a client retry."""
    import botocore.endpoint
    from botocore.retries.quota import RetryQuota

    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(RetryQuota, "acquire", lambda _quota, _capacity: True)
