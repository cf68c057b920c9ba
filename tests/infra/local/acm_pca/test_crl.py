"""The CRLs of the embedded Private CA: when they are published, and what is in them."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca.crl_bucket import PERMISSION_TEST_KEY
from infra.local.acm_pca.service import certificate_authority, publish_now
from infra.local.server import EmbeddedAws
from tests.support.openssl import openssl
from tests.support.private_ca import LocalCa
from tests.support.services import Services, refused
from tests.support.waiting import eventually


@pytest.fixture
def authority(services: Services) -> LocalCa:
    """Return a CA that publishes CRLs and has issued nothing yet."""
    return LocalCa.create(services)


def _keys(authority: LocalCa) -> list[str]:
    contents = authority.services.s3.list_objects_v2(Bucket=authority.bucket or "").get("Contents", [])
    return [one["Key"] for one in contents]


def test_nothing_is_published_before_a_certificate_refers_to_it(authority: LocalCa) -> None:
    """Until then the bucket holds only the object with which Private CA tested its permission."""
    assert _timer(authority) is None
    assert _keys(authority) == [PERMISSION_TEST_KEY]


def _timer(authority: LocalCa) -> threading.Timer | None:
    """Return the timer of the next publication."""
    return certificate_authority(authority.arn).crls._timer  # noqa: SLF001 - that there is none, or another, is the point


def test_first_certificate_publishes_an_empty_crl(authority: LocalCa, tmp_path: Path) -> None:
    """The first CRL revokes nothing; openssl verifies the CA's signature on it."""
    authority.issue()
    crl = eventually(authority.crl)
    ca, der = tmp_path / "ca.pem", tmp_path / "crl.der"
    ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    der.write_bytes(crl.public_bytes(Encoding.DER))
    output = openssl("crl", "-inform", "DER", "-in", der, "-CAfile", ca, "-noout", "-text")
    assert "verify OK" in output
    assert "Version 2" in output
    assert "No Revoked Certificates" in output


def test_openssl_refuses_a_revoked_certificate(authority: LocalCa, tmp_path: Path) -> None:
    """A relying party that reads the CRL refuses the certificate."""
    leaf = authority.issue()
    authority.revoke(leaf)
    crl = authority.crl_with(leaf)
    certificate, _ = leaf.write(tmp_path)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(authority.certificate.public_bytes(Encoding.PEM) + crl.public_bytes(Encoding.PEM))
    with pytest.raises(AssertionError, match="certificate revoked"):
        openssl("verify", "-crl_check", "-CAfile", trusted, certificate)


def test_entries_carry_their_reason_but_unspecified_is_omitted(authority: LocalCa) -> None:
    """RFC 5280, 5.3.1: the reason code of an unspecified reason should be absent."""
    compromised, unspecified = authority.issue(), authority.issue()
    authority.revoke(compromised, "KEY_COMPROMISE")
    authority.revoke(unspecified, "UNSPECIFIED")
    crl = authority.crl_with(compromised, unspecified)
    revoked = crl.get_revoked_certificate_by_serial_number(compromised.serial)
    assert revoked is not None
    assert revoked.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    bare = crl.get_revoked_certificate_by_serial_number(unspecified.serial)
    assert bare is not None
    assert len(bare.extensions) == 0


def test_one_crl_covers_all_revocations_before_it(
    services: Services, authority: LocalCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revocations in quick succession share a CRL."""
    leaves = [authority.issue() for _ in range(3)]
    eventually(authority.crl)
    before = certificate_authority(authority.arn).crls.generated
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", False)
    for leaf in leaves:
        authority.revoke(leaf)
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", True)
    authority.crl_with(*leaves)
    assert certificate_authority(authority.arn).crls.generated == before + 1


def test_number_and_dates_are_as_private_ca_writes_them(authority: LocalCa) -> None:
    """The number is the time in milliseconds and rises; thisUpdate is an hour ago."""
    before = datetime.now(UTC).replace(microsecond=0)
    first = x509.load_der_x509_crl(publish_now(authority.arn))
    second = x509.load_der_x509_crl(publish_now(authority.arn))
    after = datetime.now(UTC)
    numbers = [crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in (first, second)]
    assert numbers[0] < numbers[1]
    assert before.timestamp() <= numbers[1] / 1000 <= after.timestamp()
    assert before <= second.last_update_utc + timedelta(hours=1) <= after
    assert second.next_update_utc is not None
    assert before <= second.next_update_utc - timedelta(days=7) <= after


def test_an_expired_certificate_stays_for_one_further_crl(authority: LocalCa) -> None:
    """Its entry is in the first CRL after its expiry and in no later one."""
    leaf = authority.issue()
    authority.revoke(leaf)
    authority.crl_with(leaf)
    authority.expire(leaf)
    crls = [x509.load_der_x509_crl(publish_now(authority.arn)) for _ in range(2)]
    assert [len(crl) for crl in crls] == [1, 0]


def test_custom_path_replaces_the_folder(services: Services) -> None:
    """CustomPath is the folder of the CRL, also in the CRL distribution point."""
    authority = LocalCa.create(services, crl={"CustomPath": "lists/ca"})
    leaf = authority.issue()
    key = f"lists/ca/{authority.id}.crl"
    eventually(lambda: services.get(authority.bucket or "", key))
    assert _distribution_point(leaf.certificate) == f"http://{authority.bucket}.s3.eu-central-1.amazonaws.com/{key}"


def _distribution_point(certificate: x509.Certificate) -> str:
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    names = points[0].full_name or []
    return str(names[0].value)


def test_distribution_point_can_be_omitted(services: Services) -> None:
    """OmitExtension omits the CRL distribution point from certificates."""
    configuration = {"CrlDistributionPointExtensionConfiguration": {"OmitExtension": True}}
    leaf = LocalCa.create(services, crl=configuration).issue()
    with pytest.raises(x509.ExtensionNotFound):
        _distribution_point(leaf.certificate)


def test_publication_can_be_withheld(services: Services, authority: LocalCa, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting off, revocations are recorded and no CRL is published; with it on again, it is."""
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", False)
    leaf = authority.issue()
    authority.revoke(leaf)
    due = _timer(authority)
    eventually(lambda: _timer(authority) not in (due, None) or None, expected="next attempt")
    assert authority.crl() is None
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", True)
    authority.crl_with(leaf)


def test_a_disabled_ca_still_publishes(services: Services, authority: LocalCa) -> None:
    """A DISABLED CA generates CRLs (aws: privateca/PcaUpdateStatus)."""
    leaf = authority.issue()
    services.pca.update_certificate_authority(CertificateAuthorityArn=authority.arn, Status="DISABLED")
    authority.revoke(leaf)
    authority.crl_with(leaf)


def test_crls_can_be_enabled_later(services: Services) -> None:
    """UpdateCertificateAuthority enables the CRL, after testing its permission."""
    authority = LocalCa.create(services, crl={})
    leaf = authority.issue()
    authority.revoke(leaf)
    authority.bucket = services.bucket()
    services.pca.update_certificate_authority(
        CertificateAuthorityArn=authority.arn,
        RevocationConfiguration={
            "CrlConfiguration": {
                "Enabled": True,
                "ExpirationInDays": 7,
                "S3BucketName": authority.bucket,
                "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
            }
        },
    )
    authority.crl_with(leaf)
    assert PERMISSION_TEST_KEY in _keys(authority)


def test_partitioned_crl_is_not_complete(services: Services) -> None:
    """A PARTITIONED CA writes a CRL with a critical scope under a random name, and none at the complete CRL's key."""
    authority = LocalCa.create(services, crl={"CrlType": "PARTITIONED"})
    leaf = authority.issue()
    key = _distribution_point(leaf.certificate).partition(".com/")[2]
    body = eventually(lambda: services.get(authority.bucket or "", key))
    scope = x509.load_der_x509_crl(body).extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical
    assert authority.crl() is None


def test_a_wrong_crl_can_be_published(authority: LocalCa, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every error that a checker must find can be produced."""
    # The scheduled CRL must not replace one of these.
    monkeypatch.setattr(authority.services.settings.private_ca, "publishes_crls", False)
    leaves = [authority.issue(), authority.issue()]
    for leaf in leaves:
        authority.revoke(leaf)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    valid = publish_now(authority.arn)
    other_key = ec.generate_private_key(ec.SECP256R1())
    forged = x509.load_der_x509_crl(publish_now(authority.arn, signing_key=other_key))
    assert not forged.is_signature_valid(_public_key(authority))
    old = publish_now(authority.arn, number=1, this_update=yesterday, next_update=yesterday)
    assert x509.load_der_x509_crl(old).next_update_utc == yesterday.replace(microsecond=0)
    partial = publish_now(authority.arn, serials=[leaves[0].serial])
    assert len(x509.load_der_x509_crl(partial)) == 1
    delta = publish_now(authority.arn, extensions=[(x509.DeltaCRLIndicator(1), True)])
    assert x509.load_der_x509_crl(delta).extensions.get_extension_for_class(x509.DeltaCRLIndicator).critical
    truncated = publish_now(authority.arn, transform=lambda der: der[:-10])
    assert len(truncated) < len(valid)
    assert authority.services.get(authority.bucket or "", authority.crl_key) == truncated


def _public_key(authority: LocalCa) -> ec.EllipticCurvePublicKey:
    key = authority.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def test_overrides_apply_to_scheduled_crls(authority: LocalCa) -> None:
    """Overrides that are set on the CA apply to its next CRLs."""
    leaf, omitted = authority.issue(), authority.issue()
    certificate_authority(authority.arn).crls.overrides = {"serials": [leaf.serial]}
    authority.revoke(leaf)
    authority.revoke(omitted)
    assert [revoked.serial_number for revoked in authority.crl_with(leaf)] == [leaf.serial]


def test_reset_cancels_scheduled_crls(
    services: Services, embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset of moto resets this Private CA too, and nothing is written afterwards."""
    monkeypatch.setattr(services.settings.private_ca, "crl_delay_seconds", 1)
    authority = LocalCa.create(services)
    authority.issue()
    publication, due = certificate_authority(authority.arn).crls, _timer(authority)
    embedded_aws.reset()
    assert due is not None
    due.join()
    assert (publication.generated, publication.failed) == (0, 0)
    with refused("ResourceNotFoundException"):
        services.pca.describe_certificate_authority(CertificateAuthorityArn=authority.arn)


def test_reset_does_not_wait_for_a_crl_that_is_being_written(
    authority: LocalCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset holds moto's lock, for which the writing of a CRL waits: to wait for the CRL would be a deadlock."""
    crls = certificate_authority(authority.arn).crls
    started, proceed = threading.Event(), threading.Event()

    def write(*_: object) -> None:
        started.set()
        proceed.wait(120)

    monkeypatch.setattr("infra.local.acm_pca.crl_bucket.write_object", write)
    publication = threading.Thread(target=crls.publish)
    publication.start()
    try:
        assert started.wait(120)
        stopping = threading.Thread(target=crls.stop)
        stopping.start()
        stopping.join(5)
        assert not stopping.is_alive()
    finally:
        proceed.set()
        publication.join()
