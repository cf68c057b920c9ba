"""The command line as an operator meets it, against `make up`: what it shows, and exit codes to be trusted."""

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
from tests.support.command_line import is_accepted, issue_client, run
from tests.support.up import Up


def test_plan_then_start_then_report_and_list(up: Up) -> None:
    """A plan changes nothing; the report of the execution is found by its name; the list has it."""
    serial = issue_client(up, "planned")
    said = run(up, "revocation plan --certificate pki/planned.pem")
    assert "SUCCEEDED is expected" in said
    assert "will be revoked  for UNSPECIFIED  CN=planned, expires" in said
    assert re.search(r"Takes about 0 s to revoke, [1-9][0-9]* s until the CRL comes, 10 s to enforce", said)
    assert is_accepted(up, "planned")
    made = json.loads(run(up, f"revocation plan --json 0x{serial}"))
    assert made["Serials"][0]["Expected"] == "REVOKED"
    done = json.loads(run(up, f"revocation start --yes --json 0x{serial} 2>/dev/null"))
    assert done["status"] == "SUCCEEDED"
    name = done["executionArn"].rsplit(":", 1)[1]
    assert "1 of 1 certificates are enforced" in run(up, f"revocation report {name}")
    assert json.loads(run(up, f"revocation report --json {name}"))["Outcome"] == "SUCCEEDED"
    assert re.search(rf"{name}\s+SUCCEEDED", run(up, "revocation list"))
    assert name in [each["name"] for each in json.loads(run(up, "revocation list --json"))]
    assert re.search(rf"{name} .* 1 serials", run(up, "revocation list"))


def test_dry_run_of_the_stack(up: Up) -> None:
    """The stack itself makes the plan; a dry run is never called enforced."""
    serial = issue_client(up, "dry")
    said = run(up, f"revocation start --dry-run 0x{serial}")
    assert "nothing was done" in said
    assert "will be revoked  for UNSPECIFIED  CN=dry, expires" in said
    assert "AmbiguousSerial" in run(up, "revocation start --dry-run 1234", UNUSABLE)
    assert "cannot be revoked" in run(up, "revocation start --dry-run 0x1", NOT_ENFORCED)
    assert is_accepted(up, "dry")


def test_a_reconcile(up: Up) -> None:
    """Nothing to revoke, and the trust store up to date, is exit code 0."""
    assert "SUCCEEDED" in run(up, "revocation start --yes --reconcile")


# A terminal that answers: standard input goes to it, and the command has it as its controlling one.
TERMINAL = 'python -c \'import pty, sys; sys.exit(pty.spawn(["bash", "-c", sys.argv[1]]) >> 8)\''


@pytest.mark.parametrize(("answer", "code"), [("y", ENFORCED), ("n", UNUSABLE), ("", UNUSABLE)])
def test_it_asks_at_the_terminal(up: Up, answer: str, code: int) -> None:
    """The plan is shown first; also when a list comes by standard input, and anything but yes is no."""
    name = f"answer-{answer}"
    serial = issue_client(up, name)
    command = f"echo 0x{serial} | revocation start --list -"
    said = run(up, f'echo "{answer}" | {TERMINAL} "{command}"', code)
    asked = "Revoke 1 certificate for UNSPECIFIED? It cannot be undone. [y/N]"
    assert said.index(f"will be revoked  for UNSPECIFIED  CN={name}, expires") < said.index(asked)
    assert is_accepted(up, name) is (code != ENFORCED)


def test_not_waiting_and_watching(up: Up) -> None:
    """Exit code 4 says that it is still running; watching it to its end says what came of it."""
    serial = issue_client(up, "watched")
    made = json.loads(run(up, f"revocation start --yes --no-wait --json 0x{serial} 2>/dev/null", UNFINISHED))
    said = run(up, f"revocation watch {made['executionArn']}")
    assert "SUCCEEDED: 1 of 1" in said


def test_serials_are_shown_as_they_are(up: Up) -> None:
    """Octets that read like the names of emoji are octets."""
    said = run(up, "revocation start --yes 11:cd:22 11:ab:22", NOT_ENFORCED)
    assert re.search(r"RevokeCertificate  \(\d\)  11:cd:22 FAILED", said)
    assert "11:ab:22 (ResourceNotFoundException)" in said


# A shell that Ctrl-C reaches: what is started in the background has it ignored, and hands that on.
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


def test_what_is_stopped_being_watched_goes_on(up: Up) -> None:
    """Ctrl-C ends the watching alone, and says so; exit code 4."""
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
        said = process.stdout.read()
        process.stdout.close()
        assert process.wait(30) == UNFINISHED
    again = re.search(r"The execution goes on. Look again: (revocation watch \S+)", said)
    assert again
    assert "1 of 1 certificates are enforced" in run(up, again[1])


def test_a_trust_store_that_nothing_uses(up: Up) -> None:
    """It holds the list and refuses nobody: the plan says so, and the end does."""
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


def test_an_aborted_execution_is_no_success(up: Up) -> None:
    """ABORTED is exit code 1, watched or reported; while it runs, its report is still to come."""
    serial = issue_client(up, "aborted")
    with no_crl(up):
        made = json.loads(run(up, f"revocation start --yes --no-wait --json 0x{serial} 2>/dev/null", UNFINISHED))
        arn = made["executionArn"]
        up.until(f"aws stepfunctions get-execution-history --execution-arn {arn}", "WaitForCrl")
        assert "is RUNNING and has written no report" in run(up, f"revocation report {arn}", UNFINISHED)
        up.sh(f"aws stepfunctions stop-execution --execution-arn {arn}")
        assert "ABORTED" in run(up, f"revocation watch {arn}", NOT_ENFORCED)


@pytest.mark.parametrize(
    ("command", "code", "words"),
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
def test_what_cannot_be_done_is_said_in_one_line(up: Up, command: str, code: int, words: str) -> None:
    """Named, with an exit code, and without a stack trace; a private key is not shown."""
    said = run(up, f"{command} 2>&1", code)
    assert words in said
    assert "Traceback" not in said
    assert "BEGIN" not in said


def test_the_region_is_that_of_the_state_machine(up: Up) -> None:
    """Whatever the shell has: the ARN says it."""
    run(up, "AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 revocation list")


def test_the_region_is_that_of_the_aws_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION comes first, which boto3 does not read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    stack.use_region(None)
    assert boto3.Session().region_name == "eu-west-1"


@pytest.mark.parametrize("command", ["plan", "start", "watch", "report", "list"])
def test_help_shows_an_example(up: Up, command: str) -> None:
    """Each command shows how it is used."""
    assert f"revocation {command}" in run(up, f"revocation {command} --help").split("Options:")[0].split("\n\n", 1)[1]


def test_it_is_one_command() -> None:
    """The project's set-up installs it."""
    said = subprocess.run(["make", "-n", "-W", "requirements.txt", "lint"], capture_output=True, text=True, check=True)
    assert ".venv/bin/revocation" in said.stdout
