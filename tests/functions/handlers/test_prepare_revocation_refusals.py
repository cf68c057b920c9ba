"""PrepareRevocation refuses what must not be started, every fault named, and leaves nothing behind."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from functions import limits
from functions.errors import (
    CertificateAuthorityNotFound,
    CertificateAuthorityNotTrusted,
    CertificateAuthorityUnusable,
    CrlNotEnabled,
    CrlPartitioned,
    InvalidInput,
    RequestRefused,
    TrustStoreNotFound,
)
from functions.intake import trust_stores
from infra.local.core import faults
from infra.local.lab.pki import PrivateCa
from tests.functions.handlers.preparing import another_ca, crl_bucket, prepare, trusting
from tests.support.steps import Bench


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"Serials": []}, "Serials: .*none of them is given"),
        ({"Reconcile": True}, "Serials: .*more than one is given"),
        ({"Serials": ["aa:01"] * 501}, "Serials: List should have at most 500 items"),
        ({"Serials": ["zz"]}, r"Serials\[0\]: InvalidSerial"),
        ({"Serials": ["1234"]}, r"Serials\[0\]: AmbiguousSerial: .*'12:34'.*'04:d2'"),
        ({"Serials": [1234]}, r"Serials\[0\]: AmbiguousSerial"),
        ({"Serials": [True]}, r"Serials\[0\]: InvalidSerial: a serial is written as a text"),
        ({"Serials": ["aa:01", None]}, r"Serials\[1\]: InvalidSerial"),
        ({"Serials": "aa:01"}, "Serials: Input should be a valid list"),
        ({"RevocationReason": "REMOVE_FROM_CRL"}, "RevocationReason: Input should be 'UNSPECIFIED'"),
        ({"Dryrun": True}, "Dryrun: Extra inputs are not permitted"),
        ({"Polling": None}, "Polling: "),
        ({"Polling": {"IntervalSeconds": 0}}, "Polling.IntervalSeconds: "),
        ({"Polling": {"IntervalSeconds": 1, "DeadlineSeconds": limits.MAX_POLLS + 1}}, "Polling: .* are more than"),
        ({"Ticket": "x" * 257}, "Ticket: "),
        ({"CertificateAuthorityArn": "arn:aws:s3:::bucket"}, "CertificateAuthorityArn: String should match"),
        ({"TrustStoreArns": ["arn:x"]}, "TrustStoreArns"),
        ({"TrustStoreArns": ["no"]}, r"TrustStoreArns\[0\]: String should match"),
    ],
)
def test_malformed(bench: Bench, wrong: dict[str, object], words: str) -> None:
    """A malformed field is refused by its name."""
    with pytest.raises(InvalidInput, match=words):
        prepare(bench, **wrong)


@pytest.mark.parametrize("request_", [[], "aa:01", 7, False])
def test_no_object(bench: Bench, request_: object) -> None:
    """An input that is no object is refused with an example of one."""
    with pytest.raises(InvalidInput, match=r'not an object like \{"Serials": '):
        prepare(bench, request_)


def test_many_faults_in_one_field(bench: Bench) -> None:
    """The first fifty are told, the others counted."""
    with pytest.raises(InvalidInput, match="and 10 more") as refused:
        prepare(bench, Serials=["zz"] * 60)
    assert str(refused.value).count("InvalidSerial") == 50


def test_long_path(bench: Bench) -> None:
    """An unknown field of any length does not make a message of any length."""
    with pytest.raises(InvalidInput) as refused:
        prepare(bench, **{"x" * 10_000: 1})
    assert len(str(refused.value)) < 300


KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "wrong",
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
    ids=lambda wrong: next(iter(wrong))[:12],
)
def test_a_private_key_anywhere(bench: Bench, wrong: dict[str, object]) -> None:
    """In whatever field it is, no ten characters of it are repeated."""
    with pytest.raises(RequestRefused) as refusal:
        prepare(bench, **wrong)
    assert "PrivateKeyGiven" in f"{type(refusal.value).__name__}: {refusal.value}" or wrong.keys() == {"Serials"}
    for line in KEY.splitlines()[1:-1]:
        assert not any(line[at : at + 10] in str(refusal.value) for at in range(len(line) - 10))


def test_a_trust_store_that_is_gone_meanwhile_or_not_ready(bench: Bench) -> None:
    """Of those that are found by themselves, it is none; the others are served."""
    refusals: list[RequestRefused] = []
    every = trust_stores.read_trust_stores([], refusals)
    assert bench.trust_store_arn in [each.arn for each in every]
    faults.add("elasticloadbalancing:GetTrustStoreCaCertificatesBundle", code="TrustStoreNotFound")
    assert len(trust_stores.read_trust_stores([], refusals)) == len(every) - 1
    assert refusals == []


def test_unknown_ca(bench: Bench) -> None:
    """A CA that does not exist is named."""
    arn = bench.lab.authority.arn[:-4] + "0000"
    with pytest.raises(CertificateAuthorityNotFound, match=arn):
        prepare(bench, CertificateAuthorityArn=arn)


def test_ca_without_certificate(bench: Bench) -> None:
    """A CA that was never activated can do nothing."""
    made = bench.lab.aws.client("acm-pca").create_certificate_authority(
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
                "S3BucketName": crl_bucket(bench),
                "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
            }
        },
    )["CertificateAuthorityArn"]
    with pytest.raises(CertificateAuthorityUnusable, match="is PENDING_CERTIFICATE; only an ACTIVE or DISABLED CA"):
        prepare(bench, CertificateAuthorityArn=made)


def test_crl_off(bench: Bench) -> None:
    """A CA without a CRL would be waited for in vain."""
    authority = PrivateCa.create_root(bench.lab.aws, "No CRL")
    with pytest.raises(CrlNotEnabled, match="enable it with UpdateCertificateAuthority"):
        prepare(bench, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trusting(bench, authority)])


def test_crl_partitioned(bench: Bench) -> None:
    """A partition does not speak for all certificates."""
    authority = another_ca(bench, CrlType="PARTITIONED")
    with pytest.raises(CrlPartitioned, match="wanted: COMPLETE"):
        prepare(bench, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trusting(bench, authority)])


def test_unknown_trust_store(bench: Bench) -> None:
    """A trust store that does not exist is named."""
    arn = bench.trust_store_arn[:-4] + "0000"
    with pytest.raises(TrustStoreNotFound, match=arn):
        prepare(bench, TrustStoreArns=[arn])


def test_ca_not_in_the_bundle(bench: Bench) -> None:
    """A trust store that accepts none of the CA's certificates is not the one meant."""
    with pytest.raises(CertificateAuthorityNotTrusted, match=bench.lab.authority.arn):
        prepare(bench, TrustStoreArns=[trusting(bench, another_ca(bench))])


def test_root_alone_in_the_bundle(bench: Bench) -> None:
    """A CA that chains to a certificate in the bundle is trusted."""
    assert prepare(bench, TrustStoreArns=[trusting(bench, bench.lab.root)]).trust_stores


def test_all_faults_at_once(bench: Bench) -> None:
    """What is wrong with the serials, the CA and each trust store is told in one refusal."""
    authority = PrivateCa.create_root(bench.lab.aws, "No CRL")
    missing = bench.trust_store_arn[:-4] + "0000"
    with pytest.raises(RequestRefused, match="4 faults, nothing was done") as refused:
        prepare(
            bench,
            Serials=["zz"],
            CertificateAuthorityArn=authority.arn,
            TrustStoreArns=[missing, bench.trust_store_arn],
        )
    told = [line.partition(":")[0] for line in str(refused.value).splitlines()[1:]]
    assert told == ["InvalidInput", "TrustStoreNotFound", "CrlNotEnabled", "CertificateAuthorityNotTrusted"]


def test_malformed_targets_are_told_once(bench: Bench) -> None:
    """A fault of the targets is a fault of the input, and nothing else can be looked up then."""
    with pytest.raises(InvalidInput, match="CertificateAuthorityArn") as refused:
        prepare(bench, Serials=["zz"], CertificateAuthorityArn="no")
    assert str(refused.value).count("CertificateAuthorityArn") == 1


def test_unknown_ca_and_trust_store(bench: Bench) -> None:
    """Without the CA the trust stores are looked at all the same."""
    arn = bench.lab.authority.arn[:-4] + "0000"
    missing = bench.trust_store_arn[:-4] + "0000"
    with pytest.raises(RequestRefused, match="2 faults") as refused:
        prepare(bench, CertificateAuthorityArn=arn, TrustStoreArns=[missing, bench.trust_store_arn])
    assert "CertificateAuthorityNotFound" in str(refused.value)
    assert "TrustStoreNotFound" in str(refused.value)


def test_crl_bucket_that_may_not_be_read(bench: Bench) -> None:
    """A refusal by S3 is not taken for an absent CRL, and is one fault among others."""
    faults.add("s3:GetObject", code="AccessDenied", status=403)
    with pytest.raises(RequestRefused, match=r"HeadObject on s3://.* was refused: 403: .*the stack may use"):
        prepare(bench)


def test_refusal_leaves_nothing(bench: Bench) -> None:
    """A refused input has no manifest."""
    with pytest.raises(InvalidInput):
        prepare(bench, Serials=["zz"])
    found = bench.lab.aws.client("s3").list_objects_v2(Bucket=bench.bucket, Prefix=f"executions/{bench.name}/")
    assert found["KeyCount"] == 0
