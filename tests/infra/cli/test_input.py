"""Each form of input that the command line takes, against `make up`: the certificate is revoked and refused."""

import json
import re
import time
from pathlib import Path

import pytest

import functions
from infra.cli.input import OPTION_NAMES
from infra.cli.stack import NOT_ENFORCED, UNFINISHED, UNUSABLE
from tests.support.openssl import OpensslCa
from tests.support.up import Up, is_accepted, issue_client, run

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
    "--certificate-arn $arn > c.json; revocation start $how --certificate c.json",
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


def test_each_form_revokes_and_the_listener_refuses(up: Up) -> None:
    """All forms at once: each execution enforces its certificate, and the listener accepts none of them."""
    serials = {form: issue_client(up, form) for form in FORMS}
    started = {}
    for form, command in FORMS.items():
        how = f'name={form}; serial={serials[form]}; how="--yes --no-wait --json"'
        how += f"; arn=$CERTIFICATE_AUTHORITY_ARN/certificate/{int(serials[form], 16):032x}"
        started[form] = json.loads(run(up, f"{how}; {{ {command}; }} 2>/dev/null", UNFINISHED))["executionArn"]
    for arn in list(started.values())[:2]:
        output = run(up, f"revocation watch {arn}")
        assert "SUCCEEDED: 1 of 1 certificates are enforced" in output
        assert "RevokeCertificate  (1)" in output
    sfn = up.client("stepfunctions")
    for form, arn in started.items():
        while (ended := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.3)
        assert (form, json.loads(ended["output"])["Summary"]["Enforced"]) == (form, 1)
    assert [form for form in FORMS if is_accepted(up, form)] == []


def count_uploads(up: Up) -> int:
    """Count the files that the command line has uploaded."""
    bucket = up.environment["INPUT_BUCKET"]
    return int(up.client("s3").list_objects_v2(Bucket=bucket, Prefix="inputs/")["KeyCount"])


def test_long_list_is_uploaded(up: Up) -> None:
    """It does not fit into an input. A plan, and a start that is not confirmed, upload nothing."""
    up.sh("seq -f '0x9%06g' 1 501 > long.txt")
    before = count_uploads(up)
    plan = json.loads(run(up, "revocation plan --json --list long.txt", NOT_ENFORCED))
    assert (plan["NumberOfSerials"], plan["Batches"], plan["Expected"]) == (501, 2, {"FAILED": 501})
    assert "give --yes" in run(up, "setsid revocation start --list long.txt", UNUSABLE)
    assert count_uploads(up) == before
    start = "revocation start --yes --no-wait --json --list long.txt 2>/dev/null"
    execution = json.loads(run(up, start, UNFINISHED))
    request = up.sh(
        f"aws stepfunctions describe-execution --execution-arn {execution['executionArn']} --query input --output text"
    )
    location = json.loads(request)["SerialList"]
    assert location["Format"] == "JSON"
    uploaded = up.sh(f"aws s3 cp s3://{location['Bucket']}/{location['Key']} -")
    assert json.loads(uploaded)[0] == {"Serial": "09:00:00:01"}
    assert count_uploads(up) == before + 1


def test_list_of_another_cas_certificates(up: Up) -> None:
    """An ARN names its CA; this is checked for short and for long lists."""
    up.sh("seq -f ${CERTIFICATE_AUTHORITY_ARN%????}0000/certificate/0a%030g 1 501 > other.txt")
    for number in (1, 501):
        output = run(up, f"head -{number} other.txt | revocation plan --list -", UNUSABLE)
        assert "CertificateIssuerMismatch" in output
    up.sh('echo "{\n \\"CertificateArn\\": \\"$(head -1 other.txt)\\"\n}" > other.json')
    assert "CertificateIssuerMismatch" in run(up, "revocation plan --list other.json", UNUSABLE)


def test_many_certificates_are_uploaded(up: Up) -> None:
    """A file with more certificates than an input can hold; other text in it is not uploaded."""
    serial = issue_client(up, "many")
    up.sh("openssl x509 -text -in pki/many.pem > one.txt; for n in $(seq 120); do cat one.txt; done > many.pem")
    assert "will be revoked  for UNSPECIFIED  CN=many" in run(up, "revocation plan --certificate many.pem")
    execution = json.loads(run(up, "revocation start --yes --json --certificate many.pem 2>/dev/null"))
    assert execution["output"]["Summary"]["Enforced"] == 1
    execution_arn = execution["executionArn"]
    details = json.loads(up.sh(f"aws stepfunctions describe-execution --execution-arn {execution_arn}"))
    (location,) = json.loads(details["input"])["Certificates"]
    uploaded = up.sh(f"aws s3 cp s3://{location['Bucket']}/{location['Key']} -")
    assert (uploaded.count("BEGIN"), "Serial" in uploaded) == (120, False)
    assert serial


def test_list_elsewhere_in_s3_is_uploaded(up: Up) -> None:
    """An object that the stack may not read is read with the operator's rights, and uploaded to the input bucket."""
    serial = issue_client(up, "elsewhere")
    up.sh(f"echo 0x{serial} | aws s3 cp --quiet - s3://$WORKFLOW_BUCKET/by-hand/s.txt")
    output = run(up, "revocation start --yes --list s3://$WORKFLOW_BUCKET/by-hand/s.txt")
    assert "1 of 1 certificates are enforced" in output
    assert "Connections that were open may live until" in output
    assert not is_accepted(up, "elsewhere")


def test_crl_of_another_ca(up: Up) -> None:
    """A CA made with openssl, trusted beside Private CA's: its CRL comes in a file, and its client is refused."""
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
    plan = run(up, "revocation plan --crl partner.crl")
    assert "attach CRL number" in plan
    assert "The trust stores hold this CRL now" in run(up, "revocation start --yes --crl partner.crl")
    assert not is_accepted(up, "partner")
    assert "held this CRL already" in run(up, "revocation start --yes --crl partner.crl")
    ca.forget()
    (up.folder / "partner.crl").write_bytes(ca.crl("DER"))
    plan = run(up, "revocation plan --crl partner.crl")
    assert "Warning: 1 serials that it refuses now would be accepted" in plan
    assert "Warning: 1 serials" in run(up, "revocation start --yes --crl partner.crl")


LOG = "pki/../logs/conn_log_1_elasticloadbalancing_eu-central-1_app.x.y_20261123T0305Z_192.0.2.1_a.log"


def test_client_is_found_in_the_logs_and_revoked(up: Up) -> None:
    """The output of find is the input of start; the files are plain or gzip, in a folder or in S3."""
    serial = issue_client(up, "logged")
    (up.folder / "logs").mkdir()
    (up.folder / LOG).write_text("\n".join(LINE.format(number, "logged", serial) for number in range(5)) + "\n")
    up.sh("gzip -k logs/*.log; aws s3 cp --quiet --recursive --exclude '*.log' logs s3://$INPUT_BUCKET/logs/")
    output = run(up, "revocation find s3://$INPUT_BUCKET/logs/ --subject cn=LOGGED")
    assert "5 connections from 203.0.113." in output
    assert "1 certificates in 5 lines of 1 files" in output
    assert "2 connections" in run(up, "revocation find logs --address 203.0.113.3/32 --since 2026-11-23T03:01:00")
    assert "0 certificates" in run(up, "revocation find logs --subject nobody", NOT_ENFORCED)
    (client,) = json.loads(run(up, "revocation find logs --json 2>/dev/null"))
    assert (int(client["Serial"].replace(":", ""), 16), client["Connections"]) == (int(serial, 16), 10)
    assert "no log" in run(up, "revocation find logs --until 2026-11-22", UNUSABLE)
    run(up, "revocation find logs --serials 2>/dev/null | revocation start --yes --list -")
    assert not is_accepted(up, "logged")


@pytest.mark.parametrize("phrase", [*OPTION_NAMES, " holds a private key"])
def test_functions_still_use_the_phrases_that_are_replaced(phrase: str) -> None:
    """A message of the functions that is reworded would leave a field name where an option belongs."""
    sources = [path.read_text() for path in Path(functions.__path__[0]).rglob("*.py")]
    assert any(phrase in re.sub(r'"\s+f?"', "", source) for source in sources)
