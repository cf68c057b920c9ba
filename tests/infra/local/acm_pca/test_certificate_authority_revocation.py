"""Which revocations the embedded Private CA accepts, and the errors of the others."""

import pytest

from infra.local.acm_pca.service import certificate_authority
from infra.local.iam import enforcement
from tests.support.pki import DAY, NOW
from tests.support.private_ca import LocalCa, ended_at
from tests.support.services import Services, refused

UNKNOWN_SERIAL = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def authority(services: Services) -> LocalCa:
    """Return an active root CA without a CRL."""
    return LocalCa.create(services, crl={})


@pytest.mark.parametrize("notation", [str.lower, str.upper, lambda text: bytes.fromhex(text).hex(":")])
def test_serial_number_with_and_without_colons(services: Services, authority: LocalCa, notation: type[str]) -> None:
    """Hexadecimal is accepted with and without colons, in upper and lower case."""
    leaf = authority.issue()
    services.pca.revoke_certificate(
        CertificateAuthorityArn=authority.arn,
        CertificateSerial=notation(leaf.serial_text),
        RevocationReason="UNSPECIFIED",
    )
    with refused("RequestAlreadyProcessedException"):
        authority.revoke(leaf)


def _revoke(authority: LocalCa, serial: str) -> None:
    authority.services.pca.revoke_certificate(
        CertificateAuthorityArn=authority.arn, CertificateSerial=serial, RevocationReason="UNSPECIFIED"
    )


def test_a_serial_number_must_be_hexadecimal(authority: LocalCa) -> None:
    """A prefix is refused too."""
    with refused("InvalidRequestException"):
        _revoke(authority, "0x12")


def test_the_serial_of_another_ca_is_not_found(authority: LocalCa) -> None:
    """A CA revokes only what it has issued."""
    with refused("ResourceNotFoundException"):
        _revoke(authority, UNKNOWN_SERIAL)


def test_a_root_ca_cannot_revoke_itself(authority: LocalCa) -> None:
    """The CA's own certificate cannot be revoked by that CA."""
    with refused("InvalidRequestException"):
        _revoke(authority, f"{authority.certificate.serial_number:x}")


def test_an_expired_certificate_cannot_be_revoked(authority: LocalCa) -> None:
    """RevokeCertificate refuses a certificate after its notAfter."""
    leaf = authority.expire(authority.issue())
    with refused("InvalidRequestException"):
        authority.revoke(leaf)


def test_already_revoked_takes_precedence_over_expired(authority: LocalCa) -> None:
    """A certificate that was revoked and has expired since is reported as already revoked."""
    leaf = authority.issue()
    authority.revoke(leaf)
    authority.expire(leaf)
    with refused("RequestAlreadyProcessedException"):
        authority.revoke(leaf)


def test_a_disabled_ca_may_revoke_but_not_issue(services: Services) -> None:
    """A DISABLED CA still revokes (aws: privateca/PcaUpdateStatus)."""
    authority = LocalCa.create(services, crl={})
    leaf = authority.issue()
    services.pca.update_certificate_authority(CertificateAuthorityArn=authority.arn, Status="DISABLED")
    authority.revoke(leaf)
    with refused("InvalidStateException"):
        authority.issue()


def test_a_deleted_ca_may_not_revoke(services: Services) -> None:
    """A CA is disabled before it is deleted, and revokes nothing after."""
    authority = LocalCa.create(services, crl={})
    leaf = authority.issue()
    with refused("InvalidStateException"):
        services.pca.delete_certificate_authority(CertificateAuthorityArn=authority.arn)
    services.pca.update_certificate_authority(CertificateAuthorityArn=authority.arn, Status="DISABLED")
    services.pca.delete_certificate_authority(CertificateAuthorityArn=authority.arn)
    with refused("InvalidStateException"):
        authority.revoke(leaf)


def test_an_expired_ca_may_not_revoke(services: Services) -> None:
    """A CA whose certificate has expired is EXPIRED and revokes nothing."""
    expired = LocalCa.create(services, crl={})
    ca = certificate_authority(expired.arn)
    ca.certificate = ended_at(NOW - DAY, expired.certificate, ca)
    described = services.pca.describe_certificate_authority(CertificateAuthorityArn=expired.arn)
    assert described["CertificateAuthority"]["Status"] == "EXPIRED"
    with refused("InvalidStateException"):
        _revoke(expired, UNKNOWN_SERIAL)


def test_malformed_arn_is_not_an_unknown_ca(authority: LocalCa) -> None:
    """A malformed ARN and a CA that does not exist have errors of their own."""
    with refused("InvalidArnException"):
        _revoke(LocalCa(authority.services, "arn:aws:s3:::bucket", None, "SHA256WITHECDSA"), UNKNOWN_SERIAL)
    with refused("ResourceNotFoundException"):
        _revoke(LocalCa(authority.services, authority.arn[:-4] + "0000", None, "SHA256WITHECDSA"), UNKNOWN_SERIAL)


def test_an_unknown_reason_is_refused(authority: LocalCa) -> None:
    """Private CA does not support CERTIFICATE_HOLD."""
    leaf = authority.issue()
    with refused("ValidationException"):
        authority.revoke(leaf, "CERTIFICATE_HOLD")  # type: ignore[arg-type]


def test_revocations_are_throttled(services: Services, authority: LocalCa, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls beyond the quota raise ThrottlingException."""
    monkeypatch.setattr(services.settings.private_ca, "revocation_burst", 0)
    with refused("ThrottlingException"):
        _revoke(authority, UNKNOWN_SERIAL)


def test_the_caller_needs_permission_for_the_crl_bucket(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller of RevokeCertificate must be allowed to write the CRL, though Private CA writes it."""
    authority = LocalCa.create(services)
    leaf = authority.issue()
    required: list[tuple[str, str]] = []
    monkeypatch.setattr(enforcement, "require", lambda action, resource: required.append((action, resource)))
    authority.revoke(leaf)
    assert ("s3:PutObject", f"arn:aws:s3:::{authority.bucket}/{authority.crl_key}") in required


def test_aws_cli_revokes(services: Services, authority: LocalCa) -> None:
    """The AWS CLI agrees about requests and responses."""
    leaf = authority.issue()
    ca = ["--certificate-authority-arn", authority.arn]
    described = services.aws("acm-pca", "describe-certificate-authority", *ca)["CertificateAuthority"]
    assert (described["Status"], described["UsageMode"]) == ("ACTIVE", "GENERAL_PURPOSE")
    reason = ["--revocation-reason", "SUPERSEDED"]
    services.aws("acm-pca", "revoke-certificate", *ca, "--certificate-serial", leaf.serial_text, *reason)
    with refused("RequestAlreadyProcessedException"):
        authority.revoke(leaf)
