"""The account and Region that a stack is deployed to."""

import os
from dataclasses import dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError


class Refused(Exception):
    """What was asked for cannot be done. Nothing was changed, and the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account, a Region, and the ARN of the caller."""

    account_id: str
    region: str
    caller: str

    @property
    def partition(self) -> str:
        """The partition, e.g. aws or aws-cn."""
        return self.caller.split(":")[1]


def read_account(region: str | None) -> Account:
    """Ask AWS whose credentials these are; without a Region, the one that the aws command uses counts.

    Raises:
        Refused: there is no Region, or there are no valid credentials.

    """
    region = region or os.environ.get("AWS_REGION") or boto3.Session().region_name  # boto3 does not read AWS_REGION
    if not region:
        raise Refused("no AWS Region is set: add REGION=eu-central-1, or set AWS_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region  # from where every client below takes it
    try:
        identity = boto3.client("sts").get_caller_identity()
    except NoCredentialsError:
        raise Refused(
            "no AWS credentials were found: run `aws configure` or `aws sso login`, or set AWS_PROFILE"
        ) from None
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"AWS does not accept the credentials, or cannot be reached: {error}") from None
    return Account(identity["Account"], region, identity["Arn"])
