"""Each form of input that the command line takes, against the embedded AWS: the certificate is revoked and refused."""

import gzip
import json
import re
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

import functions
from infra.cli.input import OPTION_NAMES
from infra.cli.stack import NOT_ENFORCED, UNFINISHED, UNUSABLE
from tests.support.openssl import OpensslCa
from tests.support.shell import Shell, is_accepted, issue_client, run, run_in_shell, run_json

LINE = (
    '2026-11-23T03:0{0}:15.514108Z 203.0.113.{0} 36280 443 TLSv1.3 TLS_AES_128_GCM_SHA256 4.036 "CN={1},O=Us" '
    "NotBefore=2026-09-21T22:43:21Z;NotAfter=2027-06-17T22:43:21Z {2} Success TID_1 - app/x/y -"
)
FORMS = {
    "text": 'revocation start $how "$(openssl x509 -noout -text -in pki/$name.pem)"',
    "getcertificate": "aws acm-pca get-certificate --certificate-authority-arn $CERTIFICATE_AUTHORITY_ARN "
    "--certificate-arn $arn > c.json; revocation start $how --certificate c.json",
    "openssl": "openssl x509 -noout -serial -in pki/$name.pem | revocation start $how --list -",
    "s3": "echo 0x$serial | aws s3 cp --quiet - s3://$INPUT_BUCKET/inputs/s.txt; "
    "revocation start $how --list s3://$INPUT_BUCKET/inputs/s.txt",
}


def test_each_form_revokes_and_the_listener_refuses(shell: Shell) -> None:
    """As an operator types them: each execution enforces its certificate, and the listener accepts none of them."""
    serials = {form: issue_client(shell, form) for form in FORMS}
    started = {}
    for form, command in FORMS.items():
        how = f'name={form}; serial={serials[form]}; how="--yes --no-wait --json"'
        how += f"; arn=$CERTIFICATE_AUTHORITY_ARN/certificate/{int(serials[form], 16):032x}"
        output = run_in_shell(shell, f"{how}; {{ {command}; }} 2>/dev/null", UNFINISHED)
        started[form] = json.loads(output)["executionArn"]
    output = run(shell, f"watch {started['text']}")
    assert "SUCCEEDED: Enforced: 1 of 1 certificates" in output
    assert "RevokeCertificate  (1)" in output
    for form, arn in started.items():
        run(shell, f"watch {arn} --every 0.3")
        assert run_json(shell, f"report {arn}")["Summary"]["Enforced"] == 1, form
    assert [form for form in FORMS if is_accepted(shell, form)] == []


@pytest.fixture(scope="module")
def planned(shell: Shell) -> str:
    """Issue the client of which only plans are made, and upload its certificate; return its serial number."""
    serial = issue_client(shell, "planner")
    body = (shell.folder / "pki" / "planner.pem").read_bytes()
    shell.client("s3").put_object(Bucket=shell.environment["INPUT_BUCKET"], Key="inputs/planner.pem", Body=body)
    return serial


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("0x{serial}", id="argument"),
        pytest.param("decimal:{decimal}", id="decimal"),
        pytest.param("$CERTIFICATE_AUTHORITY_ARN/certificate/{decimal:032x}", id="ARN"),
        pytest.param("'X-Amzn-Mtls-Clientcert-Serial-Number: {serial}'", id="header"),
        pytest.param("serial={serial}", id="openssl"),
        pytest.param("--certificate pki/planner.pem", id="certificate"),
        pytest.param("--certificate pki/planner.der", id="DER"),
        pytest.param("--certificate s3://$INPUT_BUCKET/inputs/planner.pem", id="certificate in S3"),
    ],
)
def test_form_in_the_arguments(shell: Shell, planned: str, arguments: str) -> None:
    """Each names the same certificate."""
    assert_planned(run_json(shell, f"plan {arguments.format(serial=planned, decimal=int(planned, 16))}"), planned)


def assert_planned(plan: dict[str, Any], serial: str) -> None:
    """Assert that a plan would revoke this certificate alone."""
    (entry,) = plan["Serials"]
    assert (entry["Serial"].replace(":", ""), entry["Expected"]) == (serial.lower(), "REVOKED")


def test_form_in_a_file(shell: Shell, planned: str) -> None:
    """Each names the same certificate, from standard input and from a file."""
    pem = shell.folder / "pki" / "planner.pem"
    printed = subprocess.run(["openssl", "x509", "-text", "-in", pem], capture_output=True, check=True).stdout
    forms: dict[str, tuple[str, bytes]] = {
        "leaf header": ("--certificate", urllib.parse.quote(pem.read_text(), safe="+=/").encode()),
        "DER": ("--certificate", pem.with_suffix(".der").read_bytes()),
        "log line": ("--list", LINE.format(1, "planner", planned).encode()),
        "print-out": ("--list", printed),
        "JSON Lines": ("--list", json.dumps({"Serial": f"0x{planned}"}).encode()),
        "JSON": ("--list", json.dumps([f"0x{planned}"]).encode()),
        "CSV": ("--list", f"serial,reason\n0x{planned},keyCompromise\n".encode()),
    }
    for form, (option, body) in forms.items():
        (shell.folder / "form").write_bytes(body)
        from_file = run_json(shell, f"plan {option} form")
        assert_planned(from_file, planned)
        assert run_json(shell, f"plan {option} -", stdin=body)["Serials"] == from_file["Serials"], form


def count_uploads(shell: Shell) -> int:
    """Count the files that the command line has uploaded."""
    bucket = shell.environment["INPUT_BUCKET"]
    return int(shell.client("s3").list_objects_v2(Bucket=bucket, Prefix="inputs/")["KeyCount"])


def test_long_list_is_uploaded(shell: Shell) -> None:
    """It does not fit into an input. A plan, and a start that is not confirmed, upload nothing."""
    (shell.folder / "long.txt").write_text("".join(f"{0x9000000 + number:#x}\n" for number in range(1, 502)))
    before = count_uploads(shell)
    plan = run_json(shell, "plan --list long.txt", NOT_ENFORCED)
    assert (plan["NumberOfSerials"], plan["Batches"], plan["Expected"]) == (501, 2, {"FAILED": 501})
    assert "give --yes" in run_in_shell(shell, "setsid revocation start --list long.txt", UNUSABLE)
    assert count_uploads(shell) == before
    execution = run_json(shell, "start --yes --no-wait --list long.txt", UNFINISHED)
    location = json.loads(input_of(shell, execution))["SerialList"]
    assert location["Format"] == "JSON"
    assert json.loads(content(shell, location))[0] == {"Serial": "09:00:00:01"}
    assert count_uploads(shell) == before + 1
    shell.client("stepfunctions").stop_execution(executionArn=execution["executionArn"])


def input_of(shell: Shell, execution: dict[str, str]) -> str:
    """Return the input of an execution."""
    described = shell.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    return str(described["input"])


def content(shell: Shell, location: dict[str, str]) -> bytes:
    """Return what an uploaded file holds."""
    return bytes(shell.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"].read())


def test_list_of_another_cas_certificates(shell: Shell) -> None:
    """An ARN names its CA; this is checked for short and for long lists."""
    other = shell.environment["CERTIFICATE_AUTHORITY_ARN"][:-4] + "0000"
    arns = [f"{other}/certificate/{0x0A << 120 | number:032x}" for number in range(501)]
    for number in (1, 501):
        output = run(shell, "plan --list -", UNUSABLE, "\n".join(arns[:number]))
        assert "CertificateIssuerMismatch" in output
    (shell.folder / "other.json").write_text(json.dumps({"CertificateArn": arns[0]}, indent=1))
    assert "CertificateIssuerMismatch" in run(shell, "plan --list other.json", UNUSABLE)


def test_many_certificates_are_uploaded(shell: Shell) -> None:
    """A file with more certificates than an input can hold; other text in it is not uploaded."""
    issue_client(shell, "many")
    shell.sh("openssl x509 -text -in pki/many.pem > one.txt; for n in $(seq 120); do cat one.txt; done > many.pem")
    assert "will be revoked  for UNSPECIFIED  CN=many" in run(shell, "plan --certificate many.pem")
    execution = run_json(shell, "start --yes --certificate many.pem")
    assert execution["output"]["Summary"]["Enforced"] == 1
    (location,) = json.loads(input_of(shell, execution))["Certificates"]
    uploaded = content(shell, location)
    assert (uploaded.count(b"BEGIN"), b"Serial" in uploaded) == (120, False)


def test_list_elsewhere_in_s3_is_uploaded(shell: Shell) -> None:
    """An object that the stack may not read is read with the operator's rights, and uploaded to the input bucket."""
    serial = issue_client(shell, "elsewhere")
    body = f"0x{serial}".encode()
    shell.client("s3").put_object(Bucket=shell.environment["WORKFLOW_BUCKET"], Key="by-hand/s.txt", Body=body)
    output = run(shell, "start --yes --list s3://$WORKFLOW_BUCKET/by-hand/s.txt")
    assert "Enforced: 1 of 1 certificates" in output
    assert "Connections opened earlier may last until" in output
    assert not is_accepted(shell, "elsewhere")


def test_crl_of_another_ca(shell: Shell) -> None:
    """A CA made with openssl, trusted beside Private CA's: its CRL comes in a file, and its client is refused."""
    ca = OpensslCa(shell.folder / "third", "Partner CA")
    ca.issue("partner")
    shell.sh("cat third/partner.pem third/ca.pem > pki/partner.pem; cp third/partner.key pki/")
    bundle = (shell.folder / "pki" / "ca.pem").read_bytes() + (shell.folder / "third" / "ca.pem").read_bytes()
    bucket = shell.environment["INPUT_BUCKET"]
    shell.client("s3").put_object(Bucket=bucket, Key="bundle.pem", Body=bundle)
    shell.client("elbv2").modify_trust_store(
        TrustStoreArn=shell.environment["TRUST_STORE_ARN"],
        CaCertificatesBundleS3Bucket=bucket,
        CaCertificatesBundleS3Key="bundle.pem",
    )
    assert is_accepted(shell, "partner")
    ca.revoke("partner")
    (shell.folder / "partner.crl").write_bytes(ca.crl("DER"))
    plan = run(shell, "plan --crl partner.crl")
    assert "attach CRL number" in plan
    assert "The trust stores hold this CRL now" in run(shell, "start --yes --crl partner.crl")
    assert not is_accepted(shell, "partner")
    assert "held this CRL already" in run(shell, "start --yes --crl partner.crl")
    ca.forget()
    (shell.folder / "partner.crl").write_bytes(ca.crl("DER"))
    assert "start again with --accept-dropped-entries" in run(shell, "plan --crl partner.crl", code=2)
    plan = run(shell, "plan --crl partner.crl --accept-dropped-entries")
    assert "Warning: serials that it refuses now and would then accept, unless expired: 1" in plan
    assert "refused before and no longer lists: 1" in run(
        shell, "start --yes --crl partner.crl --accept-dropped-entries"
    )


LOG = "conn_log_1_elasticloadbalancing_eu-central-1_app.x.y_20261123T0305Z_192.0.2.1_a.log"


def test_client_is_found_in_the_logs_and_revoked(shell: Shell) -> None:
    """The output of find is the input of start; the files are plain or gzip, in a folder or in S3."""
    serial = issue_client(shell, "logged")
    logs = shell.folder / "logs"
    logs.mkdir()
    lines = "\n".join(LINE.format(number, "logged", serial) for number in range(5)) + "\n"
    (logs / LOG).write_text(lines)
    compressed = gzip.compress(lines.encode())
    (logs / f"{LOG}.gz").write_bytes(compressed)
    shell.client("s3").put_object(Bucket=shell.environment["INPUT_BUCKET"], Key=f"logs/{LOG}.gz", Body=compressed)
    output = run(shell, "find s3://$INPUT_BUCKET/logs/ --subject cn=LOGGED")
    assert "5 connections from 203.0.113." in output
    assert "1 certificates in 5 lines of 1 files" in output
    assert "2 connections" in run(shell, "find logs --address 203.0.113.3/32 --since 2026-11-23T03:01:00")
    assert "0 certificates" in run(shell, "find logs --subject nobody", NOT_ENFORCED)
    (client,) = run_json(shell, "find logs")
    assert (int(client["Serial"].replace(":", ""), 16), client["Connections"]) == (int(serial, 16), 10)
    assert "no log" in run(shell, "find logs --until 2026-11-22", UNUSABLE)
    run_in_shell(shell, "revocation find logs --serials 2>/dev/null | revocation start --yes --list -")
    assert not is_accepted(shell, "logged")


@pytest.mark.parametrize("phrase", [*OPTION_NAMES, " holds a private key"])
def test_functions_still_use_the_phrases_that_are_replaced(phrase: str) -> None:
    """A message of the functions that is reworded would leave a field name where an option belongs."""
    sources = [path.read_text() for path in Path(functions.__path__[0]).rglob("*.py")]
    assert any(phrase in re.sub(r'"\s+f?"', "", source) for source in sources)
