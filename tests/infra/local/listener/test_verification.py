"""The listener's verification: certificate chains, and which of the lists count."""

import http.client
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from functions.pki import names
from infra.local.acm_pca import service as acm_pca
from infra.local.core.settings import ExpiredCrl, NamesakeLists, SameIssuerLists, TrustStoreSettings
from infra.local.elbv2.responses import trust_store
from infra.local.elbv2.trust_store import RevocationList
from infra.local.lab.handshake import connect
from infra.local.listener.verification import Failure, find_revocation_failure
from tests.functions.pki.agreement import changes, variants
from tests.functions.pki.agreement.verdicts import INNOCENT, REVOKED, Verdict, openssl, refusal
from tests.infra.local.listener.site import Site, get
from tests.support.private_ca import LocalCa
from tests.support.services import Services

# The embedded trust store cannot load some of the lists, and has a setting for what the times of a list mean.
_WITHOUT_VERDICT = (
    "version 3",
    "names with an ampersand as PrintableString",
    "authority with a TeletexString in the issuer",
    "two signature algorithms",
    "not yet valid",
    "expired",
)


def test_a_client_sends_its_intermediates(services: Services, tmp_path: Path) -> None:
    """The chain is built from the certificates that the client sends up to the bundle, which may hold only the root."""
    root = LocalCa.create(services, name="Root")
    site = Site(services, root, tmp_path)
    with site.listener:
        subordinate = root.subordinate()
        leaf = subordinate.issue()
        assert not site.connect(leaf).accepted
        assert site.status() == "Failed:ClientCertUntrusted"
        certificate, key = leaf.write(tmp_path)
        certificate.write_bytes(certificate.read_bytes() + subordinate.certificate.public_bytes(Encoding.PEM))
        assert connect(site.listener.port, certificate, key, site.ca).accepted


def test_clients_of_a_revoked_intermediate_are_refused(services: Services, tmp_path: Path) -> None:
    """Each certificate below the anchor is looked up in its issuer's lists."""
    root = LocalCa.create(services, name="Root")
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


def test_bundle_may_hold_only_the_intermediate(services: Services, tmp_path: Path) -> None:
    """Any certificate of the bundle is an anchor, as in s2n-tls."""
    subordinate = LocalCa.create(services, name="Root").subordinate()
    site = Site(services, subordinate, tmp_path)
    with site.listener:
        certificate, key = subordinate.issue().write(tmp_path)
        context = ssl.create_default_context(cafile=site.ca)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_cert_chain(certificate, key)
        connection = http.client.HTTPSConnection("localhost", site.listener.port, context=context)
        assert get(connection) == 200
        connection.close()


def test_list_signed_by_another_key_refuses_all_clients(site: Site) -> None:
    """A forged list with the CA's name refuses every client of that CA, as in s2n-tls."""
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
    """AWS does not document how two lists of one issuer combine."""
    monkeypatch.setattr(site.services.settings.trust_stores, "same_issuer_lists", which)
    first, second = site.authority.issue(), site.authority.issue()
    for leaf in (first, second):
        site.authority.revoke(leaf)
        site.attach(serials=[leaf.serial])
    assert [site.connect(leaf).accepted for leaf in (first, second)] == [not first_refused, not second_refused]


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        (NamesakeLists.ALL_MUST_VERIFY, "Failed:ClientCertCrlProcessingError"),
        (NamesakeLists.BY_KEY_IDENTIFIER, "Success"),
    ],
)
def test_which_lists_of_a_name_count_is_a_setting(
    site: Site, monkeypatch: pytest.MonkeyPatch, counts: NamesakeLists, status: str
) -> None:
    """AWS does not document whether a list of another CA of the same name counts."""
    monkeypatch.setattr(site.services.settings.trust_stores, "namesake_lists", counts)
    subject = acm_pca.certificate_authority(site.authority.arn).configuration["Subject"]
    twin = LocalCa.create(site.services, name=subject["CommonName"])
    store = trust_store(site.store)
    store.replace_bundle(store.bundle + twin.certificate.public_bytes(Encoding.PEM))
    site.attach()
    site.connect(twin.issue())
    assert site.status() == status
    site.connect(site.authority.issue())
    assert site.status() == "Success"


@pytest.mark.parametrize(
    ("setting", "status"),
    [
        (ExpiredCrl.ENFORCED, "Failed:ClientCertCrlHit"),
        (ExpiredCrl.IGNORED, "Success"),
        (ExpiredCrl.REFUSED, "Failed:ClientCertCrlProcessingError"),
    ],
)
def test_effect_of_an_expired_list_is_a_setting(
    site: Site, monkeypatch: pytest.MonkeyPatch, setting: ExpiredCrl, status: str
) -> None:
    """AWS does not document it; s2n-tls by default ignores the dates."""
    monkeypatch.setattr(site.services.settings.trust_stores, "expired_crl", setting)
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    site.attach(this_update=yesterday - timedelta(days=1), next_update=yesterday)
    site.connect(leaf)
    assert site.status() == status


def test_list_is_parsed_once(site: Site) -> None:
    """The second handshake reuses what OpenSSL read in the first."""
    leaf = site.authority.issue()
    site.authority.revoke(leaf)
    site.attach()
    site.connect(leaf)
    (attached,) = trust_store(site.store).snapshot().lists
    (first,) = attached.stores.values()
    site.connect(leaf)
    (again,) = trust_store(site.store).snapshot().lists
    assert list(again.stores.values()) == [first]


@pytest.mark.parametrize("label", [label for label in changes.CHANGES if label not in _WITHOUT_VERDICT])
def test_decides_as_openssl_does(label: str, tmp_path: Path) -> None:
    """What the product takes lets the innocent in, and what OpenSSL refuses lets nobody in."""
    variant = changes.named()[label]
    parsed = x509.load_der_x509_crl(variant.crl(REVOKED))
    revocation_list = RevocationList(1, b"", parsed)
    ca = variants.certificate(variant.ca)

    def failure(serial: int) -> Failure | None:
        chain = (variants.certificate(variant.client(serial)), ca)
        return find_revocation_failure(chain, [revocation_list], TrustStoreSettings())

    if refusal(variant) is None:
        assert (failure(INNOCENT), failure(REVOKED)) == (None, Failure.CRL_HIT)
    elif not names.are_equal(variant.issuer, variant.subject):  # not a list of this CA
        assert (failure(INNOCENT), failure(REVOKED)) == (None, None)
    elif openssl(variant, tmp_path) is Verdict.LOCKS_OUT:
        assert failure(INNOCENT) is Failure.CRL_PROCESSING_ERROR
