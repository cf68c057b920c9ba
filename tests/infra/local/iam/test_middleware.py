"""What moto does not know, or fails at, is answered by a named error in the form of the service that was called."""

import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.server import EmbeddedAws


def error(call: Any, **arguments: object) -> tuple[int, str, str]:  # noqa: ANN401 - a method of boto3
    """Return the HTTP status, the code and the message of a refused call."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response: Any = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def test_actions_that_are_not_implemented(aws: EmbeddedAws) -> None:
    """501, which boto3 does not repeat: of services that are realized here, and of one that only moto has."""
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:machine"
    for refused in (
        error(aws.client("stepfunctions").list_state_machine_versions, stateMachineArn=arn),
        error(aws.client("service-quotas").list_services),
        error(aws.client("events").create_archive, ArchiveName="a", EventSourceArn=arn),
        error(aws.client("lambda").get_account_settings),  # moto answers a page of HTML
        error(aws.client("cloudformation").create_stack_set, StackSetName="a"),  # moto answers a success
        error(aws.client("stepfunctions").start_sync_execution, stateMachineArn=arn),  # at sync-…, where AWS has it
    ):
        assert refused[:2] == (501, "NotImplemented")
        assert "does not implement" in refused[2]


def test_faults_of_moto(aws: EmbeddedAws) -> None:
    """500 with a code, and not a page of HTML."""
    kms = aws.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    status, code, message = error(kms.disable_key, KeyId=arn)  # moto takes the ID alone
    assert (status, code) == (500, "InternalFailure")
    assert message.startswith("The embedded AWS failed: KeyError: 'arn:aws:kms:")


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("sesv2", "list_email_identities"),
        ("sso-admin", "list_instances"),
        ("resourcegroupstaggingapi", "get_resources"),
        ("opensearch", "list_domain_names"),
    ],
)
def test_services_that_are_signed_for_under_another_name(aws: EmbeddedAws, service: str, call: str) -> None:
    """Moto serves them as without this front."""
    assert getattr(aws.client(service), call)()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Amz-Target": "AWSEvents.ListRules", "Content-Type": "application/x-amz-json-1.1"}, '{"__type": "Missing'),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "<ErrorResponse><Error><Code>Missing"),
    ],
)
def test_a_request_without_a_key(aws: EmbeddedAws, headers: dict[str, str], expected: str) -> None:
    """It is refused in a form that tools can read."""
    request = urllib.request.Request(aws.endpoint_url, b"Action=ListTopics", headers)  # noqa: S310 - the local server
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310 - the local server
    assert refused.value.code == 403
    body = refused.value.read().decode()
    assert body.startswith(expected)
    assert "env.sh" in body
