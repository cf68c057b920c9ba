"""PrepareRevocation refuses what cannot be carried out, all faults at once, and keeps what later steps need."""

import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from functions import trust_stores, workflow_bucket
from functions.contracts import Prepared
from functions.deployment import deployment
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
from functions.prepare_revocation import prepare_revocation
from functions.records import Manifest
from functions.request import MAX_POLLS, ExecutionInput, Wanted
from functions.serials import write
from infra.local import acm_pca, faults
from infra.local.authority import Authority
from infra.local.laboratory import create_trust_store
from tests.functions.bench import EXECUTION, A, B, Bench
from tests.pki import NOW

_names = itertools.count()


def prepare(bench: Bench, request: object = None, **more: Any) -> Prepared:  # noqa: ANN401 - fields of an input
    """Run the step with an input that is complete but for the serials' default and what the test states."""
    if request is None:
        request = {"Serials": [write(A)], "TrustStoreArns": [bench.trust_store_arn], **more}
    question = ExecutionInput(
        request=request, execution_arn=EXECUTION + bench.name, execution_name=bench.name, start_time=NOW
    )
    return prepare_revocation(question, NOW)


def manifest(bench: Bench, **more: Any) -> Manifest:  # noqa: ANN401 - fields of an input
    """Give the manifest that is written."""
    return workflow_bucket.get_manifest(prepare(bench, **more).manifest)


def crl_bucket(bench: Bench) -> str:
    """Create a bucket that every CA may write its CRL to; the laboratory's is for its own CA."""
    s3, name = bench.lab.aws.client("s3"), f"crls-{bench.name}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": bench.lab.aws.settings.region})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def another_ca(bench: Bench, **crl: Any) -> Authority:  # noqa: ANN401 - fields of a CrlConfiguration
    """Create a root CA that publishes CRLs."""
    made = Authority.create_root(bench.lab.aws, f"CA {next(_names)}")
    made.publish_crls_to(crl_bucket(bench), **crl)
    return made


def trusting(bench: Bench, authority: Authority) -> str:
    """Create a trust store for a CA."""
    return create_trust_store(bench.lab.aws, f"ca-{bench.name}", [authority])


def test_complete_input(bench: Bench) -> None:
    """The answer is what the next states need, the manifest all the rest."""
    done = prepare(bench, RevocationReason="SUPERSEDED", Ticket="SEC-1", RequestedBy="ann")
    assert done.serials == [Wanted(serial=A)]
    assert done.revocation_reason == "SUPERSEDED"
    assert [each.trust_store_arn for each in done.trust_stores] == [bench.trust_store_arn]
    kept = workflow_bucket.get_manifest(done.manifest)
    assert kept.issuer.subject.rfc4514_string() == "CN=Embedded Issuing CA,O=Embedded AWS"
    assert (kept.request.ticket, kept.request.requested_by, kept.start_time) == ("SEC-1", "ann", NOW)


def test_serials_alone(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """CA, trust stores and polling come from the deployment."""
    lambda_environment.setenv("TRUST_STORE_ARNS", bench.trust_store_arn)
    deployment.cache_clear()
    done = prepare(bench, {"Serials": ["aa:01"]})
    assert done.certificate_authority_arn == bench.lab.authority.arn
    assert (done.polling.interval_seconds, done.polling.deadline_seconds) == (1, 300)
    assert [each.trust_store_arn for each in done.trust_stores] == [bench.trust_store_arn]


def test_part_of_polling(bench: Bench) -> None:
    """The other part comes from the deployment."""
    polling = prepare(bench, Polling={"DeadlineSeconds": 5}).polling
    assert (polling.interval_seconds, polling.deadline_seconds) == (1, 5)


def test_one_serial_in_two_notations(bench: Bench) -> None:
    """A serial is an integer: it is wanted once."""
    assert prepare(bench, Serials=["0xAA01", "aa:01", "00:AA:01"]).serials == [Wanted(serial=0xAA01)]


def test_certificate_arns(bench: Bench) -> None:
    """Private CA's own name of a certificate is a serial, when it names the CA of the request."""
    arn = bench.lab.authority.arn
    (wanted,) = prepare(bench, Serials=[f"{arn}/certificate/{A:032x}"]).serials
    assert wanted.serial == A
    another = f"{arn[:-4]}0000/certificate/{A:032x}"
    with pytest.raises(InvalidInput, match=r"Serials\[0\]: CertificateIssuerMismatch") as refusal:
        prepare(bench, Serials=[another])
    assert arn in str(refusal.value)
    with pytest.raises(InvalidInput) as refusal:
        prepare(bench, Serials=[another] * 50, CertificateAuthorityArn="x" * 100_000)
    assert len(str(refusal.value)) < 10_000
    with pytest.raises(InvalidInput, match="CertificateAuthorityArn: Input should be a valid string"):
        prepare(bench, Serials=[another], CertificateAuthorityArn=7)


def test_one_trust_store_twice(bench: Bench) -> None:
    """A trust store is worked on once."""
    assert len(prepare(bench, TrustStoreArns=[bench.trust_store_arn] * 2).trust_stores) == 1


def test_baseline(bench: Bench) -> None:
    """The lists attached are told apart by their issuer, and those of this CA are read."""
    ca = bench.lab.authority
    client = ca.issue_client(bench.lab.folder, f"baseline-{next(_names)}")
    pca = bench.lab.aws.client("acm-pca")
    pca.revoke_certificate(
        CertificateAuthorityArn=ca.arn, CertificateSerial=write(client.serial), RevocationReason="SUPERSEDED"
    )
    bench.add(acm_pca.publish_now(ca.arn))
    bench.add(bench.authority.crl([A, B]))
    (baseline,) = manifest(bench, Serials=[write(client.serial), write(A)]).baselines
    own, foreign = baseline.lists
    assert baseline.held == {client.serial}
    assert own.crl_number is not None
    assert (foreign.crl_number, foreign.held_serials) == (None, [])
    assert baseline.entries == own.number_of_revoked_entries
    assert baseline.total_revoked_entries == own.number_of_revoked_entries + 2


def test_baseline_of_several_lists(bench: Bench) -> None:
    """A serial that stands in several lists of this CA is counted once."""
    ca = bench.lab.authority
    bench.add(acm_pca.publish_now(ca.arn))
    bench.add(acm_pca.publish_now(ca.arn))
    (baseline,) = manifest(bench).baselines
    assert baseline.entries == baseline.lists[0].number_of_revoked_entries


def test_crl_in_s3(bench: Bench) -> None:
    """Its ETag is kept, so that last month's CRL is known again."""
    acm_pca.publish_now(bench.lab.authority.arn)
    crl = manifest(bench).crl
    versions = bench.lab.aws.client("s3").list_object_versions(Bucket=crl.bucket, Prefix=crl.key)["Versions"]
    assert crl.etag in [each["ETag"] for each in versions[:2]]  # another one may have come due since


def test_no_crl_in_s3_yet(bench: Bench) -> None:
    """A new CA has not published anything, which is no fault."""
    authority = another_ca(bench)
    crl = manifest(bench, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trusting(bench, authority)]).crl
    assert (crl.key, crl.etag) == (f"crl/{authority.arn.rsplit('/', 1)[1]}.crl", None)


def test_custom_path(bench: Bench) -> None:
    """The CRL is looked for where the CA is told to write it."""
    authority = another_ca(bench, CustomPath="crl/issuing")
    made = manifest(bench, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trusting(bench, authority)])
    assert made.crl.key == f"crl/issuing/{authority.arn.rsplit('/', 1)[1]}.crl"


def test_disabled_ca(bench: Bench) -> None:
    """A DISABLED CA issues nothing, but revokes and publishes."""
    authority = another_ca(bench)
    bench.lab.aws.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=authority.arn, Status="DISABLED"
    )
    assert prepare(bench, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trusting(bench, authority)])


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
        ({"Polling": {"IntervalSeconds": 1, "DeadlineSeconds": MAX_POLLS + 1}}, "Polling: .* are more than"),
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
    every = trust_stores.named([], refusals)
    assert bench.trust_store_arn in [each.arn for each in every]
    faults.add("elasticloadbalancing:GetTrustStoreCaCertificatesBundle", code="TrustStoreNotFound")
    assert len(trust_stores.named([], refusals)) == len(every) - 1
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
    authority = Authority.create_root(bench.lab.aws, "No CRL")
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
    authority = Authority.create_root(bench.lab.aws, "No CRL")
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
    with pytest.raises(RequestRefused, match=r"HeadObject on s3://.* was refused: 403: .*the stack may touch"):
        prepare(bench)


def test_refusal_leaves_nothing(bench: Bench) -> None:
    """A refused input has no manifest."""
    with pytest.raises(InvalidInput):
        prepare(bench, Serials=["zz"])
    found = bench.lab.aws.client("s3").list_objects_v2(Bucket=bench.bucket, Prefix=f"executions/{bench.name}/")
    assert found["KeyCount"] == 0
