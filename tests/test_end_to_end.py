r"""One test for the embedded AWS and a real account: a certificate is issued, revoked by an event, and refused.

It runs on the embedded AWS and, with MTLS_E2E=1, on a real account, which costs a certificate and half an hour:

    MTLS_E2E=1 STATE_MACHINE_ARN=… CERTIFICATE_AUTHORITY_ARN=… TRUST_STORE_ARN=… EVENT_BUS_NAME=… INPUT_BUCKET=… \
        [LISTENER=host:port] [LISTENER_CA=file.pem] make test TESTS=tests/test_end_to_end.py

with credentials that may issue and revoke certificates, put events, read executions, reports and the trust store, and
create a trust store and objects in the input bucket. It prints what AWS answered, beside what the embedded AWS does.
"""

import http.client
import json
import os
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws
from tests import probes
from tests.support.waiting import use_quick_settings

VARIABLES = ("STATE_MACHINE_ARN", "CERTIFICATE_AUTHORITY_ARN", "TRUST_STORE_ARN", "EVENT_BUS_NAME", "INPUT_BUCKET")


@dataclass(frozen=True)
class Target:
    """An account with the stack in it, embedded or real."""

    client: Callable[[str], Any]
    names: dict[str, str]
    timeout_seconds: float
    listener: tuple[str, int, str] | None


@pytest.fixture
def real() -> Target:
    """Return the real account that the environment names."""
    if os.environ.get("MTLS_E2E") != "1":
        pytest.skip("no real account: set MTLS_E2E=1 and the variables that this file names at its top")
    host, _, port = os.environ.get("LISTENER", "").partition(":")
    listener = (host, int(port or 443), os.environ["LISTENER_CA"]) if host else None
    return Target(
        lambda name: boto3.client(name),  # type: ignore[call-overload] # noqa: PLW0108 - overloaded
        {name: os.environ[name] for name in VARIABLES},
        3 * 3600,
        listener,
    )


def issued(target: Target, folder: Path) -> tuple[int, Path]:
    """Issue a client certificate; return its serial, and the file with it, its chain and its key."""
    pca, arn = target.client("acm-pca"), target.names["CERTIFICATE_AUTHORITY_ARN"]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mtls-revocation end-to-end")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    authority = pca.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    certificate_arn = pca.issue_certificate(
        CertificateAuthorityArn=arn,
        Csr=csr.public_bytes(Encoding.PEM),
        SigningAlgorithm=authority["CertificateAuthorityConfiguration"]["SigningAlgorithm"],
        TemplateArn="arn:aws:acm-pca:::template/EndEntityClientAuthCertificate/V1",
        Validity={"Type": "DAYS", "Value": 2},
    )["CertificateArn"]
    pca.get_waiter("certificate_issued").wait(CertificateAuthorityArn=arn, CertificateArn=certificate_arn)
    got = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=certificate_arn)
    file = folder / "client.pem"
    file.touch(mode=0o600)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file.write_text(f"{private}{got['Certificate']}\n{got['CertificateChain']}\n")
    return x509.load_pem_x509_certificate(got["Certificate"].encode()).serial_number, file


def accepted(target: Target, file: Path) -> bool:
    """Return whether the listener answers a request after a TLS handshake."""
    assert target.listener is not None
    host, port, authority = target.listener
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(file)
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=15)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ended(target: Target, serial: str, since: set[str]) -> dict[str, Any]:
    """Wait for the end of the execution that the event started."""
    stepfunctions, arn = target.client("stepfunctions"), target.names["STATE_MACHINE_ARN"]
    end = time.monotonic() + target.timeout_seconds
    while time.monotonic() < end:
        for each in stepfunctions.list_executions(stateMachineArn=arn)["executions"]:
            described = stepfunctions.describe_execution(executionArn=each["executionArn"])
            ours = each["executionArn"] not in since and serial in described.get("input", "")
            if ours and described["status"] != "RUNNING":
                return dict(described)
        time.sleep(1 if target.timeout_seconds < 600 else 30)
    raise TimeoutError(f"no execution for {serial} has ended after {target.timeout_seconds} seconds")


def attached_serials(target: Target) -> set[int]:
    """Return the serials of all lists of the trust store, read through its pre-signed URLs."""
    elb, arn = target.client("elbv2"), target.names["TRUST_STORE_ARN"]
    serials: set[int] = set()
    for each in elb.describe_trust_store_revocations(TrustStoreArn=arn)["TrustStoreRevocations"]:
        location = elb.get_trust_store_revocation_content(TrustStoreArn=arn, RevocationId=each["RevocationId"])[
            "Location"
        ]
        with urllib.request.urlopen(location) as answer:  # noqa: S310 - AWS's own address
            serials |= {entry.serial_number for entry in x509.load_pem_x509_crl(answer.read())}
    return serials


def a_certificate_is_revoked(target: Target, folder: Path) -> dict[str, str]:
    """Issue a certificate, revoke it by an event, read the lists back, and connect to the listener if there is one.

    Return what was seen that no documentation says.
    """
    number, file = issued(target, folder)
    serial = serial_number.to_hex(number)
    if target.listener:
        assert accepted(target, file)
    stepfunctions, arn = target.client("stepfunctions"), target.names["STATE_MACHINE_ARN"]
    before = {each["executionArn"] for each in stepfunctions.list_executions(stateMachineArn=arn)["executions"]}
    entry = {
        "EventBusName": target.names["EVENT_BUS_NAME"],
        "Source": "end-to-end-test",
        "DetailType": "Client Certificate Revocation Requested",
        "Detail": json.dumps({"Serials": [serial], "RevocationReason": "SUPERSEDED"}),
    }
    assert target.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    execution = ended(target, serial, before)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    where = json.loads(execution["output"])["ReportJson"]
    body = target.client("s3").get_object(Bucket=where["Bucket"], Key=where["Key"], VersionId=where["VersionId"])[
        "Body"
    ]
    report = json.load(body)
    (entry,) = report["Serials"]
    assert (entry["Serial"], entry["Outcome"], entry["Enforced"]) == (serial, "REVOKED", True)
    assert number in attached_serials(target)
    seen = {
        "seconds from the event to the list read back": f"{report['TimeToEnforcementSeconds']:.0f}",
        "a CRL number": str(report["Crl"]["CrlNumber"]),
        "revoking again": revoking_again(target, serial),
    }
    if target.listener:
        since = time.monotonic()
        while accepted(target, file) and time.monotonic() < since + 300:  # how long it takes is not published
            time.sleep(5)
        assert not accepted(target, file)
        seen["seconds from there to the first handshake refused"] = f"{time.monotonic() - since:.0f}"
    return seen


def revoking_again(target: Target, serial: str) -> str:
    """Return Private CA's code for a certificate that is revoked already."""
    try:
        target.client("acm-pca").revoke_certificate(
            CertificateAuthorityArn=target.names["CERTIFICATE_AUTHORITY_ARN"],
            CertificateSerial=serial,
            RevocationReason="SUPERSEDED",
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "no error"


def test_on_the_embedded_aws(aws: EmbeddedAws, tmp_path: Path) -> None:
    """The whole process, within seconds; the answers are those that the documentation of the embedded AWS gives."""
    aws.settings.private_ca.crl_delay_seconds = 1
    use_quick_settings(aws.settings)
    with deployed_lab(aws, tmp_path / "pki") as lab:
        acm_pca.publish_now(lab.authority.arn)
        listener = ("localhost", lab.listener.port, str(lab.ca_file))
        target = Target(aws.client, lab.environment(), 180, listener)
        seen = a_certificate_is_revoked(target, tmp_path)
        assert seen["revoking again"] == "RequestAlreadyProcessedException"
        assert probes.answers(aws.client, target.names["INPUT_BUCKET"]) == probes.EMBEDDED


def test_on_a_real_account(real: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same on AWS itself; what it answers is printed as a table."""
    seen = a_certificate_is_revoked(real, tmp_path)
    answers = probes.answers(real.client, real.names["INPUT_BUCKET"])
    with capsys.disabled():
        print(probes.table(seen | answers))  # noqa: T201 - to be pasted into an issue
