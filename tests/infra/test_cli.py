"""The command line as an operator meets it: each form of input against `make up`, and exit codes to be trusted."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNFINISHED, UNREACHABLE, UNUSABLE
from infra.local.authority import Authority
from infra.local.handshake import connect
from tests.infra.test_up import Up, bring_down, bring_up
from tests.statemachine.test_third_party import OpensslCa

if TYPE_CHECKING:
    from infra.local.server import EmbeddedAws


@dataclass
class Outside:
    """AWS's clients for whoever has sourced env.sh."""

    up: Up

    @cached_property
    def settings(self) -> dict[str, str]:
        """What env.sh exports."""
        lines = shlex.split((self.up.folder / "env.sh").read_text().replace("export ", ""))
        return dict(line.split("=", 1) for line in lines)

    def client(self, service: str) -> Any:  # noqa: ANN401 - of any service
        """Give a client."""
        return boto3.client(
            service,  # type: ignore[call-overload] # any
            endpoint_url=self.settings["AWS_ENDPOINT_URL"],
            region_name=self.settings["AWS_REGION"],
            aws_access_key_id=self.settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.settings["AWS_SECRET_ACCESS_KEY"],
        )


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Keep one running for this file."""
    running = bring_up(tmp_path_factory.mktemp("cli") / ".embedded", "--crl-after", "0.5")
    yield running
    assert bring_down(running) == 0


def run(up: Up, command: str, code: int = ENFORCED) -> str:
    """Run the command line, which is to end with this exit code; give what it prints."""
    said = up.sh(f'set +e; {command}\necho "exit $?"')
    ended = re.search(r"^exit (\d+)$", said, re.MULTILINE)
    assert ended is not None, said
    assert int(ended[1]) == code, said
    return said.replace(ended[0], "", 1)


def issued(up: Up, name: str) -> str:
    """Issue a client certificate, which is accepted; give its serial as openssl prints it."""
    outside, pki = Outside(up), up.folder / "pki"
    arn = outside.settings["CERTIFICATE_AUTHORITY_ARN"]
    client = Authority(cast("EmbeddedAws", outside), arn, (pki / "ca.pem").read_text()).issue_client(pki, name)
    der = x509.load_pem_x509_certificate(client.certificate_pem).public_bytes(Encoding.DER)
    client.certificate.with_suffix(".der").write_bytes(der)
    assert is_accepted(up, name)
    return f"{client.serial:X}".zfill(len(f"{client.serial:X}") + len(f"{client.serial:X}") % 2)


def is_accepted(up: Up, name: str) -> bool:
    """Shake hands with the listener."""
    pki, port = up.folder / "pki", int(Outside(up).settings["LISTENER_PORT"])
    return connect(port, pki / f"{name}.pem", pki / f"{name}.key", pki / "ca.pem").accepted


LINE = (
    '2026-11-23T03:0{0}:15.514108Z 203.0.113.{0} 36280 443 TLSv1.3 TLS_AES_128_GCM_SHA256 4.036 "CN={1},O=Us" '
    "NotBefore=2026-09-21T22:43:21Z;NotAfter=2027-06-17T22:43:21Z {2} Success TID_1 - app/x/y -"
)
FORMS = {
    "argument": "revocation start $how 0x$serial",
    "decimal": 'revocation start $how "decimal:$(python -c "print(0x$serial)")"',
    "text": 'revocation start $how "$(openssl x509 -noout -text -in pki/$name.pem)"',
    "arn": 'revocation start $how "$arn"',
    "leafheader": "python -c 'import sys, urllib.parse as u; print(u.quote(sys.stdin.read(), safe=\"+=/\"))' "
    "< pki/$name.pem | revocation start $how --certificate -",
    "getcertificate": "aws acm-pca get-certificate --certificate-authority-arn $CERTIFICATE_AUTHORITY_ARN "
    "--certificate-arn $arn > c.json; "
    "revocation start $how --certificate c.json",
    "header": 'revocation start $how "X-Amzn-Mtls-Clientcert-Serial-Number: $serial"',
    "logline": f"echo '{LINE.format(1, 'mallory', '$serial')}' | sed s/.serial/$serial/ | revocation start $how -l -",
    "printout": "openssl x509 -text -in pki/$name.pem | revocation start $how --list -",
    "openssl": 'revocation start $how "$(openssl x509 -noout -serial -in pki/$name.pem)"',
    "certificate": "revocation start $how --certificate pki/$name.pem",
    "der": "revocation start $how --certificate pki/$name.der",
    "stdin": "openssl x509 -noout -serial -in pki/$name.pem | revocation start $how --list -",
    "pipe": "revocation start $how --certificate - < pki/$name.der",
    "jsonl": 'echo {\\"Serial\\": \\"0x$serial\\"} > s.jsonl; revocation start $how --list s.jsonl',
    "json": 'echo [\\"0x$serial\\"] | revocation start $how --list -',
    "csv": "printf 'serial,reason\\n0x%s,keyCompromise\\n' $serial > s.csv; revocation start $how --list s.csv",
    "s3certificate": "aws s3 cp --quiet pki/$name.pem s3://$INPUT_BUCKET/inputs/; "
    "revocation start $how --certificate s3://$INPUT_BUCKET/inputs/$name.pem",
    "s3": "echo 0x$serial | aws s3 cp --quiet - s3://$INPUT_BUCKET/inputs/s.txt; "
    "revocation start $how --list s3://$INPUT_BUCKET/inputs/s.txt",
}


def test_each_form_ends_enforced_and_the_listener_refuses(up: Up) -> None:
    """All of them at once: exit code 0 each, and nobody gets in with any of the certificates any more."""
    serials = {form: issued(up, form) for form in FORMS}
    started = {}
    for form, command in FORMS.items():
        how = f'name={form}; serial={serials[form]}; how="--yes --no-wait --json"'
        how += f"; arn=$CERTIFICATE_AUTHORITY_ARN/certificate/{int(serials[form], 16):032x}"
        started[form] = json.loads(run(up, f"{how}; {{ {command}; }} 2>/dev/null", UNFINISHED))["executionArn"]
    for arn in list(started.values())[:2]:
        said = run(up, f"revocation watch {arn}")
        assert "SUCCEEDED: 1 of 1 certificates are enforced" in said
        assert "RevokeCertificate  (1)" in said
    sfn = Outside(up).client("stepfunctions")
    for form, arn in started.items():
        while (ended := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.3)
        assert (form, json.loads(ended["output"])["Summary"]["Enforced"]) == (form, 1)
    assert [form for form in FORMS if is_accepted(up, form)] == []


def test_plan_then_start_then_report_and_list(up: Up) -> None:
    """A plan changes nothing; the report of the execution is found by its name; the list has it."""
    serial = issued(up, "planned")
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
    serial = issued(up, "dry")
    said = run(up, f"revocation start --dry-run 0x{serial}")
    assert "nothing was done" in said
    assert "will be revoked  for UNSPECIFIED  CN=dry, expires" in said
    assert "AmbiguousSerial" in run(up, "revocation start --dry-run 1234", UNUSABLE)
    assert "cannot be revoked" in run(up, "revocation start --dry-run 0x1", NOT_ENFORCED)
    assert is_accepted(up, "dry")


def test_a_reconcile(up: Up) -> None:
    """Nothing to revoke, and the trust store up to date, is exit code 0."""
    assert "SUCCEEDED" in run(up, "revocation start --yes --reconcile")


def uploaded(up: Up) -> int:
    """Count what lies where the command line puts files."""
    outside = Outside(up)
    bucket = outside.settings["INPUT_BUCKET"]
    return int(outside.client("s3").list_objects_v2(Bucket=bucket, Prefix="inputs/")["KeyCount"])


def test_a_long_list_goes_by_way_of_s3(up: Up) -> None:
    """It does not fit into an input; a plan of it, and a start that nobody confirms, upload nothing."""
    up.sh("seq -f '0x9%06g' 1 501 > long.txt")
    before = uploaded(up)
    made = json.loads(run(up, "revocation plan --json --list long.txt", NOT_ENFORCED))
    assert (made["NumberOfSerials"], made["Batches"], made["Expected"]) == (501, 2, {"FAILED": 501})
    assert "give --yes" in run(up, "setsid revocation start --list long.txt", UNUSABLE)
    assert uploaded(up) == before
    start = "revocation start --yes --no-wait --json --list long.txt 2>/dev/null"
    made = json.loads(run(up, start, UNFINISHED))
    asked = up.sh(
        f"aws stepfunctions describe-execution --execution-arn {made['executionArn']} --query input --output text"
    )
    location = json.loads(asked)["SerialList"]
    assert location["Format"] == "JSON"
    kept = up.sh(f"aws s3 cp s3://{location['Bucket']}/{location['Key']} -")
    assert json.loads(kept)[0] == {"Serial": "09:00:00:01"}
    assert uploaded(up) == before + 1


def test_a_list_of_another_cas_certificates(up: Up) -> None:
    """An ARN names its CA, on the way to S3 or into an input alike."""
    up.sh("seq -f ${CERTIFICATE_AUTHORITY_ARN%????}0000/certificate/0a%030g 1 501 > other.txt")
    for number in (1, 501):
        said = run(up, f"head -{number} other.txt | revocation plan --list -", UNUSABLE)
        assert "CertificateIssuerMismatch" in said
    up.sh('echo "{\n \\"CertificateArn\\": \\"$(head -1 other.txt)\\"\n}" > other.json')
    assert "CertificateIssuerMismatch" in run(up, "revocation plan --list other.json", UNUSABLE)


def test_many_certificates_go_by_way_of_s3(up: Up) -> None:
    """A file with more of them than an input can hold; what stands beside them stays here."""
    serial = issued(up, "many")
    up.sh("openssl x509 -text -in pki/many.pem > one.txt; for n in $(seq 120); do cat one.txt; done > many.pem")
    assert "will be revoked  for UNSPECIFIED  CN=many" in run(up, "revocation plan --certificate many.pem")
    done = json.loads(run(up, "revocation start --yes --json --certificate many.pem 2>/dev/null"))
    assert done["output"]["Summary"]["Enforced"] == 1
    asked = json.loads(up.sh(f"aws stepfunctions describe-execution --execution-arn {done['executionArn']}"))["input"]
    (location,) = json.loads(asked)["Certificates"]
    kept = up.sh(f"aws s3 cp s3://{location['Bucket']}/{location['Key']} -")
    assert (kept.count("BEGIN"), "Serial" in kept) == (120, False)
    assert serial


# A terminal that answers: standard input goes to it, and the command has it as its controlling one.
TERMINAL = 'python -c \'import pty, sys; sys.exit(pty.spawn(["bash", "-c", sys.argv[1]]) >> 8)\''


@pytest.mark.parametrize(("answer", "code"), [("y", ENFORCED), ("n", UNUSABLE), ("", UNUSABLE)])
def test_it_asks_at_the_terminal(up: Up, answer: str, code: int) -> None:
    """The plan is shown first; also when a list comes by standard input, and anything but yes is no."""
    name = f"answer-{answer}"
    serial = issued(up, name)
    command = f"echo 0x{serial} | revocation start --list -"
    said = run(up, f'echo "{answer}" | {TERMINAL} "{command}"', code)
    asked = "Revoke 1 certificate for UNSPECIFIED? It cannot be undone. [y/N]"
    assert said.index(f"will be revoked  for UNSPECIFIED  CN={name}, expires") < said.index(asked)
    assert is_accepted(up, name) is (code != ENFORCED)


def test_not_waiting_and_watching(up: Up) -> None:
    """Exit code 4 says that it is still running; watching it to its end says what came of it."""
    serial = issued(up, "watched")
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
    """Let no CRL come."""
    outside = Outside(up)
    s3, bucket = outside.client("s3"), outside.settings["CRL_BUCKET"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def test_what_is_stopped_being_watched_goes_on(up: Up) -> None:
    """Ctrl-C ends the watching alone, and says so; exit code 4."""
    serial = issued(up, "unwatched")
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


def test_a_list_elsewhere_in_s3_is_copied(up: Up) -> None:
    """What the stack may not read is read by whoever asks, and put where the stack reads."""
    serial = issued(up, "elsewhere")
    up.sh(f"echo 0x{serial} | aws s3 cp --quiet - s3://$WORKFLOW_BUCKET/by-hand/s.txt")
    said = run(up, "revocation start --yes --list s3://$WORKFLOW_BUCKET/by-hand/s.txt")
    assert "1 of 1 certificates are enforced" in said
    assert "Connections that were open may live until" in said
    assert not is_accepted(up, "elsewhere")


def test_a_trust_store_that_nothing_uses(up: Up) -> None:
    """It holds the list and refuses nobody: the plan says so, and the end does."""
    serial = issued(up, "unused")
    elb = Outside(up).client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    before = {name: listener["MutualAuthentication"][name] for name in ("Mode", "TrustStoreArn")}
    elb.modify_listener(ListenerArn=listener["ListenerArn"], MutualAuthentication={"Mode": "passthrough"})
    mind = "MIND: no load balancer uses"
    try:
        assert mind in run(up, f"revocation plan 0x{serial}")
        assert mind in run(up, f"revocation start --yes 0x{serial}")
    finally:
        elb.modify_listener(ListenerArn=listener["ListenerArn"], MutualAuthentication=before)
    assert not is_accepted(up, "unused")


def test_an_aborted_execution_is_no_success(up: Up) -> None:
    """ABORTED is exit code 1, watched or reported; while it runs, its report is still to come."""
    serial = issued(up, "aborted")
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
        ("revocation plan pki/alice.pem", UNUSABLE, "pki/alice.pem is a file and no serial number: --certificate"),
        ("revocation plan --trust-store arn:aws:x 0x1", UNUSABLE, "is none of the stack's"),
        ("revocation plan --ca arn:aws:x 0x1", UNUSABLE, "is not the stack's CA"),
        ("touch empty; revocation plan -c empty", UNUSABLE, "empty is empty"),
        ("revocation plan --crl empty", UNUSABLE, "CrlMalformed: empty: "),
        ("revocation list --limit -1", UNUSABLE, "--limit"),
        ("revocation --stack nowhere list", UNUSABLE, "no stack 'nowhere'"),
        ("AWS_ENDPOINT_URL=127.0.0.1:9 revocation list", UNUSABLE, "write http://127.0.0.1:9"),
        ("revocation find pki/alice.pem --subject alice", UNUSABLE, "is no connection log"),
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
        ("revocation plan --all-trust-stores 0x1", UNUSABLE, "may touch"),
        ("revocation plan --list s3://x", UNUSABLE, "s3://x is no s3://bucket/key"),
        (
            "revocation plan -l s3://$INPUT_BUCKET/inputs/s.txt $(seq -f 0x8%06g 501)",
            UNUSABLE,
            "put all of them into the list",
        ),
        ("revocation find $(printf a%.0s $(seq 300))", UNUSABLE, "cannot be read: File name too long"),
        ("revocation nonsense", UNUSABLE, "No such command"),
        ("STATE_MACHINE_ARN= revocation --stack nowhere list", UNUSABLE, "no stack 'nowhere'"),
        ("AWS_ENDPOINT_URL=http://127.0.0.1:9 AWS_MAX_ATTEMPTS=1 revocation list", UNREACHABLE, "could not be asked"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(up: Up, command: str, code: int, words: str) -> None:
    """Named, with an exit code, and without a stack trace; a private key is not shown."""
    said = run(up, f"{command} 2>&1", code)
    assert words in said
    assert "Traceback" not in said
    assert "BEGIN" not in said


@pytest.mark.parametrize("command", ["plan", "start", "watch", "report", "list"])
def test_help_shows_an_example(up: Up, command: str) -> None:
    """Each command shows how it is used."""
    assert f"revocation {command}" in run(up, f"revocation {command} --help").split("Options:")[0].split("\n\n", 1)[1]


def test_it_is_one_command() -> None:
    """The project's set-up installs it."""
    said = subprocess.run(["make", "-n", "-W", "requirements.txt", "lint"], capture_output=True, text=True, check=True)
    assert ".venv/bin/revocation" in said.stdout


def test_a_crl_of_another_ca(up: Up) -> None:
    """A CA made by openssl alone, trusted beside Private CA's: its CRL in a file, and its client is refused."""
    ca = OpensslCa(up.folder / "third", "Partner CA")
    ca.issue("partner")
    up.sh("cat third/partner.pem third/ca.pem > pki/partner.pem; cp third/partner.key pki/")
    up.sh(
        "cat pki/ca.pem third/ca.pem | aws s3 cp --quiet - s3://$INPUT_BUCKET/bundle.pem; "
        "aws elbv2 modify-trust-store --trust-store-arn $TRUST_STORE_ARN "
        "--ca-certificates-bundle-s3-bucket $INPUT_BUCKET --ca-certificates-bundle-s3-key bundle.pem"
    )
    assert is_accepted(up, "partner")
    ca.revoke("partner")
    (up.folder / "partner.crl").write_bytes(ca.crl("DER"))
    planned = run(up, "revocation plan --crl partner.crl")
    assert "attach CRL number" in planned
    assert "The trust stores hold this CRL now" in run(up, "revocation start --yes --crl partner.crl")
    assert not is_accepted(up, "partner")
    assert "held this CRL already" in run(up, "revocation start --yes --crl partner.crl")
    ca.forget()
    (up.folder / "partner.crl").write_bytes(ca.crl("DER"))
    dropped = run(up, "revocation plan --crl partner.crl")
    assert "MIND: 1 serials that it refuses now would be accepted" in dropped
    assert "MIND: 1 serials" in run(up, "revocation start --yes --crl partner.crl")


LOG = "pki/../logs/conn_log_1_elasticloadbalancing_eu-central-1_app.x.y_20261123T0305Z_192.0.2.1_a.log"


def test_a_client_is_found_in_the_logs_and_revoked(up: Up) -> None:
    """What find prints starts a revocation; the files are plain or gzip, in a folder or in S3."""
    serial = issued(up, "logged")
    (up.folder / "logs").mkdir()
    (up.folder / LOG).write_text("\n".join(LINE.format(number, "logged", serial) for number in range(5)) + "\n")
    up.sh("gzip -k logs/*.log; aws s3 cp --quiet --recursive --exclude '*.log' logs s3://$INPUT_BUCKET/logs/")
    said = run(up, "revocation find s3://$INPUT_BUCKET/logs/ --subject cn=LOGGED")
    assert "5 connections from 203.0.113." in said
    assert "1 certificates in 5 lines of 1 files" in said
    assert "2 connections" in run(up, "revocation find logs --address 203.0.113.3/32 --since 2026-11-23T03:01:00")
    assert "0 certificates" in run(up, "revocation find logs --subject nobody", NOT_ENFORCED)
    (client,) = json.loads(run(up, "revocation find logs --json 2>/dev/null"))
    assert (int(client["Serial"].replace(":", ""), 16), client["Connections"]) == (int(serial, 16), 10)
    assert "no log" in run(up, "revocation find logs --until 2026-11-22", UNUSABLE)
    run(up, "revocation find logs --serials 2>/dev/null | revocation start --yes --list -")
    assert not is_accepted(up, "logged")
