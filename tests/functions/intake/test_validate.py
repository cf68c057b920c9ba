"""An invalid input is refused by PrepareRevocation: every fault is named, and nothing is left behind."""

import ssl
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from functions import limits
from functions.environment import environment
from functions.errors import (
    CertificateAuthorityNotFound,
    CertificateAuthorityNotTrusted,
    CertificateAuthorityUnusable,
    CrlElsewhere,
    CrlNotEnabled,
    CrlPartitioned,
    InvalidInput,
    RequestRefused,
    TrustStoreNotFound,
)
from infra.local.core import faults
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from tests.functions.pki.agreement.variants import TELETEX, Variant, common_name
from tests.functions.preparing import create_ca, create_crl_bucket, prepare, trust_store_for
from tests.support.der_crl import INTEGER, SEQUENCE, extension, wrap
from tests.support.steps import Steps


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Serials": []}, "Serials: .*none of them is given"),
        ({"Reconcile": True}, "Serials: .*more than one is given"),
        ({"Serials": ["aa:01"] * 501}, "Serials: List should have at most 500 items"),
        ({"Serials": ["zz"]}, r"Serials\[0\]: InvalidSerial"),
        ({"Serials": ["1234"]}, r"Serials\[0\]: AmbiguousSerial: .*write 0x1234.*write decimal:1234"),
        ({"Serials": [1234]}, r"Serials\[0\]: AmbiguousSerial"),
        ({"Serials": [True]}, r"Serials\[0\]: InvalidSerial: a serial must be a string"),
        ({"Serials": ["aa:01", None]}, r"Serials\[1\]: InvalidSerial"),
        ({"Serials": "aa:01"}, "Serials: Input should be a valid list"),
        ({"RevocationReason": "REMOVE_FROM_CRL"}, "RevocationReason: Input should be 'UNSPECIFIED'"),
        ({"Dryrun": True}, r"Dryrun: there is no such field \(did you mean DryRun\?\)"),
        ({"serials": ["aa:01"]}, r"serials: there is no such field \(did you mean Serials\?\)"),
        ({"Reason": "x"}, r"Reason: there is no such field \(did you mean RevocationReason\?\)"),
        ({"Foo": 1}, "Foo: there is no such field$"),
        ({"Polling": None}, "Polling: "),
        ({"Polling": {"IntervalSeconds": 0}}, "Polling.IntervalSeconds: "),
        ({"Polling": {"IntervalSeconds": 1, "DeadlineSeconds": limits.MAX_POLLS + 1}}, "Polling: .* are more than"),
        ({"Ticket": "x" * 257}, "Ticket: "),
        ({"CertificateAuthorityArn": "arn:aws:s3:::bucket"}, "CertificateAuthorityArn: String should match"),
        ({"TrustStoreArns": ["arn:x"]}, "TrustStoreArns"),
        ({"TrustStoreArns": ["no"]}, r"TrustStoreArns\[0\]: String should match"),
    ],
)
def test_malformed(steps: Steps, fields: dict[str, object], message: str) -> None:
    """A malformed field is refused, and the message names it."""
    with pytest.raises(InvalidInput, match=message):
        prepare(steps, **fields)


@pytest.mark.parametrize("request_", [[], "aa:01", 7, False])
def test_not_an_object(steps: Steps, request_: object) -> None:
    """An input that is not an object is refused with an example of one."""
    with pytest.raises(InvalidInput, match=r'not an object like \{"Serials": '):
        prepare(steps, request_)


def test_many_faults_in_one_field(steps: Steps) -> None:
    """The first fifty faults are shown, the others counted."""
    with pytest.raises(InvalidInput, match="and 10 more") as raised:
        prepare(steps, Serials=["zz"] * 60)
    assert str(raised.value).count("InvalidSerial") == 50


def test_long_field_name(steps: Steps) -> None:
    """The name of an unknown field is shortened in the message."""
    with pytest.raises(InvalidInput) as raised:
        prepare(steps, **{"x" * 10_000: 1})
    assert len(str(raised.value)) < 300


KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "fields",
    [
        {"Ticket": KEY},
        {"RequestedBy": KEY},
        {KEY: 1},
        {"Serials": KEY.splitlines()},
        {"Serials": [KEY]},
        {"Serials": [{KEY: 1}]},
        {"Serials": {KEY: 1}},
        {"Certificates": [KEY]},
        {"SerialList": {"Bucket": "some-bucket", "Key": KEY}},
        {"Polling": {KEY: 1}},
    ],
    ids=lambda fields: next(iter(fields))[:12],
)
def test_private_key_anywhere(steps: Steps, fields: dict[str, object]) -> None:
    """A private key in any field is refused, and the message contains no ten characters of it."""
    with pytest.raises(RequestRefused) as raised:
        prepare(steps, **fields)
    assert "PrivateKeyGiven" in f"{type(raised.value).__name__}: {raised.value}" or fields.keys() == {"Serials"}
    for line in KEY.splitlines()[1:-1]:
        assert not any(line[at : at + 10] in str(raised.value) for at in range(len(line) - 10))


def test_unknown_ca(steps: Steps) -> None:
    """A CA that does not exist is refused, and the message names it."""
    arn = steps.lab.authority.arn[:-4] + "0000"
    with pytest.raises(CertificateAuthorityNotFound, match=arn):
        prepare(steps, CertificateAuthorityArn=arn)


def test_ca_without_certificate(steps: Steps) -> None:
    """A CA that was never activated is refused."""
    arn = steps.lab.aws.client("acm-pca").create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Pending"},
        },
        RevocationConfiguration={
            "CrlConfiguration": {
                "Enabled": True,
                "ExpirationInDays": 7,
                "S3BucketName": create_crl_bucket(steps),
                "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
            }
        },
    )["CertificateAuthorityArn"]
    with pytest.raises(CertificateAuthorityUnusable, match="is PENDING_CERTIFICATE; only an ACTIVE or DISABLED CA"):
        prepare(steps, CertificateAuthorityArn=arn)


def test_crl_off(steps: Steps) -> None:
    """A CA that publishes no CRL is refused."""
    authority = PrivateCa.create_root(steps.lab.aws, "No CRL")
    with pytest.raises(CrlNotEnabled, match="make deploy TURN_ON_CRL=yes"):
        prepare(steps, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trust_store_for(steps, authority)])


def test_crl_elsewhere(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """A CRL that the stack does not read is refused with both places and the parameters; its own is not."""
    name = f"{steps.lab.authority.arn.rpartition('/')[2]}.crl"
    lambda_environment.setenv("CRL_BUCKET", steps.lab.outputs["CrlBucketName"])
    lambda_environment.setenv("CRL_FOLDER", "crl/")
    environment.cache_clear()
    prepare(steps)
    lambda_environment.setenv("CRL_FOLDER", "lists")
    environment.cache_clear()
    with pytest.raises(CrlElsewhere, match=rf"/crl/{name}, and the stack reads s3://.*/lists/{name} .*CrlFolder"):
        prepare(steps)


def test_crl_partitioned(steps: Steps) -> None:
    """A CA with partitioned CRLs is refused: a partition does not cover all certificates."""
    authority = create_ca(steps, CrlType="PARTITIONED")
    with pytest.raises(CrlPartitioned, match="wanted: COMPLETE"):
        prepare(steps, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trust_store_for(steps, authority)])


def test_unknown_trust_store(steps: Steps) -> None:
    """A trust store that does not exist is refused, and the message names it."""
    arn = steps.trust_store_arn[:-4] + "0000"
    with pytest.raises(TrustStoreNotFound, match=arn):
        prepare(steps, TrustStoreArns=[arn])


def test_ca_not_in_the_bundle(steps: Steps) -> None:
    """A named trust store that accepts none of the CA's certificates is refused."""
    with pytest.raises(CertificateAuthorityNotTrusted, match=steps.lab.authority.arn):
        prepare(steps, TrustStoreArns=[trust_store_for(steps, create_ca(steps))])


def test_root_alone_in_the_bundle(steps: Steps) -> None:
    """A CA that chains to a certificate in the bundle is trusted."""
    assert prepare(steps, TrustStoreArns=[trust_store_for(steps, steps.lab.root)]).trust_stores


def test_odd_certificate_of_another_ca_in_the_bundle(steps: Steps) -> None:
    """A name that cryptography cannot decode, and an extension that it does not know, do not matter if not needed."""
    feature = extension("1.3.6.1.5.5.7.1.24", wrap(SEQUENCE, wrap(INTEGER, b"\x06")))
    variant = Variant(subject=common_name("Zürich CA".encode("latin-1"), TELETEX), more_in_ca=feature)
    odd = SimpleNamespace(pem=ssl.DER_cert_to_PEM_cert(variant.ca))
    arn = create_trust_store(steps.lab.aws, f"odd-{steps.name}", [odd, steps.lab.authority])
    assert prepare(steps, TrustStoreArns=[arn]).trust_stores


def test_all_faults_at_once(steps: Steps) -> None:
    """Faults of the serials, the CA and each trust store are reported in one error."""
    authority = PrivateCa.create_root(steps.lab.aws, "No CRL")
    missing = steps.trust_store_arn[:-4] + "0000"
    with pytest.raises(RequestRefused, match="4 faults; nothing was done") as raised:
        prepare(
            steps,
            Serials=["zz"],
            CertificateAuthorityArn=authority.arn,
            TrustStoreArns=[missing, steps.trust_store_arn],
        )
    errors = [line.partition(":")[0] for line in str(raised.value).splitlines()[1:]]
    assert errors == ["InvalidInput", "TrustStoreNotFound", "CrlNotEnabled", "CertificateAuthorityNotTrusted"]


def test_malformed_targets_are_reported_once(steps: Steps) -> None:
    """A fault of the targets is reported once, as a fault of the input; nothing is looked up."""
    with pytest.raises(InvalidInput, match="CertificateAuthorityArn") as raised:
        prepare(steps, Serials=["zz"], CertificateAuthorityArn="no")
    assert str(raised.value).count("CertificateAuthorityArn") == 1


def test_unknown_ca_and_trust_store(steps: Steps) -> None:
    """The trust stores are checked even if the CA does not exist."""
    arn = steps.lab.authority.arn[:-4] + "0000"
    missing = steps.trust_store_arn[:-4] + "0000"
    with pytest.raises(RequestRefused, match="2 faults") as raised:
        prepare(steps, CertificateAuthorityArn=arn, TrustStoreArns=[missing, steps.trust_store_arn])
    assert "CertificateAuthorityNotFound" in str(raised.value)
    assert "TrustStoreNotFound" in str(raised.value)


def test_crl_bucket_access_denied(steps: Steps) -> None:
    """Denied access to the CRL is a fault; it does not count as an absent CRL."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(RequestRefused, match=r"HeadObject on s3://.* was refused: 403: .*the stack may use"):
        prepare(steps)


def test_refusal_leaves_nothing(steps: Steps) -> None:
    """A refused input writes no manifest."""
    with pytest.raises(InvalidInput):
        prepare(steps, Serials=["zz"])
    objects = steps.lab.aws.client("s3").list_objects_v2(Bucket=steps.bucket, Prefix=f"executions/{steps.name}/")
    assert objects["KeyCount"] == 0


def test_dry_run_of_an_older_state_machine(steps: Steps) -> None:
    """A state machine without a dry run would revoke in earnest what was only to be planned."""
    with pytest.raises(InvalidInput, match="this state machine is older than its functions and has no dry run"):
        prepare(steps, DryRun=True)


def test_malformed_field_beside_a_crl(steps: Steps) -> None:
    """The CRL's CA is not looked for; the trust stores are checked all the same."""
    missing = steps.trust_store_arn[:-4] + "0000"
    with pytest.raises(RequestRefused, match="2 faults") as raised:
        prepare(steps, {"Crl": "s3://bkt/c.crl", "Ticket": 5, "TrustStoreArns": [missing]})
    errors = [line.partition(":")[0] for line in str(raised.value).splitlines()[1:]]
    assert errors == ["InvalidInput", "TrustStoreNotFound"]
