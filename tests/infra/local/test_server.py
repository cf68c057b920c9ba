"""The embedded AWS starts, ends and restarts without leaving anything behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.core.settings import Settings
from infra.local.lambda_ import service as lambda_service
from infra.local.server import AlreadyRunning, EmbeddedAws, PortTaken
from tests.support import sandbox

ROOT = Path(__file__).parents[3]

LIFE = """
import threading, json
from infra.local.server import EmbeddedAws
from infra.local.core.settings import Settings
from tests.support import sandbox
for _ in range(2):
    with EmbeddedAws(Settings()) as aws:
        sandbox.function(aws, "import os\\ndef handler(event, context): return os.getpid()")
        process, _ = sandbox.invoke(aws)
        print(process)
assert threading.active_count() == 1, threading.enumerate()
"""


def test_the_server_ends_without_leaving_a_thread_or_a_process() -> None:
    """A process can start and end it twice, and has no further threads afterwards."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", LIFE]
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    for process in result.stdout.split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)


def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two programs cannot listen on one port: the error says which, and what to do."""
    monkeypatch.setattr(EmbeddedAws, "_running", None)
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(PortTaken, match=f"{other.getsockname()[1]}.*choose another"),
    ):
        EmbeddedAws(Settings(), other.getsockname()[1]).__enter__()


def test_a_port_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which, and the range."""
    monkeypatch.setattr(EmbeddedAws, "_running", None)
    with pytest.raises(PortTaken, match=r"Port 99999 cannot be listened on .*0-65535"):
        EmbeddedAws(Settings(), 99_999).__enter__()


def test_a_process_has_only_one(aws: EmbeddedAws) -> None:
    """A second embedded AWS would share the first one's state, so it is refused."""
    with pytest.raises(AlreadyRunning, match=aws.endpoint_url):
        EmbeddedAws(Settings()).__enter__()


def test_a_missing_build_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Functions cannot run without `make build`."""
    monkeypatch.setattr(EmbeddedAws, "_running", None)
    monkeypatch.setattr(lambda_service, "BUILD", tmp_path)
    monkeypatch.setattr("infra.local.server.acm_pca.install", lambda _settings: None)
    monkeypatch.setattr("infra.local.server.elbv2.install", lambda _settings: None)
    with pytest.raises(lambda_service.NotBuilt, match="make build"):
        EmbeddedAws(Settings()).__enter__()


def test_a_reset_deletes_everything_and_ends_processes(aws: EmbeddedAws) -> None:
    """After a reset no resource is left, and the server goes on."""
    sandbox.function(aws, "import os\ndef handler(event, context): return os.getpid()")
    process, _ = sandbox.invoke(aws)
    aws.client("s3").create_bucket(Bucket="some", CreateBucketConfiguration={"LocationConstraint": aws.settings.region})
    aws.reset()
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_aws_command_line_works_with_the_environment(aws: EmbeddedAws) -> None:
    """AWS's own command line needs no more than `environment()` returns."""
    command = [os.fspath(Path(sys.executable).parent / "aws"), "sts", "get-caller-identity", "--query", "Account"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **aws.environment()}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f'"{aws.settings.account_id}"'
