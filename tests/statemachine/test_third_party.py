"""CRLs of CAs that are not Private CA's: made by openssl alone, handed over in S3, enforced like any other."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.elbv2 import responses as elbv2
from infra.local.lab.handshake import connect
from infra.local.lab.lab import create_trust_store
from tests.support.openssl import NUMBERED, WITH_KEY, OpensslCa
from tests.support.workflow import Execution, Workflow

_names = itertools.count()


@dataclass
class Setting:
    """A CA made by openssl, and a trust store that trusts it beside Private CA's."""

    workflow: Workflow
    ca: OpensslCa
    trust_store_arn: str

    def put(self, body: bytes, key: str = "inputs/list.crl") -> str:
        """Put a CRL where inputs lie; give its address."""
        bucket = self.workflow.lab.outputs["InputBucketName"]
        self.workflow.aws.client("s3").put_object(Bucket=bucket, Key=f"{key}-{self.ca.folder.name}", Body=body)
        return f"s3://{bucket}/{key}-{self.ca.folder.name}"

    def enforce(self, body: bytes, **more: object) -> Execution:
        """Hand a CRL over and wait for the end."""
        asked = {"Crl": self.put(body), "TrustStoreArns": [self.trust_store_arn], **more}
        return self.workflow.wait(self.workflow.start_with(asked))

    def lists(self) -> dict[int, x509.CertificateRevocationList]:
        """Give the lists of the trust store."""
        return self.workflow.lists(self.trust_store_arn)

    def held(self) -> set[int]:
        """Give the serials that the trust store refuses."""
        return self.workflow.held(self.trust_store_arn)


@pytest.fixture
def third(workflow: Workflow, tmp_path: Path) -> Setting:
    """Give a CA with an EC key and its trust store."""
    return setting_of(workflow, tmp_path)


def setting_of(workflow: Workflow, folder: Path, kind: str = "EC") -> Setting:
    """Make a CA and its trust store."""
    ca = OpensslCa(folder / "third", f"Third Party {next(_names)}", kind)
    arn = create_trust_store(workflow.aws, f"third-{next(_names)}", [ca, workflow.authority, workflow.lab.root])
    return Setting(workflow, ca, arn)


@pytest.mark.parametrize(("kind", "form"), [("RSA", "DER"), ("RSA", "PEM"), ("EC", "DER"), ("EC", "PEM")])
def test_crl_is_enforced(workflow: Workflow, tmp_path: Path, kind: str, form: str) -> None:
    """A CRL in PEM or DER, signed with either key type, is attached; Private CA revokes nothing."""
    third = setting_of(workflow, tmp_path, kind)
    mallory = third.ca.issue("mallory")
    third.ca.revoke("mallory")
    execution = third.enforce(third.ca.crl(form))
    assert (execution.status, execution.error) == ("SUCCEEDED", None)
    assert third.held() == {mallory}
    assert "RevokeCertificates" not in execution.states
    assert execution.report["CertificateAuthority"].startswith("key-")


def test_listener_refuses_a_revoked_client(workflow: Workflow, tmp_path: Path) -> None:
    """A client of the other CA is accepted until its CRL is enforced; a client of ours is accepted throughout."""
    lab, elb = workflow.lab, workflow.aws.client("elbv2")
    third = setting_of(workflow, tmp_path)
    third.ca.issue("mallory")
    own = elbv2.trust_store(lab.trust_store_arn).bundle
    third.trust_store_arn = lab.trust_store_arn
    mallory = third.ca.folder / "mallory.pem", third.ca.folder / "mallory.key"
    (ours,) = workflow.clients(1)
    third.put(own.rstrip() + b"\n" + third.ca.pem.encode(), "bundle.pem")
    bucket = lab.outputs["InputBucketName"]
    elb.modify_trust_store(
        TrustStoreArn=lab.trust_store_arn,
        CaCertificatesBundleS3Bucket=bucket,
        CaCertificatesBundleS3Key=f"bundle.pem-{third.ca.folder.name}",
    )
    try:
        assert connect(lab.listener.port, *mallory, lab.ca_file).accepted
        third.ca.revoke("mallory")
        assert third.enforce(third.ca.crl("DER")).status == "SUCCEEDED"
        assert not connect(lab.listener.port, *mallory, lab.ca_file).accepted
        assert connect(lab.listener.port, ours.certificate, ours.key, lab.ca_file).accepted
    finally:
        elbv2.trust_store(lab.trust_store_arn).replace_bundle(own)


def test_newer_crl_replaces_the_older(third: Setting) -> None:
    """The same CRL again changes nothing; a newer one replaces it."""
    first = third.ca.crl()
    assert third.enforce(first).status == "SUCCEEDED"
    lists = third.lists()
    assert third.enforce(first).output["Reconciled"] == "NONE"
    assert third.lists() == lists
    mallory = third.ca.issue("mallory")
    third.ca.revoke("mallory")
    assert third.enforce(third.ca.crl()).status == "SUCCEEDED"
    assert (third.held(), len(third.lists())) == ({mallory}, 1)


def test_lists_of_other_cas_are_kept(third: Setting) -> None:
    """Private CA's list stays next to it."""
    theirs = third.workflow.add(acm_pca.publish_now(third.workflow.authority.arn), third.trust_store_arn)
    assert third.enforce(third.ca.crl()).status == "SUCCEEDED"
    assert theirs in third.lists()


def test_trust_stores_are_found_by_the_signature(third: Setting) -> None:
    """If no trust store is named, those whose bundle holds the CA are updated, and no others."""
    execution = third.enforce(third.ca.crl(), TrustStoreArns=[])
    assert execution.status == "SUCCEEDED"
    assert [each["TrustStoreArn"] for each in execution.report["TrustStores"]] == [third.trust_store_arn]


def test_crl_without_a_key_identifier(third: Setting) -> None:
    """A CRL with a number and without an authority key identifier is accepted if exactly one CA has signed it."""
    third.ca.configure(f"{NUMBERED}\ncrl_extensions = empty\n[ empty ]")
    assert third.enforce(third.ca.crl()).status == "SUCCEEDED"
    assert len(third.lists()) == 1


@pytest.mark.parametrize(
    ("configuration", "error"), [("", "CrlVersionUnsupported"), ("crl_extensions = crl_ext", "CrlNumberMissing")]
)
def test_crl_with_the_defaults_of_openssl(third: Setting, configuration: str, error: str) -> None:
    """Version 1 or no CRL number: refused with the lines to add to openssl.cnf, and accepted with them."""
    third.ca.configure(configuration)
    execution = third.enforce(third.ca.crl())
    assert execution.error == error
    for line in ("crlnumber = $dir/crlnumber", "crl_extensions = crl_ext", "authorityKeyIdentifier = keyid:always"):
        assert line in execution.cause
    assert third.lists() == {}
    third.ca.configure(WITH_KEY)
    assert third.enforce(third.ca.crl()).status == "SUCCEEDED"


def test_ca_that_is_not_trusted(third: Setting, tmp_path: Path) -> None:
    """The CRL of an unknown CA, and that of another CA with the same name, are refused with an error of their own."""
    stranger = OpensslCa(tmp_path / "stranger", "Stranger")
    assert third.enforce(stranger.crl()).error == "CertificateAuthorityNotTrusted"
    twin = OpensslCa(tmp_path / "twin", third.ca.name)
    assert third.enforce(twin.crl()).error == "CrlAuthorityKeyMismatch"
    twin.configure(f"{NUMBERED}\ncrl_extensions = empty\n[ empty ]")
    assert third.enforce(twin.crl()).error == "CrlSignatureInvalid"
    assert third.lists() == {}


def test_restored_ca(third: Setting) -> None:
    """A lower number is refused, accepted with AcceptLowerCrlNumber, and refused again if a serial would be lost."""
    mallory = third.ca.issue("mallory")
    third.ca.revoke("mallory")
    third.ca.set_crl_number(0x10)
    assert third.enforce(third.ca.crl()).status == "SUCCEEDED"
    third.ca.set_crl_number(3)
    lower = third.ca.crl()
    refused = third.enforce(lower)
    assert refused.error == "CrlNumberLower"
    assert "AcceptLowerCrlNumber" in refused.cause
    assert third.enforce(lower, AcceptLowerCrlNumber=True).status == "SUCCEEDED"
    assert third.held() == {mallory}
    numbers = [
        crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in third.lists().values()
    ]
    assert numbers == [3]
    third.ca.forget()
    third.ca.set_crl_number(2)
    lost = third.enforce(third.ca.crl(), AcceptLowerCrlNumber=True)
    assert lost.error == "CrlNumberLower"
    assert serial_number.to_hex(mallory) in lost.cause
    assert third.held() == {mallory}


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"", "CrlMalformed"), (b"hello", "CrlMalformed"), (b"-----BEGIN X509 CRL-----\n", "CrlMalformed")],
)
def test_object_that_is_not_a_crl(third: Setting, body: bytes, error: str) -> None:
    """Each kind is refused with an error of its own."""
    assert third.enforce(body).error == error


def test_object_that_does_not_exist(third: Setting) -> None:
    """The error names the object."""
    bucket = third.workflow.lab.outputs["InputBucketName"]
    asked = {"Crl": f"s3://{bucket}/none.crl", "TrustStoreArns": [third.trust_store_arn]}
    execution = third.workflow.wait(third.workflow.start_with(asked))
    assert execution.error == "InputObjectNotFound"
    assert "none.crl" in execution.cause
