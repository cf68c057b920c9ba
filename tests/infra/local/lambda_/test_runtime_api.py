"""The Runtime API serves the function's own process: other requests neither take an invocation nor stop it."""

import http.client
import socket
import subprocess
from contextlib import closing

import pytest

from infra.local.lambda_.runtime_api import NEXT, PREFIX, ExecutionEnvironment
from infra.local.server import EmbeddedAws
from tests.support import sandbox

ADDRESS = "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']"
# The function sends the other program's request: so it is certain that its own is in flight.
GET = """
import http.client, os
def handler(path, context):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, [name for name in response.headers if name.startswith("Lambda-Runtime")]
"""
POST = f"POST {PREFIX}invocation/any/response HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/favicon.ico", 404), (PREFIX, 404), (NEXT, 403)])
def test_no_other_program_takes_an_invocation(aws: EmbeddedAws, path: str, status: int) -> None:
    """It has the event, and the random ID with which a program could respond in the function's place."""
    sandbox.function(aws, GET)
    assert sandbox.invoke(aws, path) == ([status, []], None)


@pytest.mark.parametrize(
    "request_",
    [
        f"{POST}\r\n",
        f"{POST}Content-Length: many\r\n\r\n",
        f"{POST}Content-Length: -1\r\n\r\n",
        f"{POST}Content-Length: 9\r\n\r\n",
        "",
    ],
    ids=repr,
)
def test_no_other_program_holds_up_a_function(aws: EmbeddedAws, request_: str) -> None:
    """One thread serves all requests: none ends it, and an incomplete one does not keep the function waiting."""
    sandbox.function(aws, ADDRESS, Timeout=60)
    address, _ = sandbox.invoke(aws)
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request_.encode())
        assert sandbox.invoke(aws) == (address, None)


@pytest.mark.parametrize("path", ["None/response", "None/error"])
def test_nobody_answers_an_invocation_before_it_is_taken(path: str) -> None:
    """No request is in flight while the process has not asked for one; the next invocation would get the answer."""
    addresses: list[str] = []

    def start(address: str, output: int) -> subprocess.Popen[bytes]:
        addresses.append(address)
        return subprocess.Popen(["sleep", "600"], stdout=output)

    environment = ExecutionEnvironment(start, print)
    try:
        with closing(http.client.HTTPConnection(addresses[0])) as connection:
            connection.request("POST", f"{PREFIX}invocation/{path}", '"forged"')
            assert connection.getresponse().status == 400
    finally:
        environment.close()
