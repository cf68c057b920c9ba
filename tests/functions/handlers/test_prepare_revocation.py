"""PrepareRevocation keeps what later steps need: what is asked for, and the world as it is before."""

import pytest

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import InvalidInput
from functions.models.request import WantedSerial
from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from tests.functions.handlers.preparing import another_ca, manifest, prepare, trusting
from tests.support.pki import NOW
from tests.support.steps import A, B, Bench


def test_complete_input(bench: Bench) -> None:
    """The answer is what the next states need, the manifest all the rest."""
    done = prepare(bench, RevocationReason="SUPERSEDED", Ticket="SEC-1", RequestedBy="ann")
    assert done.serials == [WantedSerial(serial=A)]
    assert done.revocation_reason == "SUPERSEDED"
    assert [each.trust_store_arn for each in done.trust_stores] == [bench.trust_store_arn]
    kept = workflow_bucket.get_manifest(done.manifest)
    assert kept.issuer.subject.rfc4514_string() == "CN=Embedded Issuing CA,O=Embedded AWS"
    assert (kept.request.ticket, kept.request.requested_by, kept.start_time) == ("SEC-1", "ann", NOW)


def test_serials_alone(bench: Bench, lambda_environment: pytest.MonkeyPatch) -> None:
    """CA, trust stores and polling come from the deployment."""
    lambda_environment.setenv("TRUST_STORE_ARNS", bench.trust_store_arn)
    environment.cache_clear()
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
    assert prepare(bench, Serials=["0xAA01", "aa:01", "00:AA:01"]).serials == [WantedSerial(serial=0xAA01)]


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
    client = ca.issue_client(bench.lab.folder, f"baseline-{bench.name}")
    pca = bench.lab.aws.client("acm-pca")
    pca.revoke_certificate(
        CertificateAuthorityArn=ca.arn,
        CertificateSerial=serial_number.to_hex(client.serial),
        RevocationReason="SUPERSEDED",
    )
    bench.add(acm_pca.publish_now(ca.arn))
    bench.add(bench.authority.crl([A, B]))
    (baseline,) = manifest(bench, Serials=[serial_number.to_hex(client.serial), serial_number.to_hex(A)]).baselines
    own, foreign = baseline.lists
    assert baseline.held_serials == {client.serial}
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
