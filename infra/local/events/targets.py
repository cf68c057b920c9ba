"""Send events to targets over HTTP as EventBridge does: in a role, or where a resource policy allows it.

Errors have the codes that EventBridge adds to messages in a dead-letter queue.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.iam_policy import PolicyNotEvaluated, is_service_allowed
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.iam.role_clients import RoleClients

SERVICE = "events.amazonaws.com"
SERVICES_WITH_ROLE = ("states",)
SERVICES = ("states", "sqs", "sns", "lambda")

_THROTTLING = {"ThrottlingException", "Throttling", "TooManyRequestsException", "ExecutionLimitExceeded", "SlowDown"}
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
_SERVER_ERROR = 500


class NotDelivered(Exception):
    """A target has not accepted an event."""

    def __init__(self, code: str, message: str, *, is_retryable: bool = False) -> None:
        """Create the error with EventBridge's code; only throttling and errors inside the target are retryable."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.is_retryable = is_retryable


def service_of(arn: str) -> str:
    """Return the service of an ARN."""
    return arn.split(":")[2]


def requires_json(arn: str) -> bool:
    """Return whether a target accepts only JSON."""
    return service_of(arn) in {"states", "lambda"}


class Sender:
    """A client of targets and dead-letter queues."""

    def __init__(self, settings: Settings, clients: RoleClients) -> None:
        """Send with these clients."""
        self._settings = settings
        self._clients = clients
        self._by_service: dict[str, Callable[[Mapping[str, Any], str, str, str], None]] = {
            "states": self._start_execution,
            "sqs": self._send_message,
            "sns": self._publish,
            "lambda": self._invoke,
        }

    def send(self, target: Mapping[str, Any], text: str, rule_arn: str, event_id: str) -> None:
        """Send a text to a target.

        Raises:
            NotDelivered: the target has not accepted it.

        """
        with _translate_errors():
            self._by_service[service_of(target["Arn"])](target, text, rule_arn, event_id)

    def send_undelivered(self, queue_arn: str, text: str, attributes: Mapping[str, str], rule_arn: str) -> None:
        """Send an event that could not be delivered to a dead-letter queue.

        Raises:
            NotDelivered: the queue does not exist, or its policy does not allow EventBridge.

        """
        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        with _translate_errors():
            self._to_queue(queue_arn, rule_arn, MessageBody=text, MessageAttributes=typed)

    def _start_execution(self, target: Mapping[str, Any], text: str, rule_arn: str, event_id: str) -> None:
        try:
            client = self._clients.get(self._settings.region, "stepfunctions", target["RoleArn"])
        except ServiceError as error:
            raise NotDelivered("FAILED_TO_ASSUME_ROLE", error.message) from error
        # The name is the same at each attempt, so that a lost response does not start a second execution.
        suffix = uuid.uuid5(uuid.NAMESPACE_URL, f"{rule_arn} {target['Id']} {event_id}")
        client.start_execution(stateMachineArn=target["Arn"], name=f"{event_id}_{suffix}", input=text)

    def _send_message(self, target: Mapping[str, Any], text: str, rule_arn: str, _: str) -> None:
        group = (target.get("SqsParameters") or {}).get("MessageGroupId")
        self._to_queue(target["Arn"], rule_arn, MessageBody=text, **({"MessageGroupId": group} if group else {}))

    def _to_queue(self, arn: str, rule_arn: str, **message: Any) -> None:  # noqa: ANN401 - as boto3 has it
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {}).get("Policy")
        self._require_permission(policy, "sqs:SendMessage", arn, rule_arn)
        sqs.send_message(QueueUrl=url, **message)

    def _publish(self, target: Mapping[str, Any], text: str, rule_arn: str, _: str) -> None:
        sns, arn = self._client("sns"), target["Arn"]
        policy = sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy")
        self._require_permission(policy, "sns:Publish", arn, rule_arn)
        sns.publish(TopicArn=arn, Message=text)

    def _invoke(self, target: Mapping[str, Any], text: str, rule_arn: str, _: str) -> None:
        client, arn = self._client("lambda"), target["Arn"]
        client.get_function(FunctionName=arn)
        try:
            policy = client.get_policy(FunctionName=arn)["Policy"]
        except client.exceptions.ResourceNotFoundException:
            policy = None
        self._require_permission(policy, "lambda:InvokeFunction", arn, rule_arn)
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes each service's class as it runs
        return self._clients.get(self._settings.region, service, None)

    def _require_permission(self, policy: str | None, action: str, resource: str, rule_arn: str) -> None:
        try:
            is_allowed = is_service_allowed(
                policy,
                service=SERVICE,
                action=action,
                resource=resource,
                source_arn=rule_arn,
                source_account=self._settings.account_id,
            )
        except PolicyNotEvaluated as error:
            raise NotDelivered("NO_PERMISSIONS", f"The policy of {resource} cannot be evaluated ({error})") from error
        if not is_allowed:
            message = f"User: {SERVICE} is not authorized to perform: {action} on resource: {resource}"
            raise NotDelivered("NO_PERMISSIONS", message)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _to_not_delivered(error) from error
    except BotoCoreError as error:
        raise NotDelivered("CONNECTION_FAILURE", str(error), is_retryable=True) from error


def _to_not_delivered(error: ClientError) -> NotDelivered:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    short_code = code.rpartition(".")[2]
    if short_code in _THROTTLING:
        return NotDelivered("THROTTLING", message, is_retryable=True)
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
        return NotDelivered("ERROR_FROM_TARGET", message, is_retryable=True)
    if short_code in _DENIED:
        return NotDelivered("NO_PERMISSIONS", message)
    if "NotFound" in short_code or "NotExist" in short_code or "NonExistent" in short_code:
        return NotDelivered("NO_RESOURCE", message)
    if short_code == "ExecutionAlreadyExists":
        return NotDelivered("RESOURCE_ALREADY_EXISTS", message)
    return NotDelivered("ERROR_FROM_TARGET", message)
