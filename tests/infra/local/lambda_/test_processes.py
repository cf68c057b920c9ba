"""A forked process and a cold one are the same to a function, and nothing outlives the server."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.build import ROOT
from infra.local.lambda_ import fork_server
from infra.local.lambda_ import service as lambda_service
from infra.local.lambda_.processes import FunctionCode
from infra.local.server import EmbeddedAws
from tests.support import sandbox
from tests.support.waiting import eventually

SOURCE = """
import atexit, ctypes, logging, os, signal, subprocess, sys, threading, time

def handler(event, context):
    logging.getLogger().setLevel("INFO")
    logging.info("about to %s", event)
    print("to standard output"); print("to standard error", file=sys.stderr)
    return globals()[event](context)

def facts(context):
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LC_CTYPE"))}
    return {
        "variables": variables, "path": sys.path, "argv": sys.argv, "main": sys.modules["__main__"].__file__,
        "folder": os.getcwd(), "session": os.getsid(0) == os.getpid(), "zone": time.tzname, "umask": os.umask(0o22),
        "descriptors": sorted(os.readlink(f"/proc/self/fd/{each}").split(":")[0] for each in os.listdir("/proc/self/fd")
                              if os.path.exists(f"/proc/self/fd/{each}")),
        "signals": [str(signal.getsignal(each)) for each in signal.valid_signals() if each not in (9, 19)],
        "wakeup": signal.set_wakeup_fd(-1), "threads": threading.active_count(),
        "child": subprocess.run([sys.executable, "-c", "import os; print(os.getcwd())"], stdout=-1, text=True).stdout,
        "streams": [(each.encoding, each.line_buffering, each.write_through) for each in (sys.stdout, sys.stderr)],
    }

def raise_an_error(context): raise LookupError("for a reason")
def leave(context): sys.exit(3)
def leave_with_a_message(context): sys.exit("a message")
def leave_at_once(context): os._exit(4)
def leave_with_zero(context): os._exit(0)
def kill_itself(context): os.kill(os.getpid(), signal.SIGKILL)
def terminate_itself(context): os.kill(os.getpid(), signal.SIGTERM)
def interrupt_itself(context):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started all this with it ignored
    os.kill(os.getpid(), signal.SIGINT); time.sleep(600)
def abort(context): os.abort()
def crash(context): ctypes.string_at(0)
def hang(context): time.sleep(600)
def close_its_output(context): os.close(1); os.close(2); os._exit(5)
"""
# How the interpreter was started, in the traceback of an error that nothing catches.
_OWN_FRAME = re.compile(r'  File "(<frozen runpy>|.*/fork_server.py)"|    (main\(|runpy.)')
_VARYING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z?|Duration: [\d.]+|Root=1-[0-9a-f-]+"
    r"|embedded-lambda-\w+/tmp\w+|\"FORKED\": \"\w+\""
)
EVENTS = re.findall(r"^def (\w+)\(context\)", SOURCE, re.MULTILINE)


def outcome(aws: EmbeddedAws, event: str, *, forked: bool) -> tuple[str, str | None, list[str]]:
    """Invoke a new process; return payload, error and log without what differs from process to process."""
    aws.settings.functions.forks_processes = forked
    aws.client("lambda").update_function_configuration(
        FunctionName="function",
        Timeout=1 if event == "hang" else 120,
        Environment={"Variables": {"FORKED": str(forked)}},
    )
    before = len(lambda_service.logs("function"))
    payload, error = sandbox.invoke(aws, event)
    lines = lambda_service.logs("function")[before:]
    lines = [line for line in lines if not _OWN_FRAME.match(line)]
    return _VARYING.sub("", json.dumps(payload, indent=1)), error, [_VARYING.sub("", line) for line in lines]


@pytest.fixture
def function(aws: EmbeddedAws) -> EmbeddedAws:
    """Return an embedded AWS with one function."""
    sandbox.function(aws, SOURCE, Environment={"Variables": {}})
    return aws


@pytest.mark.parametrize("event", EVENTS)
def test_a_forked_process_behaves_as_a_cold_one(function: EmbeddedAws, event: str) -> None:
    """Same result, same error, same exit code, same log."""
    forked, cold = (outcome(function, event, forked=forked) for forked in (True, False))
    assert forked == cold
    assert (forked[1] is None) is (event == "facts")


def test_a_forked_process_has_imported_packages_and_nothing_else(aws: EmbeddedAws) -> None:
    """No client, no session and no data of boto3's exist before the function runs; awslambdaric is imported then."""
    source = """
        import gc, sys
        gc.unfreeze()  # the fork server has hidden its objects
        forked_with = {each for each in ("boto3", "pydantic", "cryptography") if each in sys.modules}
        import boto3, botocore.client, botocore.loaders, botocore.session
        kinds = (boto3.Session, botocore.client.BaseClient, botocore.loaders.Loader, botocore.session.Session)
        created = [repr(each) for each in gc.get_objects() if isinstance(each, kinds)]

        def handler(event, context):
            return {"created": created, "forked_with": sorted(forked_with), "default": boto3.DEFAULT_SESSION is None}
    """
    sandbox.function(aws, textwrap.dedent(source))
    assert sandbox.invoke(aws)[0] == {"created": [], "forked_with": ["boto3"], "default": True}
    assert "awslambdaric" not in "".join(fork_server.PRELOADED)


def test_two_functions_share_nothing(aws: EmbeddedAws) -> None:
    """Each has its own code, variables and credentials, although both are forked from one process."""
    source = """
        import os
        import app
        app.mark = getattr(app, "mark", "") + os.environ["NAME"]

        def handler(event, context):
            return [app.mark, os.environ["AWS_ACCESS_KEY_ID"], os.getppid()]
    """
    for name in ("one", "two"):
        code = textwrap.dedent(source) + f"# {name}"
        sandbox.function(aws, code, FunctionName=name, Environment={"Variables": {"NAME": name}})
    (mark, key, parent), (other_mark, other_key, other_parent) = (
        sandbox.invoke(aws, name=name)[0] for name in ("one", "two")
    )
    assert (mark, other_mark) == ("one", "two")
    assert key != other_key
    assert parent == other_parent


@pytest.mark.parametrize(
    ("file", "variables", "expected"),
    [
        ("app.py", {"NAME": "value"}, True),
        ("boto3/__init__.py", {}, False),
        ("pydantic.py", {}, False),
        ("app.py", {"PYTHONWARNINGS": "error"}, False),
        ("app.py", {"OPENSSL_CONF": "/own"}, False),
    ],
)
def test_code_that_would_notice_is_started_cold(
    tmp_path: Path, file: str, variables: dict[str, str], *, expected: bool
) -> None:
    """A zip with its own boto3, or a variable that is read as the interpreter starts, takes effect."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    assert FunctionCode("app.handler", tmp_path, (), variables).can_be_forked is expected


def test_boto3_of_a_function_takes_precedence(aws: EmbeddedAws) -> None:
    """The code of a function comes before the packages of the runtime, as on AWS."""
    archive = io.BytesIO(sandbox.zipped("import boto3\ndef handler(event, context): return boto3.__version__"))
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr("boto3.py", "__version__ = 'of its own'")
    sandbox.function(aws, "")
    aws.client("lambda").update_function_code(FunctionName="function", ZipFile=archive.getvalue())
    assert sandbox.invoke(aws) == ("of its own", None)


def test_a_killed_fork_server_is_replaced(aws: EmbeddedAws) -> None:
    """The next invocation has a new one, and the process that was forked from the killed one ends."""
    sandbox.function(aws, "import os\ndef handler(event, context): return os.getpid(), os.getppid()")
    (process, server), _ = sandbox.invoke(aws)
    os.kill(server, signal.SIGKILL)
    eventually(lambda: _has_ended(server) or None, expected="end of the fork server")
    (_, replacement), error = sandbox.invoke(aws)
    eventually(lambda: not _exists(process) or None, expected="end of the function's process")
    assert error is None
    assert replacement != server


def _has_ended(pid: int) -> bool:
    """Return whether a process has ended, even if nobody has waited for it yet."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


SERVER = """
import sys
from infra.local.core.settings import Settings
from infra.local.server import EmbeddedAws
from tests.support import sandbox

with EmbeddedAws(Settings()) as aws:
    sandbox.function(aws, "import os\\ndef handler(event, context): return os.getpid(), os.getppid()")
    print(*sandbox.invoke(aws)[0], flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("ends", [lambda server: server.stdin.close(), lambda server: server.kill()])
def test_no_process_outlives_the_server(ends: Callable[[subprocess.Popen[str]], None]) -> None:
    """Neither the function's process nor the one it was forked from, however the embedded AWS ends."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        processes = list(map(int, server.stdout.readline().split()))
        assert len(processes) == 2
        assert all(map(_exists, processes))
        ends(server)
        server.wait()
    eventually(lambda: not any(map(_exists, processes)) or None, expected=f"end of {processes}")


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
