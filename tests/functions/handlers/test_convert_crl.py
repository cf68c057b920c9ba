"""ConvertCrl stores exactly the version that FindCrl read, as the PEM that trust stores accept."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from functions.aws import s3
from functions.errors import AwsCallRefused, CrlExpired, CrlSignatureInvalid
from functions.handlers.convert_crl import convert_crl
from functions.models.base import S3Object
from functions.models.states import ConvertCrlInput
from tests.support import pki
from tests.support.pki import DAY, HOUR, NOW, A, B
from tests.support.steps import Steps


def test_good_crl(steps: Steps) -> None:
    """The PEM holds the same DER, under a key with the CA and the number."""
    der = steps.authority.crl([A, B], number=12)
    converted = steps.convert(der)
    body = steps.lab.aws.client("s3").get_object(Bucket=converted.pem.bucket, Key=converted.pem.key)["Body"].read()
    ca = steps.lab.authority.arn.rsplit("/", 1)[1]
    assert converted.pem.key == f"crls/{ca}/12.pem"
    assert x509.load_pem_x509_crl(body).public_bytes(Encoding.DER) == der
    assert (converted.crl_number, converted.number_of_revoked_entries) == (12, 2)
    assert (converted.this_update, converted.next_update) == (NOW - HOUR, NOW + 7 * DAY)


def test_other_object_meanwhile(steps: Steps) -> None:
    """The version that FindCrl read is converted, not the current one."""
    manifest = steps.manifest(A)
    steps.publish(steps.authority.crl([A], number=1))
    version = steps.find(manifest).crl
    assert version is not None
    steps.publish(steps.authority.crl([B], number=2))
    assert convert_crl(ConvertCrlInput(manifest=manifest, crl=version), NOW).crl_number == 1


def test_signed_by_another_key(steps: Steps) -> None:
    """The signature is checked again, because only converted CRLs are attached."""
    with pytest.raises(CrlSignatureInvalid):
        steps.convert(steps.authority.crl([A], key=pki.ec_key()))


def test_expired_meanwhile(steps: Steps) -> None:
    """A CRL that has expired since FindCrl read it is refused."""
    with pytest.raises(CrlExpired):
        steps.convert(steps.authority.crl([A], next_update=NOW))


def test_version_gone(steps: Steps) -> None:
    """The error names a version that was deleted."""
    gone = S3Object(bucket=steps.bucket, key="no.crl", version_id="null")
    with pytest.raises(AwsCallRefused, match=r"found no version null of no.crl"):
        convert_crl(ConvertCrlInput(manifest=steps.manifest(A), crl=gone), NOW)


def test_converted_twice(steps: Steps) -> None:
    """Converting the same CRL again stores another version of the same object with the same bytes."""
    der = steps.authority.crl([A])
    one, two = steps.convert(der), steps.convert(der)
    assert one.pem.key == two.pem.key
    fetched = [s3.get_object(each.bucket, each.key, version_id=each.version_id) for each in (one.pem, two.pem)]
    assert len({each.body for each in fetched if each}) == 1
    assert one.sha256 == two.sha256
