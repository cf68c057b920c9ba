"""The command line as an operator uses it, against `make up`: its output and its exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from infra.cli import stack
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNFINISHED, UNREACHABLE, UNUSABLE
from tests.support.up import Up, is_accepted, issue_client, run


def test_plan_then_start_then_report_and_list(up: Up) -> None:
    """A plan changes nothing; the execution's report is found by its name; the list names it."""
    serial = issue_client(up, "planned")
    output = run(up, "revocation plan --certificate pki/planned.pem")
    assert "SUCCEEDED is expected" in output
    assert "will be revoked  for UNSPECIFIED  CN=planned, expires" in output
    assert re.search(r"Takes about 0 s to revoke, [1-9][0-9]* s until the CRL comes, 10 s to enforce", output)
    assert is_accepted(up, "planned")
    plan = json.loads(run(up, f"revocation plan --json 0x{serial}"))
    assert plan["Serials"][0]["Expected"] == "REVOKED"
    execution = json.loads(run(up, f"revocation start --yes --json 0x{serial} 2>/dev/null"))
    assert execution["status"] == "SUCCEEDED"
    name = execution["executionArn"].rsplit(":", 1)[1]
    assert "1 of 1 certificates are enforced" in run(up, f"revocation report {name}")
    assert json.loads(run(up, f"revocation report --json {name}"))["Outcome"] == "SUCCEEDED"
    assert re.search(rf"{name}\s+SUCCEEDED", run(up, "revocation list"))
    assert name in [each["name"] for each in json.loads(run(up, "revocation list --json"))]
    assert re.search(rf"{name} .* 1 serials", run(up, "revocation list"))


def test_dry_run_of_the_stack(up: Up) -> None:
    """The stack itself makes the plan; nothing is enforced."""
    serial = issue_client(up, "dry")
    output = run(up, f"revocation start --dry-run 0x{serial}")
    assert "nothing was done" in output
    assert "will be revoked  for UNSPECIFIED  CN=dry, expires" in output
    assert "AmbiguousSerial" in run(up, "revocation start --dry-run 1234", UNUSABLE)
    assert "cannot be revoked" in run(up, "revocation start --dry-run 0x1", NOT_ENFORCED)
    assert is_accepted(up, "dry")


def test_reconcile(up: Up) -> None:
    """Nothing to revoke, and an up-to-date trust store, is exit code 0."""
    assert "SUCCEEDED" in run(up, "revocation start --yes --reconcile")


# A terminal: it receives standard input, and is the command's controlling terminal.
TERMINAL = 'python -c \'import pty, sys; sys.exit(pty.spawn(["bash", "-c", sys.argv[1]]) >> 8)\''


@pytest.mark.parametrize(("answer", "code"), [("y", ENFORCED), ("n", UNUSABLE), ("", UNUSABLE)])
def test_start_asks_at_the_terminal(up: Up, answer: str, code: int) -> None:
    """The plan is shown first, also if a list comes from standard input; anything but yes is no."""
    name = f"answer-{answer}"
    serial = issue_client(up, name)
    command = f"echo 0x{serial} | revocation start --list -"
    output = run(up, f'echo "{answer}" | {TERMINAL} "{command}"', code)
    question = "Revoke 1 certificate for UNSPECIFIED? It cannot be undone. [y/N]"
    assert output.index(f"will be revoked  for UNSPECIFIED  CN={name}, expires") < output.index(question)
    assert is_accepted(up, name) is (code != ENFORCED)


def test_start_without_waiting_and_watch(up: Up) -> None:
    """Exit code 4: it is still running. Watching it to its end shows its outcome."""
    serial = issue_client(up, "watched")
    started = json.loads(run(up, f"revocation start --yes --no-wait --json 0x{serial} 2>/dev/null", UNFINISHED))
    output = run(up, f"revocation watch {started['executionArn']}")
    assert "SUCCEEDED: 1 of 1" in output


def test_serials_are_not_shown_as_emoji(up: Up) -> None:
    """Octets that look like the names of emoji, such as :cd:, are printed unchanged."""
    output = run(up, "revocation start --yes 11:cd:22 11:ab:22", NOT_ENFORCED)
    assert re.search(r"RevokeCertificate  \(\d\)  11:cd:22 FAILED", output)
    assert "11:ab:22 (ResourceNotFoundException)" in output


# A shell that reacts to Ctrl-C: processes started in the background inherit that it is ignored.
INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("bash", ["bash", "-c", sys.argv[1]])
"""


@contextmanager
def no_crl(up: Up) -> Iterator[None]:
    """Keep Private CA from writing its CRL."""
    s3, bucket = up.client("s3"), up.environment["CRL_BUCKET"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def test_execution_continues_when_watching_is_interrupted(up: Up) -> None:
    """Ctrl-C ends only the watching, and the message says so; exit code 4."""
    serial = issue_client(up, "unwatched")
    with no_crl(up):
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, f". ./env.sh; exec revocation start --yes 0x{serial}"],
            cwd=up.folder,
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(up.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        next(line for line in process.stdout if "FindCrl" in line)
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
        process.stdout.close()
        assert process.wait(30) == UNFINISHED
    match = re.search(r"The execution goes on. Look again: (revocation watch \S+)", output)
    assert match
    assert "1 of 1 certificates are enforced" in run(up, match[1])


def test_unused_trust_store_causes_a_warning(up: Up) -> None:
    """It holds the list and refuses nobody: the plan and the outcome say so."""
    serial = issue_client(up, "unused")
    elb = up.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    before = {name: listener["MutualAuthentication"][name] for name in ("Mode", "TrustStoreArn")}
    elb.modify_listener(ListenerArn=listener["ListenerArn"], MutualAuthentication={"Mode": "passthrough"})
    warning = "Warning: no load balancer uses"
    try:
        assert warning in run(up, f"revocation plan 0x{serial}")
        assert warning in run(up, f"revocation start --yes 0x{serial}")
    finally:
        elb.modify_listener(ListenerArn=listener["ListenerArn"], MutualAuthentication=before)
    assert not is_accepted(up, "unused")


def test_aborted_execution_is_not_a_success(up: Up) -> None:
    """ABORTED is exit code 1; while the execution runs, there is no report."""
    serial = issue_client(up, "aborted")
    with no_crl(up):
        started = json.loads(run(up, f"revocation start --yes --no-wait --json 0x{serial} 2>/dev/null", UNFINISHED))
        arn = started["executionArn"]
        up.until(f"aws stepfunctions get-execution-history --execution-arn {arn}", "WaitForCrl")
        assert "is RUNNING and has written no report" in run(up, f"revocation report {arn}", UNFINISHED)
        up.sh(f"aws stepfunctions stop-execution --execution-arn {arn}")
        assert "ABORTED" in run(up, f"revocation watch {arn}", NOT_ENFORCED)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("revocation plan 1234", UNUSABLE, "AmbiguousSerial"),
        ("revocation plan", UNUSABLE, "give serials, --certificate, --list"),
        ("revocation start --yes", UNUSABLE, "give serials, --certificate, --list"),
        ("revocation start --yes --crl x 0x1", UNUSABLE, "SERIALS and --crl exclude each other"),
        ("revocation plan -c - -l -", UNUSABLE, "standard input is given twice"),
        (
            "revocation plan pki/alice.pem",
            UNUSABLE,
            "pki/alice.pem is a file, not a serial number: give it",
        ),
        ("revocation plan --trust-store arn:aws:x 0x1", UNUSABLE, "is not one of the stack's"),
        ("revocation plan --ca arn:aws:x 0x1", UNUSABLE, "is not the stack's CA"),
        ("touch empty; revocation plan -c empty", UNUSABLE, "empty is empty"),
        ("revocation plan --crl empty", UNUSABLE, "CrlMalformed: empty: "),
        ("revocation list --limit -1", UNUSABLE, "--limit"),
        ("revocation --stack nowhere list", UNUSABLE, "no stack 'nowhere'"),
        ("STATE_MACHINE_ARN=mtls revocation list", UNUSABLE, "'mtls' is not a state machine's ARN"),
        ("AWS_ENDPOINT_URL=127.0.0.1:9 revocation list", UNUSABLE, "write http://127.0.0.1:9"),
        ("revocation find pki/alice.pem --subject alice", UNUSABLE, "is not a connection log"),
        ("revocation start --yes '[/x]'", UNUSABLE, "serial number '[/x]' is not hexadecimal"),
        ("setsid revocation start 0x1", UNUSABLE, "give --yes"),
        ("revocation plan --certificate none.pem", UNUSABLE, "none.pem cannot be read: No such file"),
        ("revocation plan --certificate pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("revocation start --yes --certificate pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("revocation start --yes --list pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("revocation start --yes --crl pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ('revocation start --yes "$(cat pki/alice.key)"', UNUSABLE, "PrivateKeyGiven"),
        ("truncate -s 1G huge; revocation start --yes --list huge", UNUSABLE, "more than 52,428,800 bytes"),
        ("revocation start --yes --list pki/alice.pem", UNUSABLE, "give it with --certificate"),
        ("echo xyzzy | revocation plan --list -", UNUSABLE, "line 1: InvalidSerial"),
        ("revocation plan --reason STOLEN 0x1", UNUSABLE, "STOLEN"),
        ("revocation plan 0xabcdef", NOT_ENFORCED, "ResourceNotFoundException"),
        ("revocation report nobody", UNUSABLE, "ExecutionDoesNotExist"),
        ("revocation watch nobody", UNUSABLE, "ExecutionDoesNotExist"),
        ("revocation plan --all-trust-stores 0x1", UNUSABLE, "may change only"),
        ("revocation plan --list s3://x", UNUSABLE, "s3://x is not of the form s3://bucket/key"),
        (
            "revocation plan -l s3://$INPUT_BUCKET/inputs/s.txt $(seq -f 0x8%06g 501)",
            UNUSABLE,
            "put all of them into the list",
        ),
        ("revocation find $(printf a%.0s $(seq 300))", UNUSABLE, "cannot be read: File name too long"),
        ("revocation nonsense", UNUSABLE, "No such command"),
        ("STATE_MACHINE_ARN= revocation --stack nowhere list", UNUSABLE, "no stack 'nowhere'"),
        ("AWS_ENDPOINT_URL=http://127.0.0.1:9 AWS_MAX_ATTEMPTS=1 revocation list", UNREACHABLE, "could not be reached"),
    ],
)
def test_refusal_is_one_line(up: Up, command: str, code: int, message: str) -> None:
    """It names the problem, has no stack trace, and does not repeat a private key."""
    output = run(up, f"{command} 2>&1", code)
    assert message in output
    assert "Traceback" not in output
    assert "BEGIN" not in output


def test_region_is_that_of_the_state_machine(up: Up) -> None:
    """The Region in the ARN counts more than the shell's."""
    run(up, "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 revocation list")


def test_region_is_that_of_the_aws_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION takes precedence, which boto3 does not read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    stack.use_region(None)
    assert boto3.Session().region_name == "eu-west-1"


@pytest.mark.parametrize("command", ["plan", "start", "watch", "report", "list"])
def test_help_shows_an_example(up: Up, command: str) -> None:
    """Each command shows how it is used."""
    assert f"revocation {command}" in run(up, f"revocation {command} --help").split("Options:")[0].split("\n\n", 1)[1]


def test_revocation_command_is_installed() -> None:
    """Setting up .venv installs it."""
    command = ["make", "-n", "-W", "requirements.txt", "lint"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ".venv/bin/revocation" in result.stdout
