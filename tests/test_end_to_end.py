r"""One test for the embedded AWS and a real account: a certificate is issued, revoked by an event, and refused.

It runs on the embedded AWS and, with MTLS_E2E=1, on a real account, which costs a certificate and half an hour:

    MTLS_E2E=1 STATE_MACHINE_ARN=… CERTIFICATE_AUTHORITY_ARN=… TRUST_STORE_ARN=… EVENT_BUS_NAME=… \
        [LISTENER=host:port] [LISTENER_CA=file.pem] make test TESTS=tests/test_end_to_end.py

with credentials that may issue certificates, put events and read executions, reports and the trust store.
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.lab.lab import deployed_lab
from infra.local.server import EmbeddedAws

VARIABLES = ("STATE_MACHINE_ARN", "CERTIFICATE_AUTHORITY_ARN", "TRUST_STORE_ARN", "EVENT_BUS_NAME")


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


def a_certificate_is_revoked(target: Target, folder: Path) -> None:
    """Issue a certificate, revoke it by an event, read the lists back, and connect to the listener if there is one."""
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
    (entry,) = json.load(body)["Serials"]
    assert (entry["Serial"], entry["Outcome"], entry["Enforced"]) == (serial, "REVOKED", True)
    assert number in attached_serials(target)
    if target.listener:
        end = time.monotonic() + 300  # how long a load balancer takes is not published
        while accepted(target, file) and time.monotonic() < end:
            time.sleep(5)
        assert not accepted(target, file)


def test_on_the_embedded_aws(aws: EmbeddedAws, tmp_path: Path) -> None:
    """The whole process, within seconds."""
    aws.settings.private_ca.crl_delay_seconds = 1
    with deployed_lab(aws, tmp_path / "pki") as lab:
        acm_pca.publish_now(lab.authority.arn)
        listener = ("localhost", lab.listener.port, str(lab.ca_file))
        target = Target(aws.client, lab.environment(), 180, listener)
        a_certificate_is_revoked(target, tmp_path)


def test_on_a_real_account(real: Target, tmp_path: Path) -> None:
    """The same on AWS itself."""
    a_certificate_is_revoked(real, tmp_path)
