"""`make up` from a user's shell: ordinary aws and openssl commands, and a clean end."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.up import ROOT, Up, bring_down, bring_up
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Keep one `make up` running for the tests of this file."""
    running = bring_up(tmp_path_factory.mktemp("up") / ".embedded")
    yield running
    assert bring_down(running) == 0


SERIAL = "openssl x509 -in pki/{0}.pem -noout -serial | cut -d= -f2"
# The request is sent after the handshake: a TLS 1.3 client learns only when it reads whether it was accepted.
CONNECT = (
    "(printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1) | "
    "openssl s_client -connect localhost:$LISTENER_PORT -CAfile pki/ca.pem -verify_return_error -quiet "
    "-cert pki/{0}.pem -key pki/{0}.key -cert_chain pki/{0}.pem 2>&1"
)

# The CA's first CRL has started a reconcile, which would attach the list before the test does.
STOP_AUTOMATION = """
for rule in $(aws events list-rules --query 'Rules[].Name' --output text); do
  aws events disable-rule --name "$rule"
done
for execution in $(aws stepfunctions list-executions --state-machine-arn $STATE_MACHINE_ARN --status-filter RUNNING \
    --query 'executions[].executionArn' --output text); do
  aws stepfunctions stop-execution --execution-arn "$execution"
done
"""


@pytest.mark.slow("a dozen processes of the AWS CLI")
def test_manual_procedure_with_the_aws_cli(up: Up) -> None:
    """AWS's procedure by hand: revoke, fetch the CRL, convert, upload, add, count, and the handshake is refused."""
    up.sh(STOP_AUTOMATION)
    assert "200 OK" in up.sh(CONNECT.format("alice"))
    count = (
        "aws elbv2 describe-trust-stores --trust-store-arns $TRUST_STORE_ARN "
        "--query 'TrustStores[0].TotalRevokedEntries' --output text"
    )
    before = int(up.sh(count))
    serial = up.sh(SERIAL.format("alice"))
    up.sh(
        "aws acm-pca revoke-certificate --certificate-authority-arn $CERTIFICATE_AUTHORITY_ARN "
        f"--certificate-serial {serial} --revocation-reason KEY_COMPROMISE"
    )
    key = "crl/${CERTIFICATE_AUTHORITY_ARN##*/}.crl"
    assert ".crl" in up.sh("aws s3 ls s3://$CRL_BUCKET/crl/")
    up.until(
        f"aws s3 cp --quiet s3://$CRL_BUCKET/{key} ca.crl && openssl crl -inform DER -in ca.crl -noout -text",
        serial,
    )
    up.sh("openssl crl -inform DER -in ca.crl -outform PEM -out crl.pem")
    up.sh("aws s3 cp --quiet crl.pem s3://$WORKFLOW_BUCKET/by-hand/crl.pem")
    added = json.loads(
        up.sh(
            "aws elbv2 add-trust-store-revocations --trust-store-arn $TRUST_STORE_ARN "
            "--revocation-contents S3Bucket=$WORKFLOW_BUCKET,S3Key=by-hand/crl.pem,RevocationType=CRL"
        )
    )
    assert added["TrustStoreRevocations"][0]["NumberOfRevokedEntries"] == before + 1
    assert int(up.sh(count)) == before + 1
    refused = up.sh(CONNECT.format("alice"), check=False)
    assert "200 OK" not in refused
    assert "200 OK" in up.sh(CONNECT.format("bob"))


def test_start_execution_does_all_of_it(up: Up) -> None:
    """`aws stepfunctions start-execution` alone revokes and enforces; the history lists its states."""
    assert "200 OK" in up.sh(CONNECT.format("mallory"))
    serial = up.sh(SERIAL.format("mallory"))
    arn = up.sh(
        "aws stepfunctions start-execution --state-machine-arn $STATE_MACHINE_ARN "
        f"""--input '{{"Serials": ["0x{serial}"]}}' --query executionArn --output text"""
    )
    up.until(f"aws stepfunctions describe-execution --execution-arn {arn} --query status --output text", "SUCCEEDED")
    history = up.sh(
        f"aws stepfunctions get-execution-history --execution-arn {arn} "
        "--query 'events[].stateEnteredEventDetails.name' --output text"
    )
    waiting = ("None", "WaitForCrl", "FindCrl", "IsCrlUsable", "IsNoticeDue", "NotifyWaiting")
    states = [name for name in history.split() if name not in waiting]
    assert states == [
        "ReceiveRequest",
        "IsDryRun",
        "PrepareRevocation",
        "BeginRevocation",
        "IsReconcile",
        "IsLongList",
        "RevokeCertificates",
        "RevokeCertificate",
        "ConvertCrl",
        "EnforceOnTrustStores",
        "AttachCrl",
        "VerifyRevocation",
        "RemoveSupersededCrls",
        "IsVerifiedListGone",
        "TrustStoreEnforced",
        "AreSerialsMissing",
        "ReportRevocation",
        "NotifyOutcome",
        "IsEverythingEnforced",
        "RevocationSucceeded",
    ]
    assert "200 OK" not in up.sh(CONNECT.format("mallory"), check=False)


def test_only_loopback_is_open(up: Up) -> None:
    """The endpoint and the listener cannot be reached from the network."""
    address = next((str(a[4][0]) for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)), "127.0.0.1")
    if address.startswith("127."):
        pytest.skip("this machine has only the loopback address")
    for port in (up.sh("echo $AWS_ENDPOINT_URL").rsplit(":", 1)[1], up.sh("echo $LISTENER_PORT")):
        with pytest.raises(ConnectionRefusedError), socket.create_connection((address, int(port)), 5):
            pass


def test_files_of_the_clients(up: Up) -> None:
    """A client's file has its certificate, then its CA's; ca.pem has the chain; only the owner can read the keys."""
    clients = [line for line in up.sh("ls pki/*.key").split() if "listener" not in line]
    assert len(clients) >= 3
    for key in clients:
        assert (up.folder / key).stat().st_mode & 0o077 == 0
        certificate = key.replace(".key", ".pem")
        assert up.sh(f"openssl verify -CAfile pki/ca.pem {certificate}").endswith("OK")
        assert up.sh(f"grep -c BEGIN {certificate}") == "2"
    assert up.sh("grep -c BEGIN pki/ca.pem") == "2"


def test_welcome_has_the_real_serial_numbers(up: Up) -> None:
    """It says what it is doing; the serial number in the printed command is that of the certificate."""
    assert up.welcome.startswith("Starting the embedded AWS")
    serial = up.sh(SERIAL.format("mallory")).lower()
    assert ":".join(re.findall("..", serial)) in up.welcome


@pytest.mark.slow("another make up")
def test_trust_store_can_hold_only_the_root(tmp_path: Path) -> None:
    """Clients then send their CA's certificate and are accepted; Ctrl-C removes env.sh."""
    running = bring_up(tmp_path / ".embedded", "--root-alone")
    try:
        assert "200 OK" in running.sh(CONNECT.format("alice"))
        number = "aws elbv2 describe-trust-stores --query 'TrustStores[0].NumberOfCaCertificates' --output text"
        assert running.sh(number) == "1"
    finally:
        code = bring_down(running)
    assert code == 0
    assert not (tmp_path / ".embedded" / "env.sh").exists()


@pytest.mark.parametrize("taken", ["port", "folder"])
def test_second_instance_is_refused(up: Up, tmp_path: Path, taken: str) -> None:
    """It names what is taken, and does not change the files of the running one."""
    keys = up.sh("sha256sum env.sh pki/*")
    port = up.sh("echo $AWS_ENDPOINT_URL").rsplit(":", 1)[1] if taken == "port" else "0"
    folder = str(up.folder if taken == "folder" else tmp_path)
    second = subprocess.run(
        [sys.executable, "-m", "infra.local.lab.up", "--port", port, "--folder", folder],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert second.returncode == 1
    assert (folder if taken == "folder" else port) in second.stderr
    assert up.sh("sha256sum env.sh pki/*") == keys
