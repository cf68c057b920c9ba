"""A CA with a CRL, and trust stores with that CA, for the tests of trust stores."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca.service import publish_now
from tests.support.private_ca import LocalCa
from tests.support.services import Services


@pytest.fixture(scope="module")
def authority(services: Services) -> LocalCa:
    """Return a CA with three revoked certificates."""
    authority = LocalCa.create(services)
    leaves = [authority.issue() for _ in range(3)]
    for leaf in leaves:
        authority.revoke(leaf)
    authority.crl_with(*leaves)
    return authority


@pytest.fixture(scope="module")
def crl(authority: LocalCa) -> bytes:
    """Return the CA's CRL as PEM."""
    der = publish_now(authority.arn)
    return x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)


@pytest.fixture
def store(services: Services, authority: LocalCa) -> str:
    """Return the ARN of a trust store with the CA and no list."""
    return services.trust_store(authority.certificate.public_bytes(Encoding.PEM))
