"""Small functions, roles and state machines for the tests of the embedded AWS itself."""

import io
import json
import zipfile
from typing import Any

import boto3
from botocore.config import Config

from infra.local.server import EmbeddedAws
from tests.support.waiting import eventually

BASIC = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}


def zipped(source: str) -> bytes:
    """Return a zip that holds one module, `app`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", source)
    return content.getvalue()


def role(
    aws: EmbeddedAws,
    *statements: dict[str, Any],
    name: str = "role",
    services: tuple[str, ...] = ("lambda", "states"),
) -> str:
    """Create a role that these services may assume, by default Lambda and Step Functions; return its ARN."""
    principal = {"Service": [f"{service}.amazonaws.com" for service in services]}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    client = aws.client("iam")
    arn: str = client.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    client.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_policy(*statements or (BASIC,)))
    return arn


def client_as(aws: EmbeddedAws, role_arn: str, service: str) -> Any:  # noqa: ANN401 - boto3 makes its class
    """Return a client that acts in a session of a role."""
    credentials = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="session")["Credentials"]
    session: Any = boto3.session.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        region_name=aws.settings.region,
    )
    return session.client(service, endpoint_url=aws.endpoint_url, config=Config(retries={"total_max_attempts": 1}))


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def function(aws: EmbeddedAws, source: str, **more: Any) -> str:  # noqa: ANN401 - arguments of CreateFunction
    """Create a function from the source of its module, with a role of its own; return its ARN."""
    arguments = {"FunctionName": "function", "Runtime": "python3.13", "Handler": "app.handler"} | more
    arguments.setdefault("Role", None)
    arguments["Role"] = arguments["Role"] or role(aws, name=f"{arguments['FunctionName']}-role")
    arn: str = aws.client("lambda").create_function(Code={"ZipFile": zipped(source)}, **arguments)["FunctionArn"]
    return arn


def invoke(aws: EmbeddedAws, event: object = None, name: str = "function") -> tuple[Any, str | None]:
    """Invoke a function; return its payload and the kind of error, if any."""
    response = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.load(response["Payload"]), response.get("FunctionError")


def machine(aws: EmbeddedAws, states: dict[str, Any], name: str = "machine") -> str:
    """Create a state machine that starts at its first state; return its ARN."""
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    arn: str = aws.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=role(aws, INVOKE, name=f"{name}-role")
    )["stateMachineArn"]
    return arn


def start(aws: EmbeddedAws, arn: str, input_: object = None) -> dict[str, Any]:
    """Run an execution to its end; return its description."""
    client = aws.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn, input=json.dumps(input_ or {}))["executionArn"]

    def ended() -> dict[str, Any] | None:
        description: dict[str, Any] = client.describe_execution(executionArn=execution)
        return description if description["status"] != "RUNNING" else None

    return eventually(ended, every=0.05, expected=f"end of {execution}")


def run(aws: EmbeddedAws, states: dict[str, Any], input_: object = None) -> dict[str, Any]:
    """Create a state machine and run it once."""
    return start(aws, machine(aws, states), input_)
