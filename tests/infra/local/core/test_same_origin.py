"""The embedded AWS refuses requests of web pages from elsewhere: they would run code on the developer's machine."""

import http.client
import os
import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.local.core.access_key import ACCESS_KEY_ID, ANONYMOUS_PATH
from infra.local.core.same_origin import refusal
from infra.local.lambda_.runtime_api import PREFIX
from infra.local.server import EmbeddedAws
from tests.support import sandbox

FOREIGN = [
    {"Host": "page.example"},
    {"Host": "page.example:4566"},
    {"Host": "127.0.0.1.page.example"},
    {"Host": "localhost.page.example"},
    {"Host": "notlocalhost"},
    {"Host": "localhost@page.example"},
    {"Host": ""},
    {"Host": "page.example", "Origin": "http://page.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "https://page.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]

SIGNED = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20260101/{{}}/aws4_request, SignedHeaders=host, Signature=0"
FORM = (
    '--limit\r\nContent-Disposition: form-data; name="key"\r\n\r\nkey\r\n'
    '--limit\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\ncontent\r\n--limit--\r\n'
)

Request = tuple[str, str, str, dict[str, str]]

PREFLIGHT: Request = (
    "OPTIONS",
    "/2015-03-31/functions/function/invocations",
    "",
    {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-amz-target"},
)
JSON_POST: Request = (
    "POST",
    "/2015-03-31/functions/function/invocations",
    "{}",
    {"Authorization": SIGNED.format("eu-central-1/lambda"), "Content-Type": "application/json"},
)
FORM_POST: Request = ("POST", "/bucket", FORM, {"Content-Type": "multipart/form-data; boundary=limit"})
BUCKET: Request = ("PUT", "/other", "", {"Authorization": SIGNED.format("us-east-1/s3")})
LIST: Request = ("GET", "/bucket", "", {})
MOTO_PAGE: Request = ("GET", "/moto-api/", "", {})
MOTO_RESET: Request = ("POST", "/moto-api/reset", "", {"Content-Type": "application/x-www-form-urlencoded"})

EVERY = (PREFLIGHT, JSON_POST, FORM_POST, BUCKET, LIST, MOTO_PAGE, MOTO_RESET)


def send(aws: EmbeddedAws, request: Request, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """Send a request with further headers; return the status, headers and body of the response."""
    method, path, body, own = request
    with closing(http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc)) as connection:
        connection.request(method, path, body, {**own, **headers})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()


def exposed(headers: dict[str, str]) -> list[str]:
    """Return the headers that let another origin read a response."""
    return [name for name in headers if name.lower().startswith("access-control-")]


@pytest.fixture
def mark(aws: EmbeddedAws, tmp_path: Path) -> Path:
    """Create a bucket, and a function that creates a file; return the file's path."""
    path = tmp_path / "mark"
    sandbox.function(aws, f"import pathlib\ndef handler(event, context): pathlib.Path({os.fspath(path)!r}).touch()")
    aws.client("s3").create_bucket(
        Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": aws.settings.region}
    )
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "PUT", "POST"], "AllowedHeaders": ["*"]}
    aws.client("s3").put_bucket_cors(Bucket="bucket", CORSConfiguration={"CORSRules": [rule]})
    return path


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_request_is_refused_and_has_no_effect(aws: EmbeddedAws, mark: Path, headers: dict[str, str]) -> None:
    """Whatever it asks for: no function runs, nothing is written, reset or revealed."""
    name, value = next(iter(headers.items()))
    for request in EVERY:
        status, response_headers, body = send(aws, request, headers)
        assert (status, exposed(response_headers)) == (403, []), request
        assert body.startswith(f"Refused: the {name} header is {value!r}"), request
    assert not mark.exists()
    assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["bucket"]
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="bucket")


@pytest.mark.parametrize("kind", ["tool", "own page"])
def test_signed_requests_work_from_this_machine(aws: EmbeddedAws, mark: Path, kind: str) -> None:
    """Tools send neither Origin nor Sec-Fetch-Site; no response is readable by others."""
    headers = {} if kind == "tool" else {"Origin": aws.endpoint_url, "Sec-Fetch-Site": "same-origin"}
    responses = [send(aws, request, headers) for request in (JSON_POST, BUCKET)]
    assert [(status, exposed(response_headers)) for status, response_headers, _ in responses] == [(200, [])] * 2
    assert mark.exists()
    assert {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]} == {"bucket", "other"}


@pytest.mark.parametrize("key", ["", "test", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"])
def test_requests_without_a_known_access_key_are_refused(aws: EmbeddedAws, mark: Path, key: str) -> None:
    """A page of this machine, or a program that guesses, gets nothing: no function runs, and nothing is changed."""
    for method, path, body, own in EVERY:
        headers = {name: value.replace(ACCESS_KEY_ID, key) for name, value in own.items()}
        if not key:
            headers.pop("Authorization", None)
        status, response_headers, answer = send(aws, (method, path, body, headers), {})
        assert (status, exposed(response_headers)) == (403, []), path
        assert "access key" in answer or "security token" in answer or "InvalidClientTokenId" in answer
    assert not mark.exists()
    assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["bucket"]
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="bucket")


@pytest.mark.usefixtures("mark")
def test_pre_signed_addresses_need_a_known_access_key(aws: EmbeddedAws) -> None:
    """One of this AWS works without a header; with another key it does not."""
    aws.client("s3").put_object(Bucket="bucket", Key="key", Body=b"content")
    url = aws.client("s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    path = url.removeprefix(aws.endpoint_url)
    assert send(aws, ("GET", path, "", {}), {})[::2] == (200, "content")
    assert send(aws, ("GET", path.replace(ACCESS_KEY_ID, "AKIAIOSFODNN7EXAMPLE"), "", {}), {})[0] == 403
    assert send(aws, ("GET", f"{ANONYMOUS_PATH}guessed", "", {}), {})[0] == 403


@pytest.mark.usefixtures("mark")
def test_a_role_can_only_call_operations(aws: EmbeddedAws) -> None:
    """Its policies decide about operations alone: what is none, and pre-signed addresses, take an administrator."""
    client = sandbox.client_as(aws, sandbox.role(aws), "s3")
    path = client.generate_presigned_url("list_objects_v2", Params={"Bucket": "bucket"}).removeprefix(aws.endpoint_url)
    key = parse_qs(urlsplit(path).query)["X-Amz-Credential"][0].partition("/")[0]
    signed = {"Authorization": SIGNED.format("us-east-1/s3").replace(ACCESS_KEY_ID, key)}
    assert [send(aws, request, signed)[0] for request in (MOTO_RESET, MOTO_PAGE, LIST)] == [403] * 3
    assert send(aws, ("GET", path, "", {}), {})[0] == 403
    assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["bucket"]


def test_a_service_that_does_not_exist(aws: EmbeddedAws) -> None:
    """A request that is signed for one is refused like any other that is not an operation."""
    request = ("GET", "/", "", {"Authorization": SIGNED.format("us-east-1/nothing").replace(ACCESS_KEY_ID, "key")})
    assert send(aws, request, {})[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4566", "127.0.0.1", "[::1]:4566", "my-bucket.s3.localhost:1"])
def test_local_hosts_are_accepted(aws: EmbeddedAws, host: str) -> None:
    """They may have a port, and a bucket's name as a prefix."""
    assert send(aws, BUCKET, {"Host": host})[0] != 403


def test_a_request_without_host_is_refused(aws: EmbeddedAws) -> None:
    """HTTP/1.0 allows it, but no tool sends such a request."""
    with closing(http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc)) as connection:
        connection.putrequest("GET", "/moto-api/", skip_host=True)
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, response.read().decode()) == (403, refusal(None, None, None))


def test_a_head_request_is_refused_without_a_body(aws: EmbeddedAws) -> None:
    """A response to HEAD has only headers."""
    for header in ("Origin: null", "Accept: */*"):
        with socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint_url).port or 0)) as connection:
            connection.sendall(f"HEAD /bucket HTTP/1.0\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
            response = connection.makefile("rb").read()
        assert response.split(b" ")[1] == b"403"
        assert response.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("headers", [{"Host": "page.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_foreign_page_cannot_respond_for_a_function(aws: EmbeddedAws, headers: dict[str, str]) -> None:
    """The Runtime API of each function's process refuses the same requests."""
    sandbox.function(aws, "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    address, _ = sandbox.invoke(aws)
    with closing(http.client.HTTPConnection(address)) as connection:
        # It is served once the function's process has its next invocation, and before the process can respond.
        connection.request("POST", f"{PREFIX}invocation/any/response", '"forged"', headers)
        assert sandbox.invoke(aws) == (address, None)
        response = connection.getresponse()
        assert response.status == 403
        assert response.read().decode().startswith(f"Refused: the {next(iter(headers))} header is")


def test_only_the_request_in_flight_is_answered(aws: EmbeddedAws) -> None:
    """A program of this machine cannot answer for a function without the request's random ID."""
    sandbox.function(aws, "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    address, _ = sandbox.invoke(aws)
    for path in ("invocation/any/response", "invocation/None/response", "invocation/any/error", "init/error"):
        with closing(http.client.HTTPConnection(address)) as connection:
            connection.request("POST", f"{PREFIX}{path}", '"forged"')
            assert sandbox.invoke(aws) == (address, None)
            assert connection.getresponse().status == 400


def test_a_body_that_never_comes_does_not_hold_up_a_function(aws: EmbeddedAws) -> None:
    """The Runtime API serves one request after the other; a refused one must not keep the others waiting."""
    sandbox.function(
        aws, "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']", Timeout=60
    )
    address, _ = sandbox.invoke(aws)
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST {PREFIX}invocation/any/response HTTP/1.1\r\nHost: page.example\r\nContent-Length: 9\r\n\r\n".encode()
        )
        assert sandbox.invoke(aws) == (address, None)
        assert b" 403 " in connection.recv(100)
