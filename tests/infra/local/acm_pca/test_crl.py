"""The CRLs of the embedded Private CA: when they come, what is in them, and what keeps them away."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca import service as acm_pca
from infra.local.acm_pca.crl_bucket import PERMISSION_TEST_KEY
from infra.local.server import EmbeddedAws
from tests.support.openssl import openssl
from tests.support.services import Authority, Services, crl_bucket_policy, refused
from tests.support.waiting import eventually, sleep_until


@pytest.fixture
def authority(services: Services) -> Authority:
    """Give a CA that publishes CRLs and has issued nothing yet."""
    return Authority.create(services)


def _keys(authority: Authority) -> list[str]:
    contents = authority.services.s3.list_objects_v2(Bucket=authority.bucket or "").get("Contents", [])
    return [one["Key"] for one in contents]


def test_nothing_is_published_before_a_certificate_refers_to_it(authority: Authority) -> None:
    """Until then the bucket holds the object with which Private CA tried its permission."""
    time.sleep(0.2)
    assert _keys(authority) == [PERMISSION_TEST_KEY]


def test_the_first_certificate_brings_an_empty_crl(authority: Authority, tmp_path: Path) -> None:
    """The first CRL revokes nothing; openssl finds the CA's signature on it."""
    authority.issue()
    crl = eventually(authority.crl)
    ca, der = tmp_path / "ca.pem", tmp_path / "crl.der"
    ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    der.write_bytes(crl.public_bytes(Encoding.DER))
    said = openssl("crl", "-inform", "DER", "-in", der, "-CAfile", ca, "-noout", "-text")
    assert "verify OK" in said
    assert "Version 2" in said
    assert "No Revoked Certificates" in said


def test_a_revoked_certificate_fails_at_openssl(authority: Authority, tmp_path: Path) -> None:
    """A relying party that reads the CRL refuses the certificate."""
    leaf = authority.issue()
    authority.revoke(leaf)
    crl = authority.crl_with(leaf)
    certificate, _ = leaf.write(tmp_path)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(authority.certificate.public_bytes(Encoding.PEM) + crl.public_bytes(Encoding.PEM))
    with pytest.raises(AssertionError, match="certificate revoked"):
        openssl("verify", "-crl_check", "-CAfile", trusted, certificate)


def test_entries_carry_their_reason_but_unspecified_is_omitted(authority: Authority) -> None:
    """RFC 5280, 5.3.1: the reason code of an unspecified reason should be absent."""
    compromised, unspecified = authority.issue(), authority.issue()
    authority.revoke(compromised, "KEY_COMPROMISE")
    authority.revoke(unspecified, "UNSPECIFIED")
    crl = authority.crl_with(compromised, unspecified)
    found = crl.get_revoked_certificate_by_serial_number(compromised.serial)
    assert found is not None
    assert found.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    bare = crl.get_revoked_certificate_by_serial_number(unspecified.serial)
    assert bare is not None
    assert len(bare.extensions) == 0


def test_one_crl_tells_all_revocations_up_to_then(
    services: Services, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revocations in quick succession share a CRL."""
    leaves = [authority.issue() for _ in range(3)]
    eventually(authority.crl)
    before = acm_pca.certificate_authority(authority.arn).crls.generated
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", False)
    for leaf in leaves:
        authority.revoke(leaf)
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", True)
    authority.crl_with(*leaves)
    assert acm_pca.certificate_authority(authority.arn).crls.generated == before + 1


def test_number_and_dates_are_as_private_ca_writes_them(authority: Authority) -> None:
    """The number is the time in milliseconds and rises; thisUpdate lies an hour back."""
    first = x509.load_der_x509_crl(acm_pca.publish_now(authority.arn))
    second = x509.load_der_x509_crl(acm_pca.publish_now(authority.arn))
    now = datetime.now(UTC)
    numbers = [crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in (first, second)]
    assert numbers[0] < numbers[1]
    assert abs(numbers[1] / 1000 - now.timestamp()) < 60
    assert abs(second.last_update_utc - (now - timedelta(hours=1))) < timedelta(minutes=1)
    assert second.next_update_utc is not None
    assert abs(second.next_update_utc - (now + timedelta(days=7))) < timedelta(minutes=1)


def test_an_expired_certificate_stays_for_one_further_crl(authority: Authority) -> None:
    """Its entry is in the first CRL after its expiry and in no later one."""
    leaf = authority.issue_expiring()
    authority.revoke(leaf)
    sleep_until(leaf.certificate.not_valid_after_utc)
    crls = [x509.load_der_x509_crl(acm_pca.publish_now(authority.arn)) for _ in range(2)]
    assert [len(crl) for crl in crls] == [1, 0]


def test_a_custom_path_stands_in_the_place_of_crl(services: Services) -> None:
    """CustomPath is the folder of the CRL, and certificates name it."""
    authority = Authority.create(services, crl={"CustomPath": "lists/ca"})
    leaf = authority.issue()
    key = f"lists/ca/{authority.id}.crl"
    eventually(lambda: services.get(authority.bucket or "", key))
    assert _crl_address(leaf.certificate) == f"http://{authority.bucket}.s3.eu-central-1.amazonaws.com/{key}"


def _crl_address(certificate: x509.Certificate) -> str:
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    names = points[0].full_name or []
    return str(names[0].value)


def test_certificates_can_leave_out_where_the_crl_is(services: Services) -> None:
    """OmitExtension leaves the CRL distribution point out of certificates."""
    configuration = {"CrlDistributionPointExtensionConfiguration": {"OmitExtension": True}}
    leaf = Authority.create(services, crl=configuration).issue()
    with pytest.raises(x509.ExtensionNotFound):
        _crl_address(leaf.certificate)


def test_a_bucket_that_keeps_private_ca_out_is_refused(services: Services) -> None:
    """A CA cannot be made to publish where it may not write."""
    bucket = services.bucket()
    services.s3.delete_bucket_policy(Bucket=bucket)
    with refused("ValidationException"):
        Authority.create(services, bucket=bucket)


def test_a_policy_for_another_ca_does_not_help(services: Services) -> None:
    """The condition aws:SourceArn of a bucket policy is honoured."""
    bucket = services.bucket()
    other = {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/other"}}
    services.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(crl_bucket_policy(bucket, Condition=other)))
    with refused("ValidationException"):
        Authority.create(services, bucket=bucket)


def test_a_public_crl_is_refused_where_public_access_is_blocked(services: Services) -> None:
    """S3ObjectAcl must be BUCKET_OWNER_FULL_CONTROL then, and buckets block public access by default."""
    with refused("ValidationException"):
        Authority.create(services, crl={"S3ObjectAcl": "PUBLIC_READ"})


def test_a_failed_write_is_counted_and_tried_again(services: Services, authority: Authority) -> None:
    """A CRL that cannot be written comes once the bucket policy is mended."""
    bucket = authority.bucket or ""
    leaf = authority.issue()
    eventually(authority.crl)
    services.s3.delete_bucket_policy(Bucket=bucket)
    authority.revoke(leaf)
    eventually(lambda: acm_pca.certificate_authority(authority.arn).crls.failed or None)
    services.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(crl_bucket_policy(bucket)))
    authority.crl_with(leaf)


def test_publication_can_be_withheld(services: Services, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting off revocations are recorded and no CRL comes; with it on, it comes late."""
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", False)
    leaf = authority.issue()
    authority.revoke(leaf)
    time.sleep(0.3)
    assert authority.crl() is None
    monkeypatch.setattr(services.settings.private_ca, "publishes_crls", True)
    authority.crl_with(leaf)


def test_a_disabled_ca_still_publishes(services: Services, authority: Authority) -> None:
    """A DISABLED CA generates CRLs (aws: privateca/PcaUpdateStatus)."""
    leaf = authority.issue()
    services.pca.update_certificate_authority(CertificateAuthorityArn=authority.arn, Status="DISABLED")
    authority.revoke(leaf)
    authority.crl_with(leaf)


def test_crls_can_be_turned_on_later(services: Services) -> None:
    """UpdateCertificateAuthority turns the CRL on, after trying its permission."""
    authority = Authority.create(services, crl={})
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


def test_a_partition_is_no_complete_crl(services: Services) -> None:
    """A PARTITIONED CA writes a critically scoped list under a random name, nothing at the complete key."""
    authority = Authority.create(services, crl={"CrlType": "PARTITIONED"})
    leaf = authority.issue()
    key = _crl_address(leaf.certificate).partition(".com/")[2]
    body = eventually(lambda: services.get(authority.bucket or "", key))
    scope = x509.load_der_x509_crl(body).extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical
    assert authority.crl() is None


def test_a_test_can_publish_a_crl_that_is_wrong(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fault that a checker must find can be made."""
    # The CRL that is due must not replace one of these.
    monkeypatch.setattr(authority.services.settings.private_ca, "publishes_crls", False)
    leaves = [authority.issue(), authority.issue()]
    for leaf in leaves:
        authority.revoke(leaf)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    good = acm_pca.publish_now(authority.arn)
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = x509.load_der_x509_crl(acm_pca.publish_now(authority.arn, signing_key=stranger))
    assert not forged.is_signature_valid(_ca_key(authority))
    old = acm_pca.publish_now(authority.arn, number=1, this_update=yesterday, next_update=yesterday)
    assert x509.load_der_x509_crl(old).next_update_utc == yesterday.replace(microsecond=0)
    partial = acm_pca.publish_now(authority.arn, serials=[leaves[0].serial])
    assert len(x509.load_der_x509_crl(partial)) == 1
    delta = acm_pca.publish_now(authority.arn, extensions=[(x509.DeltaCRLIndicator(1), True)])
    assert x509.load_der_x509_crl(delta).extensions.get_extension_for_class(x509.DeltaCRLIndicator).critical
    cut = acm_pca.publish_now(authority.arn, transform=lambda der: der[:-10])
    assert len(cut) < len(good)
    assert authority.services.get(authority.bucket or "", authority.crl_key) == cut


def _ca_key(authority: Authority) -> ec.EllipticCurvePublicKey:
    key = authority.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def test_faults_can_wait_for_the_next_publication(authority: Authority) -> None:
    """Overrides left with the CA are those of the CRLs to come."""
    leaf, kept_back = authority.issue(), authority.issue()
    acm_pca.certificate_authority(authority.arn).crls.overrides = {"serials": [leaf.serial]}
    authority.revoke(leaf)
    authority.revoke(kept_back)
    assert [revoked.serial_number for revoked in authority.crl_with(leaf)] == [leaf.serial]


def test_a_reset_forgets_the_crls_that_are_due(
    services: Services, embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset of moto takes this Private CA along, and nothing is written afterwards."""
    monkeypatch.setattr(services.settings.private_ca, "crl_delay_seconds", 1)
    authority = Authority.create(services)
    authority.issue()
    publication = acm_pca.certificate_authority(authority.arn).crls
    embedded_aws.reset()
    time.sleep(1.2)
    assert (publication.generated, publication.failed) == (0, 0)
    with refused("ResourceNotFoundException"):
        services.pca.describe_certificate_authority(CertificateAuthorityArn=authority.arn)


def test_forgetting_a_ca_waits_for_no_crl_that_is_being_written(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who forgets all backends holds moto's lock, which the writing of a CRL needs: one waiting for both is stuck."""
    crls = acm_pca.certificate_authority(authority.arn).crls
    writing, go_on = threading.Event(), threading.Event()

    def write(*_: object) -> None:
        writing.set()
        go_on.wait(10)

    monkeypatch.setattr("infra.local.acm_pca.crl_bucket.write_object", write)
    publication = threading.Thread(target=crls.publish)
    publication.start()
    try:
        assert writing.wait(10)
        stopping = threading.Thread(target=crls.stop)
        stopping.start()
        stopping.join(5)
        assert not stopping.is_alive()
    finally:
        go_on.set()
        publication.join()
