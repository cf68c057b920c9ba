"""PrepareRevocation stores what later steps need: the request, and the state of everything before it."""

import pytest
from cryptography import x509

from functions import workflow_bucket
from functions.aws import elbv2
from functions.environment import environment
from functions.errors import InvalidInput, NamesakesInBundle
from functions.models.request import WantedSerial
from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from tests.functions.preparing import create_ca, manifest, prepare, trust_store_for
from tests.support.pki import NOW, A, B
from tests.support.steps import Steps


def test_complete_input(steps: Steps) -> None:
    """The result holds what the next states need, the manifest the rest."""
    prepared = prepare(steps, RevocationReason="SUPERSEDED", Ticket="SEC-1", RequestedBy="ann")
    assert prepared.serials == [WantedSerial(serial=A)]
    assert prepared.revocation_reason == "SUPERSEDED"
    assert [store.trust_store_arn for store in prepared.trust_stores] == [steps.trust_store_arn]
    manifest = workflow_bucket.get_manifest(prepared.manifest)
    assert manifest.issuer.subject.rfc4514_string() == "CN=Embedded Issuing CA,O=Embedded AWS"
    assert (manifest.request.ticket, manifest.request.requested_by, manifest.start_time) == ("SEC-1", "ann", NOW)


def test_serials_alone(steps: Steps, lambda_environment: pytest.MonkeyPatch) -> None:
    """CA, trust stores and polling come from the deployment."""
    lambda_environment.setenv("TRUST_STORE_ARNS", steps.trust_store_arn)
    environment.cache_clear()
    prepared = prepare(steps, {"Serials": ["aa:01"]})
    assert prepared.certificate_authority_arn == steps.lab.authority.arn
    assert (prepared.polling.interval_seconds, prepared.polling.deadline_seconds) == (1, 300)
    assert [store.trust_store_arn for store in prepared.trust_stores] == [steps.trust_store_arn]


def test_part_of_polling(steps: Steps) -> None:
    """A missing polling value comes from the deployment."""
    polling = prepare(steps, Polling={"DeadlineSeconds": 5}).polling
    assert (polling.interval_seconds, polling.deadline_seconds) == (1, 5)


def test_one_serial_in_two_notations(steps: Steps) -> None:
    """Two notations of one serial are one serial."""
    assert prepare(steps, Serials=["0xAA01", "aa:01", "00:AA:01"]).serials == [WantedSerial(serial=0xAA01)]


def test_certificate_arns(steps: Steps) -> None:
    """A certificate's ARN is accepted as a serial if it names the CA of the request."""
    arn = steps.lab.authority.arn
    (wanted,) = prepare(steps, Serials=[f"{arn}/certificate/{A:032x}"]).serials
    assert wanted.serial == A
    another = f"{arn[:-4]}0000/certificate/{A:032x}"
    with pytest.raises(InvalidInput, match=r"Serials\[0\]: CertificateIssuerMismatch") as raised:
        prepare(steps, Serials=[another])
    assert arn in str(raised.value)
    with pytest.raises(InvalidInput) as raised:
        prepare(steps, Serials=[another] * 50, CertificateAuthorityArn="x" * 100_000)
    assert len(str(raised.value)) < 10_000
    with pytest.raises(InvalidInput, match="CertificateAuthorityArn: Input should be a valid string"):
        prepare(steps, Serials=[another], CertificateAuthorityArn=7)


def test_duplicate_trust_store(steps: Steps) -> None:
    """A trust store that is named twice is used once."""
    assert len(prepare(steps, TrustStoreArns=[steps.trust_store_arn] * 2).trust_stores) == 1


def test_baseline(steps: Steps) -> None:
    """Attached lists of this CA are read; lists of other issuers are only counted."""
    ca = steps.lab.authority
    client = ca.issue_client(steps.lab.folder, f"baseline-{steps.name}")
    pca = steps.lab.aws.client("acm-pca")
    pca.revoke_certificate(
        CertificateAuthorityArn=ca.arn,
        CertificateSerial=serial_number.to_hex(client.serial),
        RevocationReason="SUPERSEDED",
    )
    steps.add(acm_pca.publish_now(ca.arn))
    steps.add(steps.authority.crl([A, B]))
    (baseline,) = manifest(steps, Serials=[serial_number.to_hex(client.serial), serial_number.to_hex(A)]).baselines
    own, foreign = baseline.lists
    assert baseline.held_serials == {client.serial}
    assert own.crl_number is not None
    assert (foreign.crl_number, foreign.held_serials) == (None, [])
    bundle = x509.load_pem_x509_certificates(elbv2.get_trust_store_ca_certificates_bundle(steps.trust_store_arn))
    assert baseline.ca_expiry == min(each.not_valid_after_utc for each in bundle)
    assert baseline.entries == own.number_of_revoked_entries
    assert baseline.total_revoked_entries == own.number_of_revoked_entries + 2


def test_two_cas_of_one_name(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are refused before any effect, both are named, and the input or the deployment may accept them."""
    ours = x509.load_pem_x509_certificate(steps.lab.authority.pem.encode())
    common_name = acm_pca.certificate_authority(steps.lab.authority.arn).configuration["Subject"]["CommonName"]
    twin = PrivateCa.create_under(steps.lab.root, common_name)
    other = x509.load_pem_x509_certificate(twin.pem.encode())
    store = create_trust_store(steps.lab.aws, f"twin-{steps.name}", [steps.lab.authority, twin])
    with pytest.raises(NamesakesInBundle) as raised:
        prepare(steps, TrustStoreArns=[steps.trust_store_arn, store])
    for shown in (store, f"{ours.serial_number:x}", f"{other.serial_number:x}", common_name, "AcceptNamesakes"):
        assert shown in str(raised.value)
    accepted = manifest(steps, TrustStoreArns=[steps.trust_store_arn, store], AcceptNamesakes=True)
    assert [store in (each.namesakes or "") for each in accepted.baselines] == [False, True]
    monkeypatch.setenv("ACCEPT_NAMESAKES", "true")
    environment.cache_clear()
    assert manifest(steps, TrustStoreArns=[store]).baselines[0].namesakes
    with pytest.raises(NamesakesInBundle):
        prepare(steps, TrustStoreArns=[store], AcceptNamesakes=False)


def test_baseline_of_several_lists(steps: Steps) -> None:
    """A serial in several lists of this CA is counted once."""
    ca = steps.lab.authority
    steps.add(acm_pca.publish_now(ca.arn))
    steps.add(acm_pca.publish_now(ca.arn))
    (baseline,) = manifest(steps).baselines
    assert baseline.entries == baseline.lists[0].number_of_revoked_entries


def test_crl_in_s3(steps: Steps) -> None:
    """The current CRL's ETag is stored, so that an old CRL is recognized later."""
    acm_pca.publish_now(steps.lab.authority.arn)
    crl = manifest(steps).crl
    versions = steps.lab.aws.client("s3").list_object_versions(Bucket=crl.bucket, Prefix=crl.key)["Versions"]
    assert crl.etag in [version["ETag"] for version in versions[:2]]  # another one may have come due since


def test_no_crl_in_s3_yet(steps: Steps) -> None:
    """A new CA that has not published a CRL yet is accepted."""
    authority = create_ca(steps)
    crl = manifest(steps, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trust_store_for(steps, authority)]).crl
    assert (crl.key, crl.etag) == (f"crl/{authority.arn.rsplit('/', 1)[1]}.crl", None)


def test_custom_path(steps: Steps) -> None:
    """The CRL is expected under the CA's CustomPath."""
    authority = create_ca(steps, CustomPath="crl/issuing")
    prepared = manifest(
        steps, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trust_store_for(steps, authority)]
    )
    assert prepared.crl.key == f"crl/issuing/{authority.arn.rsplit('/', 1)[1]}.crl"


def test_disabled_ca(steps: Steps) -> None:
    """A DISABLED CA is accepted: it issues nothing, but revokes and publishes CRLs."""
    authority = create_ca(steps)
    steps.lab.aws.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=authority.arn, Status="DISABLED"
    )
    assert prepare(steps, CertificateAuthorityArn=authority.arn, TrustStoreArns=[trust_store_for(steps, authority)])
