"""The listener: which clients a real TLS handshake accepts, by the trust store's state at that moment."""

import http.client
import socket
import ssl
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.lab.handshake import connect
from infra.local.listener.connection_log import serial_text
from tests.infra.local.listener.site import Site, get
from tests.support import pki
from tests.support.openssl import openssl
from tests.support.private_ca import Leaf, LocalCa
from tests.support.services import Services
from tests.support.waiting import PATIENCE_SECONDS, eventually

TLS_VERSIONS = ["-tls1_2", "-tls1_3"]
LOG_FIELDS = 15


def printed_serial(certificate: Path) -> str:
    """Return a serial number as openssl prints it: whole octets in upper case, without leading zeros."""
    return openssl("x509", "-noout", "-serial", "-in", certificate).strip().removeprefix("serial=")


def test_client_of_the_ca_is_accepted(site: Site) -> None:
    """The response has the client's serial number, and the log says Success."""
    leaf = site.authority.issue()
    handshake = site.connect(leaf)
    assert (handshake.accepted, handshake.serial) == (True, leaf.serial)
    assert site.status() == "Success"


def test_a_revoked_client_is_refused_once_the_list_is_attached(site: Site) -> None:
    """Neither the revocation nor the CRL in S3 has an effect until the list is attached; other clients are accepted."""
    stolen, other = site.authority.issue(), site.authority.issue()
    site.authority.revoke(stolen)
    site.authority.crl_with(stolen)
    assert site.connect(stolen).accepted
    site.attach()
    assert not site.connect(stolen).accepted
    assert site.status() == "Failed:ClientCertCrlHit"
    assert site.connect(other).accepted


def test_client_is_accepted_again_when_the_list_is_removed(site: Site) -> None:
    """The trust store is read at each handshake."""
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    revocation_id = site.attach()
    assert not site.connect(leaf).accepted
    site.services.elb.remove_trust_store_revocations(TrustStoreArn=site.store, RevocationIds=[revocation_id])
    assert site.connect(leaf).accepted


def test_an_open_connection_stays(site: Site) -> None:
    """Revocation is checked in the handshake, so open connections stay."""
    leaf = site.authority.issue()
    certificate, key = leaf.write(site.folder)
    context = ssl.create_default_context(cafile=site.ca)
    context.load_cert_chain(certificate, key)
    connection = http.client.HTTPSConnection("localhost", site.listener.port, context=context)
    connection.request("GET", "/")
    connection.getresponse().read()
    site.authority.revoke(leaf)
    site.attach()
    assert not site.connect(leaf).accepted
    connection.request("POST", "/", body=b"still here")
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.headers["X-Amzn-Mtls-Clientcert-Serial-Number"] == printed_serial(certificate)
    assert response.headers["X-Amzn-Mtls-Clientcert-Subject"] == "CN=device,O=Example"
    assert response.headers["X-Amzn-Mtls-Clientcert-Issuer"] == "CN=Example CA,O=Example,C=DE"


def test_a_client_of_another_ca_is_refused(site: Site) -> None:
    """A certificate that does not chain to the bundle is untrusted."""
    other_client = LocalCa.create(site.services, crl={}, name="Another CA").issue()
    assert not site.connect(other_client).accepted
    assert site.status() == "Failed:ClientCertUntrusted"


def test_server_certificate_is_refused(site: Site) -> None:
    """The extended key usage must include client authentication."""
    server = site.authority.issue(template="EndEntityServerAuthCertificate/V1")
    assert not site.connect(server).accepted
    assert site.status() == "Failed:ClientCertPurposeInvalid"


def test_an_expired_client_is_refused_unless_expiry_is_ignored(site: Site) -> None:
    """IgnoreClientCertificateExpiry accepts expired clients, but not revoked ones."""
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    site.authority.crl_with(leaf)
    leaf = site.authority.expire(leaf)
    assert not site.connect(leaf).accepted
    assert site.status() == "Failed:ClientCertExpired"
    site.ignore_expiry = True
    assert site.connect(leaf).accepted
    site.attach()
    assert not site.connect(leaf).accepted
    assert site.status() == "Failed:ClientCertCrlHit"


def test_a_client_without_a_certificate_is_refused(site: Site) -> None:
    """Mode verify requires a certificate; the client receives an alert."""
    context = ssl.create_default_context(cafile=site.ca)
    connection = http.client.HTTPSConnection("localhost", site.listener.port, context=context)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        get(connection)
    connection.close()
    assert site.status() == "Failed:UnmappedConnectionError"


@pytest.mark.parametrize("version", TLS_VERSIONS)
def test_openssl_is_accepted_and_reset(site: Site, version: str) -> None:
    """Another TLS client is accepted, or reset without an alert, in both TLS versions."""
    leaf = site.authority.issue()
    assert b"HTTP/1.1 200 OK" in _s_client(site, leaf, version).stdout
    site.authority.revoke(leaf)
    site.attach()
    run = _s_client(site, leaf, version)
    assert b"HTTP/1.1" not in run.stdout
    assert b"alert" not in run.stderr


def _s_client(site: Site, leaf: Leaf, version: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    certificate, key = leaf.write(site.folder)
    files: list[str | Path] = ["-cert", certificate, "-key", key, "-CAfile", site.ca]
    return subprocess.run(
        ["openssl", "s_client", version, "-connect", f"127.0.0.1:{site.listener.port}", "-ign_eof", *files, *options],
        input=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        check=False,
    )


def test_no_session_is_resumed(site: Site) -> None:
    """A second connection performs a full handshake, so it cannot bypass the trust store."""
    kept = site.folder / "session"
    leaf = site.authority.issue()
    assert b"New, TLSv1.2" in _s_client(site, leaf, "-tls1_2", "-sess_out", str(kept)).stdout
    assert b"Reused" not in _s_client(site, leaf, "-tls1_2", "-sess_in", str(kept)).stdout


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01"])
def test_client_without_tls_is_logged(site: Site, sent: bytes) -> None:
    """After garbage, half a hello or nothing, the listener still serves others."""
    with socket.create_connection(("127.0.0.1", site.listener.port)) as plain:
        plain.sendall(sent)
    eventually(lambda: site.listener.log.lines or None)
    assert site.status() == "Failed:UnmappedConnectionError"
    assert site.connect(site.authority.issue()).accepted


def test_stalled_client_is_disconnected(site: Site) -> None:
    """A client that sends nothing is disconnected after a while; others are served in the meantime."""
    address = "127.0.0.1", site.listener.port
    site.listener.handshake_seconds = 300
    with socket.create_connection(address):
        assert site.connect(site.authority.issue()).accepted
    site.listener.handshake_seconds = 0.2
    with socket.create_connection(address) as stalled:
        stalled.settimeout(PATIENCE_SECONDS)
        assert stalled.recv(1) == b""


def test_the_log_has_the_load_balancers_format(site: Site) -> None:
    """Space-delimited fields in the documented order, in memory and in the file."""
    leaf = site.authority.issue()
    site.connect(leaf)
    (line,) = site.listener.log.lines
    not_before, not_after = leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc
    fields = line.split(" ")
    assert len(fields) == LOG_FIELDS
    assert datetime.fromisoformat(fields[0]).tzinfo is not None
    assert fields[1] == "127.0.0.1"
    assert fields[3:6] == [str(site.listener.port), "TLSv1.3", "TLS_AES_256_GCM_SHA384"]
    assert float(fields[6]) < 5
    assert fields[7] == '"CN=device,O=Example"'
    assert fields[8] == f"NotBefore={not_before:%Y-%m-%dT%H:%M:%SZ};NotAfter={not_after:%Y-%m-%dT%H:%M:%SZ}"
    assert fields[9:11] == [printed_serial(site.folder / f"{leaf.serial_text}.pem"), "Success"]
    assert fields[11].startswith("TID_")
    assert (site.folder / "connections.log").read_text() == f"{line}\n"


@pytest.mark.parametrize(("serial", "written"), [(0x03A5B1, "03A5B1"), (2, "02"), (0xFEF2 << 112, f"FEF2{'00' * 14}")])
def test_a_serial_number_is_written_in_whole_octets(serial: int, written: str) -> None:
    """As in the samples of the load balancer's headers and logs, whatever its length."""
    assert serial_text(pki.certificate_authority("Example").issue(serial=serial).certificate) == written


def test_close_ends_open_connections(services: Services, tmp_path: Path) -> None:
    """After close the port is closed, and so are the connections."""
    site = Site(services, LocalCa.create(services), tmp_path)
    leaf = site.authority.issue()
    context = ssl.create_default_context(cafile=site.ca)
    context.load_cert_chain(*leaf.write(tmp_path))
    with (
        socket.create_connection(("127.0.0.1", site.listener.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        site.listener.close()
        while client.recv(4096):
            pass
    with pytest.raises(ConnectionRefusedError):
        site.connect(leaf)


def test_untrusted_server_is_not_a_refused_client(site: Site, tmp_path: Path) -> None:
    """A handshake that the client aborts raises, instead of counting as a refusal."""
    leaf = site.authority.issue()
    other = tmp_path / "other.pem"
    other.write_bytes(LocalCa.create(site.services, crl={}, name="X").certificate.public_bytes(Encoding.PEM))
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(site.listener.port, *leaf.write(tmp_path), other)
