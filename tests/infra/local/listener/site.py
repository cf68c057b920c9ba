"""A listener with its trust store and the CA of its clients."""

import http.client
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca import service as acm_pca
from infra.local.elbv2 import responses as embedded_elbv2
from infra.local.elbv2.trust_store import TrustSnapshot
from infra.local.lab.handshake import Handshake, connect
from infra.local.listener.listener import Listener, ServerCertificate
from tests.support.private_ca import Leaf, LocalCa
from tests.support.services import Services


class Site:
    """A listener in front of a trust store, the CA of its clients, and their files."""

    def __init__(self, services: Services, authority: LocalCa, folder: Path) -> None:
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

    def _trust(self) -> TrustSnapshot:
        return embedded_elbv2.trust_store(self.store).snapshot(ignore_client_certificate_expiry=self.ignore_expiry)

    def connect(self, leaf: Leaf) -> Handshake:
        """Return the result of a TLS handshake with a client certificate."""
        return connect(self.listener.port, *leaf.write(self.folder), self.ca)

    def attach(self, **overrides: object) -> int:
        """Attach a CRL of the CA, with these `overrides`; return its RevocationId."""
        crl = x509.load_der_x509_crl(acm_pca.publish_now(self.authority.arn, **overrides))  # type: ignore[arg-type]
        (added,) = self.services.attach(self.store, crl.public_bytes(Encoding.PEM))
        return added["RevocationId"]

    def status(self) -> str:
        """Return the status of the last handshake from the connection log."""
        return self.listener.log.lines[-1].rsplit(" ", 5)[1]


def get(connection: http.client.HTTPSConnection) -> int:
    """Return the status of a GET request; in TLS 1.3 a client learns only here that it was refused."""
    connection.request("GET", "/")
    return connection.getresponse().status
