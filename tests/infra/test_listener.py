"""The listener: whom a real TLS handshake lets in, by the trust store as it is at that moment."""

import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local import acm_pca, elbv2
from infra.local.connection_log import serial_text
from infra.local.handshake import Handshake, connect
from infra.local.listener import Listener, ServerCertificate
from infra.local.server import EmbeddedAws
from infra.local.settings import ExpiredCrl, SameIssuerLists
from infra.local.trust_stores import Trust
from tests import pki
from tests.infra.embedded_services import Authority, Leaf, Services, eventually, on, openssl, until

TLS_VERSIONS = ["-tls1_2", "-tls1_3"]
LOG_FIELDS = 15


@pytest.fixture(scope="module")
def services(embedded_aws: EmbeddedAws) -> Iterator[Services]:
    """Start this file with an embedded AWS that is empty."""
    with on(embedded_aws) as empty:
        yield empty


class Site:
    """A listener in front of a trust store, the CA of its clients, and their files."""

    def __init__(self, services: Services, authority: Authority, folder: Path) -> None:
        """Start the listener."""
        self.services, self.authority, self.folder = services, authority, folder
        pem = authority.certificate.public_bytes(Encoding.PEM)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(pem)
        self.store = services.trust_store(pem)
        server = authority.issue("localhost", "EndEntityServerAuthCertificate/V1", dns_names=("localhost",))
        certificate, key = server.write(folder)
        self.ignore_expiry = False
        self.listener = Listener(
            self._trust,
            ServerCertificate(certificate.read_bytes(), key.read_bytes()),
            services.settings,
            log=folder / "connections.log",
        )

    def _trust(self) -> Trust:
        return elbv2.trust_store(self.store).trust(ignore_client_certificate_expiry=self.ignore_expiry)

    def connect(self, leaf: Leaf) -> Handshake:
        """Try to come in with a certificate."""
        return connect(self.listener.port, *leaf.write(self.folder), self.ca)

    def attach(self, **overrides: object) -> int:
        """Attach a CRL of the CA; `overrides` say what is wrong with it."""
        crl = x509.load_der_x509_crl(acm_pca.publish_now(self.authority.arn, **overrides))  # type: ignore[arg-type]
        (added,) = self.services.attach(self.store, crl.public_bytes(Encoding.PEM))
        return added["RevocationId"]

    def status(self) -> str:
        """Return how the last handshake ended, by the connection log."""
        return self.listener.log.lines[-1].rsplit(" ", 5)[1]


@pytest.fixture
def site(services: Services, tmp_path: Path) -> Iterator[Site]:
    """Give a listener whose trust store holds no list."""
    site = Site(services, Authority.create(services), tmp_path)
    with site.listener:
        yield site


def printed_serial(certificate: Path) -> str:
    """Give a serial number as openssl prints it: whole octets in upper case, and no zeros before them."""
    return openssl("x509", "-noout", "-serial", "-in", certificate).strip().removeprefix("serial=")


def test_a_client_of_the_ca_comes_in(site: Site) -> None:
    """The server tells the client its serial number, and logs success."""
    leaf = site.authority.issue()
    met = site.connect(leaf)
    assert (met.accepted, met.serial) == (True, leaf.serial)
    assert site.status() == "Success"


def test_a_revoked_client_is_refused_once_the_list_is_attached(site: Site) -> None:
    """Neither the revocation nor the CRL in S3 does it: the trust store does, for this certificate alone."""
    stolen, other = site.authority.issue(), site.authority.issue()
    site.authority.revoke(stolen)
    site.authority.crl_with(stolen)
    assert site.connect(stolen).accepted
    site.attach()
    assert not site.connect(stolen).accepted
    assert site.status() == "Failed:ClientCertCrlHit"
    assert site.connect(other).accepted


def test_a_client_comes_in_again_when_the_list_is_removed(site: Site) -> None:
    """The trust store is read at each handshake."""
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    revocation_id = site.attach()
    assert not site.connect(leaf).accepted
    site.services.elb.remove_trust_store_revocations(TrustStoreArn=site.store, RevocationIds=[revocation_id])
    assert site.connect(leaf).accepted


def test_an_open_connection_stays(site: Site) -> None:
    """Revocation is looked at in the handshake, so who is in remains in."""
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
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.headers["X-Amzn-Mtls-Clientcert-Serial-Number"] == printed_serial(certificate)
    assert answer.headers["X-Amzn-Mtls-Clientcert-Subject"] == "CN=device,O=Example"
    assert answer.headers["X-Amzn-Mtls-Clientcert-Issuer"] == "CN=Example CA,O=Example,C=DE"


def test_a_client_of_another_ca_is_refused(site: Site) -> None:
    """Who does not chain to the bundle is untrusted."""
    stranger = Authority.create(site.services, crl={}, name="Another CA").issue()
    assert not site.connect(stranger).accepted
    assert site.status() == "Failed:ClientCertUntrusted"


def test_a_server_certificate_is_not_a_client(site: Site) -> None:
    """The extended key usage must allow clients."""
    server = site.authority.issue(template="EndEntityServerAuthCertificate/V1")
    assert not site.connect(server).accepted
    assert site.status() == "Failed:ClientCertPurposeInvalid"


def test_an_expired_client_is_refused_unless_expiry_is_ignored(site: Site) -> None:
    """IgnoreClientCertificateExpiry lets expired clients in, but not revoked ones."""
    leaf = site.authority.issue_expiring()
    site.authority.revoke(leaf)
    until(leaf.certificate.not_valid_after_utc + timedelta(seconds=1))  # its last second is valid
    assert not site.connect(leaf).accepted
    assert site.status() == "Failed:ClientCertExpired"
    site.ignore_expiry = True
    assert site.connect(leaf).accepted
    site.attach()
    assert not site.connect(leaf).accepted
    assert site.status() == "Failed:ClientCertCrlHit"


def test_a_client_without_a_certificate_is_refused(site: Site) -> None:
    """Mode verify demands a certificate; the client is told so by an alert."""
    context = ssl.create_default_context(cafile=site.ca)
    connection = http.client.HTTPSConnection("localhost", site.listener.port, context=context)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        _get(connection)
    connection.close()
    assert site.status() == "Failed:UnmappedConnectionError"


def _get(connection: http.client.HTTPSConnection) -> int:
    connection.request("GET", "/")
    return connection.getresponse().status


@pytest.mark.parametrize("version", TLS_VERSIONS)
def test_openssl_agrees(site: Site, version: str) -> None:
    """Another TLS client comes in or is dropped without an alert, in both TLS versions."""
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
    """A second connection shakes hands in full, so it cannot pass by the trust store."""
    kept = site.folder / "session"
    leaf = site.authority.issue()
    assert b"New, TLSv1.2" in _s_client(site, leaf, "-tls1_2", "-sess_out", str(kept)).stdout
    assert b"Reused" not in _s_client(site, leaf, "-tls1_2", "-sess_in", str(kept)).stdout


def test_a_client_sends_its_intermediates(services: Services, tmp_path: Path) -> None:
    """A chain is built from what the client sends up to the bundle, which may hold the root alone."""
    root = Authority.create(services, name="Root")
    site = Site(services, root, tmp_path)
    with site.listener:
        subordinate = root.subordinate()
        leaf = subordinate.issue()
        assert not site.connect(leaf).accepted
        assert site.status() == "Failed:ClientCertUntrusted"
        certificate, key = leaf.write(tmp_path)
        certificate.write_bytes(certificate.read_bytes() + subordinate.certificate.public_bytes(Encoding.PEM))
        assert connect(site.listener.port, certificate, key, site.ca).accepted


def test_a_revoked_intermediate_takes_its_clients_along(services: Services, tmp_path: Path) -> None:
    """Each certificate of the chain below the anchor is looked up in the lists of its issuer."""
    root = Authority.create(services, name="Root")
    site = Site(services, root, tmp_path)
    with site.listener:
        subordinate = root.subordinate()
        certificate, key = subordinate.issue().write(tmp_path)
        certificate.write_bytes(certificate.read_bytes() + subordinate.certificate.public_bytes(Encoding.PEM))
        services.pca.revoke_certificate(
            CertificateAuthorityArn=root.arn,
            CertificateSerial=f"{subordinate.certificate.serial_number:x}",
            RevocationReason="CERTIFICATE_AUTHORITY_COMPROMISE",
        )
        site.attach()
        assert not connect(site.listener.port, certificate, key, site.ca).accepted
        assert site.status() == "Failed:ClientCertCrlHit"


def test_a_bundle_may_hold_the_intermediate_alone(services: Services, tmp_path: Path) -> None:
    """Any certificate of the bundle is an anchor, as s2n-tls has it."""
    subordinate = Authority.create(services, name="Root").subordinate()
    site = Site(services, subordinate, tmp_path)
    with site.listener:
        certificate, key = subordinate.issue().write(tmp_path)
        context = ssl.create_default_context(cafile=site.ca)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_cert_chain(certificate, key)
        connection = http.client.HTTPSConnection("localhost", site.listener.port, context=context)
        assert _get(connection) == 200
        connection.close()


def test_a_list_signed_by_another_key_locks_out(site: Site) -> None:
    """A forged list of the CA's name makes every client of that CA fail, as s2n-tls has it."""
    leaf = site.authority.issue()
    site.attach(signing_key=ec.generate_private_key(ec.SECP256R1()))
    assert not site.connect(leaf).accepted
    assert site.status() == "Failed:ClientCertCrlProcessingError"


@pytest.mark.parametrize(
    ("which", "first_refused", "second_refused"),
    [
        (SameIssuerLists.UNION, True, True),
        (SameIssuerLists.NEWEST, False, True),
        (SameIssuerLists.OLDEST, True, False),
    ],
)
def test_which_of_two_lists_counts_is_a_setting(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    which: SameIssuerLists,
    first_refused: bool,  # noqa: FBT001 - a column of the table above
    second_refused: bool,  # noqa: FBT001
) -> None:
    """AWS does not say what two lists of one issuer do."""
    monkeypatch.setattr(site.services.settings.trust_stores, "same_issuer_lists", which)
    first, second = site.authority.issue(), site.authority.issue()
    for leaf in (first, second):
        site.authority.revoke(leaf)
        site.attach(serials=[leaf.serial])
    assert [site.connect(leaf).accepted for leaf in (first, second)] == [not first_refused, not second_refused]


@pytest.mark.parametrize(
    ("does", "status"),
    [
        (ExpiredCrl.ENFORCED, "Failed:ClientCertCrlHit"),
        (ExpiredCrl.IGNORED, "Success"),
        (ExpiredCrl.REFUSED, "Failed:ClientCertCrlProcessingError"),
    ],
)
def test_what_an_expired_list_does_is_a_setting(
    site: Site, monkeypatch: pytest.MonkeyPatch, does: ExpiredCrl, status: str
) -> None:
    """AWS does not say that either; s2n-tls by default does not look at dates."""
    monkeypatch.setattr(site.services.settings.trust_stores, "expired_crl", does)
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    site.attach(this_update=yesterday - timedelta(days=1), next_update=yesterday)
    site.connect(leaf)
    assert site.status() == status


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01"])
def test_a_client_that_speaks_no_tls_does_no_harm(site: Site, said: bytes) -> None:
    """Garbage, half a hello, or nothing: the listener logs it and goes on."""
    with socket.create_connection(("127.0.0.1", site.listener.port)) as plain:
        plain.sendall(said)
    eventually(lambda: site.listener.log.lines or None)
    assert site.status() == "Failed:UnmappedConnectionError"
    assert site.connect(site.authority.issue()).accepted


def test_a_client_that_stalls_is_dropped(site: Site) -> None:
    """Who says nothing is dropped after a while, and keeps nobody waiting meanwhile."""
    site.listener.handshake_seconds = 0.3
    with socket.create_connection(("127.0.0.1", site.listener.port)) as plain:
        assert site.connect(site.authority.issue()).accepted
        plain.settimeout(5)
        assert plain.recv(1) == b""


def test_the_log_has_the_load_balancers_format(site: Site) -> None:
    """Space-delimited fields in the documented order, in memory and in the file."""
    leaf = site.authority.issue()
    site.connect(leaf)
    (line,) = site.listener.log.lines
    begins, ends = leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc
    fields = line.split(" ")
    assert len(fields) == LOG_FIELDS
    assert datetime.fromisoformat(fields[0]).tzinfo is not None
    assert fields[1] == "127.0.0.1"
    assert fields[3:6] == [str(site.listener.port), "TLSv1.3", "TLS_AES_256_GCM_SHA384"]
    assert float(fields[6]) < 5
    assert fields[7] == '"CN=device,O=Example"'
    assert fields[8] == f"NotBefore={begins:%Y-%m-%dT%H:%M:%SZ};NotAfter={ends:%Y-%m-%dT%H:%M:%SZ}"
    assert fields[9:11] == [printed_serial(site.folder / f"{leaf.serial_text}.pem"), "Success"]
    assert fields[11].startswith("TID_")
    assert (site.folder / "connections.log").read_text() == f"{line}\n"


@pytest.mark.parametrize(("serial", "written"), [(0x03A5B1, "03A5B1"), (2, "02"), (0xFEF2 << 112, f"FEF2{'00' * 14}")])
def test_a_serial_number_is_written_in_whole_octets(serial: int, written: str) -> None:
    """As in the samples of the load balancer's headers and logs, whatever its length."""
    assert serial_text(pki.certificate_authority("Example").issue(serial=serial).certificate) == written


def test_closing_ends_what_is_open(services: Services, tmp_path: Path) -> None:
    """After close nobody listens, and clients that were in are out."""
    site = Site(services, Authority.create(services), tmp_path)
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


def test_many_entries_cost_one_handshake_little(site: Site) -> None:
    """A list is read once and not at each handshake."""
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    site.attach()
    site.connect(leaf)
    (attached,) = elbv2.trust_store(site.store).trust().lists
    first = attached.serials
    site.connect(leaf)
    (again,) = elbv2.trust_store(site.store).trust().lists
    assert again.serials is first


def test_a_client_that_mistrusts_the_server_says_nothing_of_itself(site: Site, tmp_path: Path) -> None:
    """A handshake that the client breaks off is no refusal."""
    leaf = site.authority.issue()
    other = tmp_path / "other.pem"
    other.write_bytes(Authority.create(site.services, crl={}, name="X").certificate.public_bytes(Encoding.PEM))
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(site.listener.port, *leaf.write(tmp_path), other)
