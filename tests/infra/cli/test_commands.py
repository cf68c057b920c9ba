"""The command line as an operator uses it, against the embedded AWS: its output and its exit codes."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest

from functions.version import VERSION
from infra.cli import stack
from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNFINISHED, UNREACHABLE, UNUSABLE
from infra.local.core.settings import Settings
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from tests.support.shell import Shell, is_accepted, issue_client, run, run_in_shell, run_json
from tests.support.up import INTERRUPTIBLE


def test_plan_then_start_then_report_and_list(shell: Shell) -> None:
    """A plan changes nothing; the execution's report is found by its name; the list names it."""
    serial = issue_client(shell, "planned")
    output = run(shell, "plan --certificate pki/planned.pem")
    assert "SUCCEEDED is expected" in output
    assert "will be revoked  for UNSPECIFIED  CN=planned, expires" in output
    assert re.search(r"Takes about 0 s to revoke, [1-9][0-9]* s until the CRL is published, 10 s to enforce", output)
    assert is_accepted(shell, "planned")
    plan = run_json(shell, f"plan 0x{serial}")
    assert plan["Serials"][0]["Expected"] == "REVOKED"
    execution = run_json(shell, f"start --yes 0x{serial}")
    assert execution["status"] == "SUCCEEDED"
    name = execution["executionArn"].rsplit(":", 1)[1]
    assert "Enforced: 1 of 1 certificates" in run(shell, f"report {name}")
    report = run_json(shell, f"report {name}")
    assert (report["Outcome"], report["Version"]) == ("SUCCEEDED", VERSION)
    assert run(shell, "--version").split() == ["revocation", VERSION]
    assert re.search(rf"{name}\s+SUCCEEDED", run(shell, "list"))
    assert name in [each["name"] for each in run_json(shell, "list")]
    assert re.search(rf"{name} .* 1 serials", run(shell, "list"))


def test_dry_run_of_the_stack(shell: Shell) -> None:
    """The stack itself makes the plan; nothing is enforced."""
    serial = issue_client(shell, "dry")
    output = run(shell, f"start --dry-run 0x{serial}")
    assert "nothing was done" in output
    assert "will be revoked  for UNSPECIFIED  CN=dry, expires" in output
    assert "AmbiguousSerial" in run(shell, "start --dry-run 1234", UNUSABLE)
    assert "cannot be revoked" in run(shell, "start --dry-run 0x1", NOT_ENFORCED)
    assert is_accepted(shell, "dry")


def test_reconcile(shell: Shell) -> None:
    """Nothing to revoke, and an up-to-date trust store, is exit code 0."""
    assert "SUCCEEDED" in run(shell, "start --yes --reconcile")


# A terminal: it receives standard input, and is the command's controlling terminal.
TERMINAL = 'python -c \'import pty, sys; sys.exit(pty.spawn(["bash", "-c", sys.argv[1]]) >> 8)\''


@pytest.mark.parametrize(("answer", "code"), [("y", ENFORCED), ("n", UNUSABLE), ("", UNUSABLE)])
def test_start_asks_at_the_terminal(shell: Shell, answer: str, code: int) -> None:
    """The plan is shown first, also if a list comes from standard input; anything but yes is no."""
    name = f"answer-{answer}"
    serial = issue_client(shell, name)
    command = f"echo 0x{serial} | revocation start --list -"
    output = run_in_shell(shell, f'echo "{answer}" | {TERMINAL} "{command}"', code)
    question = "Revoke 1 certificate for UNSPECIFIED? It cannot be undone. [y/N]"
    assert output.index(f"will be revoked  for UNSPECIFIED  CN={name}, expires") < output.index(question)
    assert is_accepted(shell, name) is (code != ENFORCED)


@pytest.fixture
def _twin_in_bundle(shell: Shell) -> Iterator[None]:
    """Put another CA of the same name into the trust store's bundle while the test runs."""
    bundle = (shell.folder / "pki" / "ca.pem").read_bytes()
    replace_bundle(shell, bundle + PrivateCa.create_root(shell, "Embedded Issuing CA").pem.encode())
    yield
    replace_bundle(shell, bundle)


def replace_bundle(shell: Shell, bundle: bytes) -> None:
    """Replace the CA certificates of the stack's trust store."""
    location = {"Bucket": shell.environment["INPUT_BUCKET"], "Key": "bundle.pem"}
    shell.client("s3").put_object(**location, Body=bundle)
    shell.client("elbv2").modify_trust_store(
        TrustStoreArn=shell.environment["TRUST_STORE_ARN"],
        CaCertificatesBundleS3Bucket=location["Bucket"],
        CaCertificatesBundleS3Key=location["Key"],
    )


@pytest.mark.usefixtures("_twin_in_bundle")
@pytest.mark.parametrize(("answers", "code"), [("y\\ny", ENFORCED), ("n", UNUSABLE)])
def test_start_asks_about_two_cas_of_one_name(shell: Shell, answers: str, code: int) -> None:
    """The plan is refused; if the operator accepts both CAs, it is shown again and confirmed as usual."""
    serial = issue_client(shell, f"namesake-{code}")
    output = run_in_shell(shell, f'printf "{answers}\\n" | {TERMINAL} "revocation start 0x{serial}"', code)
    assert output.count("Accept these CAs of one name? [y/N]") == 1
    assert "or start again with --accept-namesakes" in output
    assert ("  Warning: " in output) is (code == ENFORCED)


def test_start_without_waiting_and_watch(shell: Shell) -> None:
    """Exit code 4: it is still running. Watching it to its end shows its outcome."""
    serial = issue_client(shell, "watched")
    started = run_json(shell, f"start --yes --no-wait 0x{serial}", UNFINISHED)
    output = run(shell, f"watch {started['executionArn']}")
    assert "SUCCEEDED: Enforced: 1 of 1" in output


def test_serials_are_not_shown_as_emoji(shell: Shell) -> None:
    """Octets that look like the names of emoji, such as :cd:, are printed unchanged."""
    output = run(shell, "start --yes 11:cd:22 11:ab:22", NOT_ENFORCED)
    assert re.search(r"RevokeCertificate  \(\d\)  11:cd:22 FAILED", output)
    assert "11:ab:22 (ResourceNotFoundException)" in output


@pytest.fixture
def no_crl(embedded_aws: EmbeddedAws) -> Iterator[Settings]:
    """Keep Private CA from publishing its CRL, until the test lets it."""
    settings = embedded_aws.settings
    settings.private_ca.publishes_crls = False
    yield settings
    settings.private_ca.publishes_crls = True


def test_execution_continues_when_watching_is_interrupted(shell: Shell, no_crl: Settings) -> None:
    """Ctrl-C ends only the watching, and the message says so; exit code 4."""
    serial = issue_client(shell, "unwatched")
    command = ["bash", "-c", f". ./env.sh; exec revocation start --yes 0x{serial}"]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *command],
        cwd=shell.folder,
        env=shell.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        next(line for line in process.stdout if "FindCrl" in line)
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert process.returncode == UNFINISHED
    no_crl.private_ca.publishes_crls = True
    match = re.search(r"The execution continues. To watch it again: revocation (watch \S+)", output)
    assert match
    assert "Enforced: 1 of 1 certificates" in run(shell, match[1])


def test_unused_trust_store_causes_a_warning(shell: Shell) -> None:
    """It holds the list and refuses nobody: the plan and the outcome say so."""
    serial = issue_client(shell, "unused")
    elb = shell.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    before = {name: listener["MutualAuthentication"][name] for name in ("Mode", "TrustStoreArn")}
    elb.modify_listener(ListenerArn=listener["ListenerArn"], MutualAuthentication={"Mode": "passthrough"})
    warning = "Warning: no load balancer uses"
    try:
        assert warning in run(shell, f"plan 0x{serial}")
        assert warning in run(shell, f"start --yes 0x{serial}")
    finally:
        elb.modify_listener(ListenerArn=listener["ListenerArn"], MutualAuthentication=before)
    assert not is_accepted(shell, "unused")


@pytest.mark.usefixtures("no_crl")
def test_aborted_execution_is_not_a_success(shell: Shell) -> None:
    """ABORTED is exit code 1; while the execution runs, there is no report."""
    serial = issue_client(shell, "aborted")
    arn = run_json(shell, f"start --yes --no-wait 0x{serial}", UNFINISHED)["executionArn"]
    assert "is RUNNING and has written no report" in run(shell, f"report {arn}", UNFINISHED)
    shell.client("stepfunctions").stop_execution(executionArn=arn)
    assert "ABORTED" in run(shell, f"watch {arn}", NOT_ENFORCED)


@pytest.fixture(scope="module")
def files(shell: Shell) -> None:
    """Write files that are refused."""
    (shell.folder / "empty").touch()
    (shell.folder / "words").write_text("xyzzy\n")
    with (shell.folder / "huge").open("wb") as file:
        file.truncate(2**30)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("plan 1234", UNUSABLE, "AmbiguousSerial"),
        ("plan", UNUSABLE, "give serials, --certificate, --list"),
        ("start --yes", UNUSABLE, "give serials, --certificate, --list"),
        ("start --yes --crl x 0x1", UNUSABLE, "SERIALS and --crl exclude each other"),
        ("plan -c - -l -", UNUSABLE, "standard input is given twice"),
        ("plan pki/alice.pem", UNUSABLE, "pki/alice.pem is a file, not a serial number: give it"),
        ("plan --trust-store arn:aws:x 0x1", UNUSABLE, "is not one of the stack's"),
        ("plan --ca arn:aws:x 0x1", UNUSABLE, "is not the stack's CA"),
        ("plan -c empty", UNUSABLE, "empty is empty"),
        ("plan --crl empty", UNUSABLE, "CrlMalformed: empty: "),
        ("list --limit -1", UNUSABLE, "--limit"),
        ("--stack nowhere list", UNUSABLE, "no stack 'nowhere'"),
        ("find pki/alice.pem --subject alice", UNUSABLE, "is not a connection log"),
        ("start --yes '[/x]'", UNUSABLE, "serial number '[/x]' is not hexadecimal"),
        ("plan --certificate none.pem", UNUSABLE, "none.pem cannot be read: No such file"),
        ("plan --certificate pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("start --yes --certificate pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("start --yes --list pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("start --yes --crl pki/alice.key", UNUSABLE, "PrivateKeyGiven"),
        ("start --yes --list huge", UNUSABLE, "more than 52,428,800 bytes"),
        ("start --yes --list pki/alice.pem", UNUSABLE, "give it with --certificate"),
        ("plan --list words", UNUSABLE, "line 1: InvalidSerial"),
        ("plan --reason STOLEN 0x1", UNUSABLE, "STOLEN"),
        ("plan 0xabcdef", NOT_ENFORCED, "ResourceNotFoundException"),
        ("report nobody", UNUSABLE, "ExecutionDoesNotExist"),
        ("watch nobody", UNUSABLE, "ExecutionDoesNotExist"),
        ("plan --all-trust-stores 0x1", UNUSABLE, "may change only"),
        ("plan --list s3://x", UNUSABLE, "s3://x is not of the form s3://bucket/key"),
        (
            f"plan -l s3://$INPUT_BUCKET/inputs/s.txt {' '.join(map(hex, range(2**32, 2**32 + 501)))}",
            UNUSABLE,
            "put all of them into",
        ),
        (f"find {'a' * 300}", UNUSABLE, "cannot be read: File name too long"),
        ("nonsense", UNUSABLE, "No such command"),
    ],
)
def test_refusal_is_one_line(shell: Shell, arguments: str, code: int, message: str) -> None:
    """It names the problem, has no stack trace, and does not repeat a private key."""
    assert_one_line(run(shell, arguments, code), message)


def assert_one_line(output: str, message: str) -> None:
    """Assert that a refusal names the problem, has no stack trace, and does not repeat a private key."""
    assert message in output
    assert "Traceback" not in output
    assert "BEGIN" not in output


@pytest.mark.parametrize(
    ("variables", "code", "message"),
    [
        ({"STATE_MACHINE_ARN": "mtls"}, UNUSABLE, "'mtls' is not a state machine's ARN"),
        ({"STATE_MACHINE_ARN": "", "STACK": "nowhere"}, UNUSABLE, "no stack 'nowhere'"),
        ({"AWS_ENDPOINT_URL": "127.0.0.1:9"}, UNUSABLE, "write http://127.0.0.1:9"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"},
            UNREACHABLE,
            "could not be reached",
        ),
    ],
)
def test_environment_that_cannot_be_used(shell: Shell, variables: dict[str, str], code: int, message: str) -> None:
    """What is wrong with the environment is named, as what is wrong with the arguments is."""
    assert_one_line(run(shell, "list", code, **variables), message)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ('revocation start --yes "$(cat pki/alice.key)"', "PrivateKeyGiven"),
        ("setsid revocation start 0x1", "give --yes"),
    ],
)
def test_refusal_in_a_shell(shell: Shell, command: str, message: str) -> None:
    """The installed command refuses a private key among its arguments; without a terminal it cannot ask."""
    assert_one_line(run_in_shell(shell, command, UNUSABLE), message)


def test_region_is_that_of_the_state_machine(shell: Shell) -> None:
    """The Region in the ARN counts more than the shell's."""
    run(shell, "list", AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1")


def test_region_is_that_of_the_aws_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION takes precedence, which boto3 does not read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    stack.use_region(None)
    assert boto3.Session().region_name == "eu-west-1"


@pytest.mark.parametrize("command", ["plan", "start", "watch", "report", "list"])
def test_help_shows_an_example(shell: Shell, command: str) -> None:
    """Each command shows how it is used."""
    assert f"revocation {command}" in run(shell, f"{command} --help").split("Options:")[0].split("\n\n", 1)[1]


def test_revocation_command_is_installed() -> None:
    """Setting up .venv installs it."""
    command = ["make", "-n", "-W", "requirements.txt", "lint"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ".venv/bin/revocation" in result.stdout
