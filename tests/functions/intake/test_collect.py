"""The serials of an input are collected from its serials, certificates and list; every fault is named."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from functions import limits
from functions.errors import (
    CertificateExpired,
    CertificateIssuerMismatch,
    InputObjectNotFound,
    InputObjectTooLarge,
    InvalidCertificate,
    InvalidInput,
    InvalidSerialList,
    PrivateKeyGiven,
    RequestRefused,
)
from functions.intake.certificate_authority import CertificateAuthority
from functions.intake.collect import SerialCollector
from functions.models.request import RevocationReason, RevocationRequest
from functions.models.stored import CrlLocation
from functions.pki import serial_number
from tests.functions.intake.files import DENIED, Files
from tests.support import pki
from tests.support.pki import HOUR, NOW

ROOT = pki.certificate_authority("Root")
CA = pki.certificate_authority("Issuing CA", under=ROOT)
ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555"
CRL = CrlLocation(bucket="", key="")
AUTHORITY = CertificateAuthority(ARN, CA.certificate_pem.decode(), CA.chain_pem.decode(), CRL)
ONE, TWO = CA.issue("one"), CA.issue("two")


def collect(
    files: Files | None = None,
    ca: CertificateAuthority | None = AUTHORITY,
    **fields: Any,  # noqa: ANN401 - the input's fields
) -> SerialCollector:
    """Collect the serials of an input with these fields."""
    collector = SerialCollector(ca, NOW, (files or Files()).get_object)
    request = RevocationRequest.model_validate({"CertificateAuthorityArn": ARN, **fields}, by_alias=True)
    collector.collect(request)
    return collector


def refusal(files: Files | None = None, **fields: Any) -> RequestRefused:  # noqa: ANN401 - the input's fields
    """Return the only fault of an input, of which nothing else is collected."""
    collector = collect(files, **fields)
    (fault,) = collector.faults
    assert collector.reasons == {}
    return fault


def pem(*identities: pki.Identity) -> str:
    """Return certificates as PEM."""
    return b"".join(each.certificate_pem for each in identities).decode()


def test_all_sources_together() -> None:
    """Each serial is collected once, in the order of the input."""
    three, four = CA.issue("three"), CA.issue("four")
    files = Files(certificates=pem(two := TWO, three), list=f"0x{four.serial:x}\n0x{ONE.serial:x}\n")
    serials = [f"0x{ONE.serial:x}"]
    collector = collect(files, Serials=serials, Certificates=["s3://bkt/certificates"], SerialList="s3://bkt/list")
    assert list(collector.reasons) == [ONE.serial, two.serial, three.serial, four.serial]
    assert collector.faults == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(pem(ONE), id="PEM"),
        pytest.param(pem(ONE) + ONE.chain_pem.decode(), id="PEM with its chain"),
        pytest.param(base64.b64encode(ONE.certificate.public_bytes(Encoding.DER)).decode(), id="base64 of DER"),
    ],
)
def test_certificate_in_the_input(text: str) -> None:
    """Of a chain only the client's certificate is collected."""
    assert list(collect(Certificates=[text]).reasons) == [ONE.serial]


def test_certificate_in_a_der_file() -> None:
    """A file may be DER."""
    files = Files(der=ONE.certificate.public_bytes(Encoding.DER))
    assert list(collect(files, Certificates=["s3://bkt/der"]).reasons) == [ONE.serial]


def test_reasons() -> None:
    """A serial keeps the reason that only one of the sources gives."""
    files = Files(**{"list.csv": f"serial,reason\n0x{ONE.serial:x},keyCompromise\n"})
    collector = collect(files, Serials=[f"0x{ONE.serial:x}"], SerialList="s3://bkt/list.csv")
    assert (collector.reasons, collector.faults) == ({ONE.serial: RevocationReason.KEY_COMPROMISE}, [])


def test_two_reasons_for_one_serial() -> None:
    """Neither of two different reasons is preferred."""
    files = Files(**{"list.csv": f"serial,reason\n0x{ONE.serial:x},keyCompromise\n"})
    serials = [{"Serial": f"0x{ONE.serial:x}", "RevocationReason": "SUPERSEDED"}]
    (fault,) = collect(files, Serials=serials, SerialList="s3://bkt/list.csv").faults
    assert isinstance(fault, InvalidInput)
    expected = "is given with two reasons: SUPERSEDED and KEY_COMPROMISE"
    assert str(fault) == f"serial number {serial_number.to_hex(ONE.serial)} {expected}"


def test_certificate_of_another_ca() -> None:
    """The fault shows both issuers; the good certificate beside it is collected."""
    other = pki.certificate_authority("Other CA").issue()
    collector = collect(Certificates=[pem(ONE, other)])
    (fault,) = collector.faults
    assert isinstance(fault, CertificateIssuerMismatch)
    for text in (serial_number.to_hex(other.serial), "Other CA", "Issuing CA"):
        assert text in str(fault)
    assert list(collector.reasons) == [ONE.serial]


def test_every_fault_of_a_file_is_named() -> None:
    """A certificate that has expired does not hide another CA's."""
    expired = CA.issue(not_after=NOW - HOUR, not_before=NOW - timedelta(days=2))
    faults = collect(Certificates=[pem(expired, pki.certificate_authority("Other CA").issue())]).faults
    assert list(map(type, faults)) == [CertificateExpired, CertificateIssuerMismatch]


def test_ca_that_could_not_be_read() -> None:
    """Without the CA nothing is collected from certificates, and a malformed one is refused all the same."""
    collector = collect(ca=None, Certificates=[pem(ONE), "hello"])
    assert collector.reasons == {}
    assert list(map(type, collector.faults)) == [InvalidCertificate]


def test_private_keys() -> None:
    """Inline and in a file: each is named by its place, and no part of a key is shown."""
    key = ONE.key_pem.decode()
    collector = collect(Files(key=pem(ONE) + key), Certificates=[pem(ONE) + key, "s3://bkt/key"])
    assert list(map(type, collector.faults)) == [PrivateKeyGiven, PrivateKeyGiven]
    inline, in_file = map(str, collector.faults)
    assert ("Certificates[0]" in inline, "s3://bkt/key" in in_file) == (True, True)
    assert not any(line[:10] in str(collector.faults) for line in key.splitlines()[1:-1])


def test_private_key_in_place_of_a_list() -> None:
    """It is recognized as a key: its lines are not quoted as malformed serials."""
    fault = refusal(Files(list=ONE.key_pem), SerialList="s3://bkt/list")
    assert isinstance(fault, PrivateKeyGiven)


@pytest.mark.parametrize(
    ("key", "body"),
    [
        pytest.param("s.json", b"serial\n0a1b", id="not what its name says"),
        pytest.param("s.csv", b"serial," + b"," * 1_000_000, id="CSV bomb"),
        pytest.param("s.txt", b"\n".join([b"xx"] * 300), id="300 faults at once"),
        pytest.param("s.txt", b"", id="empty"),
    ],
)
def test_malformed_list(key: str, body: bytes) -> None:
    """The fault names the file."""
    fault = refusal(Files(**{key: body}), SerialList=f"s3://bkt/{key}")
    assert isinstance(fault, InvalidSerialList)
    assert f"s3://bkt/{key}" in str(fault)


def test_more_serials_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources are counted together."""
    monkeypatch.setattr(limits, "MAX_SERIALS", 2)
    files = Files(list=f"0x{ONE.serial:x}\n0x{TWO.serial:x}")
    assert collect(files, SerialList="s3://bkt/list").faults == []
    (fault,) = collect(files, SerialList="s3://bkt/list", Serials=["0x9a9a9a9a9a"]).faults
    assert str(fault) == "3 serials are requested, and at most 2 allowed: split them"


def test_file_that_does_not_exist() -> None:
    """The fault names the object, and the version if the input names one."""
    assert str(refusal(SerialList="s3://bkt/none")) == "object s3://bkt/none does not exist"
    fault = refusal(Files(list="0a:1b"), SerialList={"Bucket": "bkt", "Key": "list", "VersionId": "gone"})
    assert isinstance(fault, InputObjectNotFound)
    assert str(fault) == "object s3://bkt/list (version gone) does not exist"


def test_file_in_another_bucket() -> None:
    """The fault says where the stack reads inputs."""
    fault = refusal(Certificates=[f"s3://bkt/{DENIED}"])
    assert isinstance(fault, InputObjectNotFound)
    assert "AccessDenied. The stack reads inputs only from its own input bucket" in str(fault)


def test_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault gives both sizes."""
    monkeypatch.setattr(limits, "MAX_SERIAL_LIST_BYTES", 10)
    fault = refusal(Files(list="0" * 11), SerialList="s3://bkt/list")
    assert isinstance(fault, InputObjectTooLarge)
    assert str(fault) == "s3://bkt/list has 11 bytes, more than 10"
