"""Every call of Amazon SNS: one function per API action."""

import functools
from typing import TYPE_CHECKING

import boto3

from functions.aws.client import PATIENT, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@functools.cache
def _sns() -> "SNSClient":
    return boto3.client("sns", config=PATIENT)


def publish(topic_arn: str, subject: str, message: str) -> str:
    """Send a message to a topic's subscribers and return its id."""
    with translate_errors("Publish", topic_arn):
        return _sns().publish(TopicArn=topic_arn, Subject=subject, Message=message)["MessageId"]
