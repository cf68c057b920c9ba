"""The revocation lists of a trust store: what may be added, what is counted, and which quotas hold."""

import urllib.error
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from infra.local.acm_pca import service as acm_pca
from infra.local.elbv2 import responses as elbv2
from infra.local.iam import enforcement
from tests.support.services import Authority, Services, fetch, refused


@pytest.fixture(scope="module")
def authority(services: Services) -> Authority:
    """Give a CA with three revoked certificates."""
    authority = Authority.create(services)
    leaves = [authority.issue() for _ in range(3)]
    for leaf in leaves:
        authority.revoke(leaf)
    authority.crl_with(*leaves)
    return authority


@pytest.fixture(scope="module")
def crl(authority: Authority) -> bytes:
    """Give the CA's CRL as PEM."""
    der = acm_pca.publish_now(authority.arn)
    return x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)


@pytest.fixture
def store(services: Services, authority: Authority) -> str:
    """Give the ARN of a trust store that holds the CA and no list."""
    return services.trust_store(authority.certificate.public_bytes(Encoding.PEM))


def _ids(services: Services, store: str) -> list[int]:
    answer = services.elb.describe_trust_store_revocations(TrustStoreArn=store)
    return [one["RevocationId"] for one in answer["TrustStoreRevocations"]]


def _total(services: Services, store: str) -> int:
    answer = services.elb.describe_trust_stores(TrustStoreArns=[store])
    return answer["TrustStores"][0]["TotalRevokedEntries"]


def test_a_list_is_added_and_counted(services: Services, store: str, crl: bytes) -> None:
    """The answer names the list and its entries, and the trust store's total rises."""
    assert services.attach(store, crl) == [
        {"TrustStoreArn": store, "RevocationId": 1, "RevocationType": "CRL", "NumberOfRevokedEntries": 3}
    ]
    assert _total(services, store) == 3


def test_adding_never_replaces(services: Services, store: str, crl: bytes) -> None:
    """The same CRL added twice is two lists, and counts twice."""
    services.attach(store, crl)
    services.attach(store, crl)
    assert _ids(services, store) == [1, 2]
    assert _total(services, store) == 6


def test_ids_rise_and_are_not_used_again(services: Services, store: str, crl: bytes) -> None:
    """The ID of a list that was removed stays unused."""
    services.attach(store, crl, crl)
    services.elb.remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1, 2])
    assert [one.get("RevocationId") for one in services.attach(store, crl)] == [3]
    assert _ids(services, store) == [3]


def test_the_trust_store_keeps_a_copy(services: Services, store: str, crl: bytes) -> None:
    """What is overwritten or deleted in S3 later stays as it was in the trust store."""
    where = services.put(crl)
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[where])  # type: ignore[list-item]
    services.s3.put_object(Bucket=where["S3Bucket"], Key=where["S3Key"], Body=b"other")
    location = services.elb.get_trust_store_revocation_content(TrustStoreArn=store, RevocationId=1)["Location"]
    assert fetch(location) == crl


def test_the_version_named_is_the_one_read(services: Services, store: str, crl: bytes) -> None:
    """An object that has changed meanwhile is still read in the version named."""
    where = services.put(crl)
    services.s3.put_object(Bucket=where["S3Bucket"], Key=where["S3Key"], Body=b"other")
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[where])  # type: ignore[list-item]
    assert _total(services, store) == 3


def test_contents_cannot_be_guessed(services: Services, store: str, crl: bytes) -> None:
    """An address that was not given out yields nothing."""
    services.attach(store, crl)
    location = services.elb.get_trust_store_revocation_content(TrustStoreArn=store, RevocationId=1)["Location"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(location[:-1])
    caught.value.close()
    assert caught.value.code == 403


def test_a_key_with_a_leading_slash_is_another_key(services: Services, store: str, crl: bytes) -> None:
    """S3 keys are opaque: `/file.pem` is not `file.pem`."""
    where = services.put(crl)
    with refused("RevocationContentNotFound"):
        services.elb.add_trust_store_revocations(
            TrustStoreArn=store, RevocationContents=[{"S3Bucket": where["S3Bucket"], "S3Key": "/file.pem"}]
        )


def test_a_version_that_is_not_there_is_not_found(services: Services, store: str, crl: bytes) -> None:
    """A version must exist."""
    where = {**services.put(crl), "S3ObjectVersion": str(uuid4())}
    with refused("RevocationContentNotFound"):
        services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[where])  # type: ignore[list-item]


def test_two_crls_in_one_file_are_refused(services: Services, store: str, crl: bytes) -> None:
    """A file holds one CRL."""
    with refused("InvalidRevocationContent"):
        services.attach(store, crl + crl)


def test_der_is_refused(services: Services, store: str, authority: Authority) -> None:
    """The CRL as Private CA publishes it is not what load balancers take."""
    with refused("InvalidRevocationContent"):
        services.attach(store, services.get(authority.bucket or "", authority.crl_key) or b"")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"Certificate Revocation List (CRL):\n"])
def test_what_is_no_crl_is_refused(services: Services, store: str, content: bytes) -> None:
    """Text before or instead of a CRL is refused."""
    with refused("InvalidRevocationContent"):
        services.attach(store, content)


def test_one_bad_file_of_two_adds_nothing(services: Services, store: str, crl: bytes) -> None:
    """A call adds all its lists or none."""
    with refused("InvalidRevocationContent"):
        services.attach(store, crl, b"nonsense")
    assert _ids(services, store) == []


def test_the_quota_of_entries_holds(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old and new list count at once, so a replacement needs head-room."""
    monkeypatch.setattr(services.settings.trust_stores, "max_entries", 5)
    services.attach(store, crl)
    with refused("TooManyTrustStoreRevocationEntries"):
        services.attach(store, crl)


def test_the_quota_of_lists_holds(services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One list more than the quota is refused, by the only code that fits."""
    monkeypatch.setattr(services.settings.trust_stores, "max_lists", 1)
    services.attach(store, crl)
    with refused("TooManyTrustStoreRevocationEntries"):
        services.attach(store, crl)


def test_the_quota_of_bytes_holds(services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large is refused."""
    monkeypatch.setattr(services.settings.trust_stores, "max_list_bytes", len(crl) - 1)
    with refused("InvalidRevocationContent"):
        services.attach(store, crl)


def test_removing_an_unknown_list_removes_nothing(services: Services, store: str, crl: bytes) -> None:
    """One unknown ID of several refuses the whole call."""
    services.attach(store, crl)
    with refused("RevocationIdNotFound"):
        services.elb.remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1, 2])
    assert _ids(services, store) == [1]


def test_an_unknown_trust_store_is_not_found(services: Services, store: str, crl: bytes) -> None:
    """Every action says so, with the code that boto3 has an exception for."""
    with pytest.raises(services.elb.exceptions.TrustStoreNotFoundException):
        services.attach(f"{store}0", crl)
    with refused("TrustStoreNotFound"):
        services.elb.describe_trust_stores(TrustStoreArns=[f"{store}0"])


def test_writes_are_throttled_together(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Add, Remove, Modify and Delete draw on one quota; Describe does not."""
    monkeypatch.setattr(services.settings.trust_stores, "write_burst", 0)
    with refused("ThrottlingException"):
        services.attach(store, crl)
    with refused("ThrottlingException"):
        services.elb.remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1])
    with refused("ThrottlingException"):
        services.elb.delete_trust_store(TrustStoreArn=store)
    assert _ids(services, store) == []


def test_a_new_list_can_stay_unseen_for_a_while(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the setting, the Describe calls lag behind, as they may on AWS; the listener sees the list."""
    monkeypatch.setattr(services.settings.trust_stores, "visibility_delay_seconds", 60)
    services.attach(store, crl)
    assert (_ids(services, store), _total(services, store)) == ([], 0)
    with refused("RevocationIdNotFound"):
        services.elb.describe_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1])
    assert len(elbv2.trust_store(store).snapshot().lists) == 1


def test_lists_come_in_pages(services: Services, store: str, crl: bytes) -> None:
    """A marker leads from page to page, and boto3's paginator follows it."""
    services.attach(store, *[crl] * 5)
    pages = services.elb.get_paginator("describe_trust_store_revocations").paginate(
        TrustStoreArn=store, PaginationConfig={"PageSize": 2}
    )
    assert [[one["RevocationId"] for one in page["TrustStoreRevocations"]] for page in pages] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize("paging", [{"Marker": "nowhere"}, {"PageSize": 401}])
def test_impossible_pages_are_refused(services: Services, store: str, paging: dict[str, str]) -> None:
    """A marker that was not given out, or a page too large."""
    with refused("ValidationError"):
        services.elb.describe_trust_store_revocations(TrustStoreArn=store, **paging)  # type: ignore[arg-type]


def test_the_caller_needs_permission_for_the_object(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a version s3:GetObject and s3:GetObjectVersion are required, without one s3:GetObject alone."""
    where = services.put(crl)
    arn = f"arn:aws:s3:::{where['S3Bucket']}/{where['S3Key']}"
    required: list[tuple[str, str]] = []
    monkeypatch.setattr(enforcement, "require", lambda action, resource: required.append((action, resource)))
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[where])  # type: ignore[list-item]
    del where["S3ObjectVersion"]
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[where])  # type: ignore[list-item]
    actions = [action for action, resource in required if resource == arn]
    assert actions == ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObject"]


def test_the_aws_command_line_agrees(services: Services, store: str, crl: bytes) -> None:
    """AWS's own command line adds, describes and removes a list."""
    where = services.put(crl)
    content = ",".join(f"{name}={value}" for name, value in where.items())
    named = ["--trust-store-arn", store]
    added = services.aws("elbv2", "add-trust-store-revocations", *named, "--revocation-contents", content)
    described = services.aws("elbv2", "describe-trust-store-revocations", *named)
    assert added["TrustStoreRevocations"] == described["TrustStoreRevocations"]
    services.aws("elbv2", "remove-trust-store-revocations", *named, "--revocation-ids", "1")
    assert _ids(services, store) == []
