"""The revocation lists of a trust store: which are accepted, how they are counted, and their quotas."""

import urllib.error
from uuid import uuid4

import pytest

from infra.local.elbv2.responses import trust_store
from infra.local.iam import enforcement
from tests.support.private_ca import LocalCa
from tests.support.services import Services, fetch, refused


def _ids(services: Services, store: str) -> list[int]:
    response = services.elb.describe_trust_store_revocations(TrustStoreArn=store)
    return [each["RevocationId"] for each in response["TrustStoreRevocations"]]


def _total(services: Services, store: str) -> int:
    response = services.elb.describe_trust_stores(TrustStoreArns=[store])
    return response["TrustStores"][0]["TotalRevokedEntries"]


def test_a_list_is_added_and_counted(services: Services, store: str, crl: bytes) -> None:
    """The response has the list and its number of entries, and the trust store's total rises."""
    assert services.attach(store, crl) == [
        {"TrustStoreArn": store, "RevocationId": 1, "RevocationType": "CRL", "NumberOfRevokedEntries": 3}
    ]
    assert _total(services, store) == 3


def test_adding_never_replaces(services: Services, store: str, crl: bytes) -> None:
    """The same CRL added twice is two lists, and is counted twice."""
    services.attach(store, crl)
    services.attach(store, crl)
    assert _ids(services, store) == [1, 2]
    assert _total(services, store) == 6


def test_ids_rise_and_are_never_reused(services: Services, store: str, crl: bytes) -> None:
    """The ID of a list that was removed stays unused."""
    services.attach(store, crl, crl)
    services.elb.remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1, 2])
    assert [each.get("RevocationId") for each in services.attach(store, crl)] == [3]
    assert _ids(services, store) == [3]


def test_the_trust_store_keeps_a_copy(services: Services, store: str, crl: bytes) -> None:
    """A change of the object in S3 does not change the trust store."""
    location = services.put(crl)
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[location])  # type: ignore[list-item]
    services.s3.put_object(Bucket=location["S3Bucket"], Key=location["S3Key"], Body=b"other")
    url = services.elb.get_trust_store_revocation_content(TrustStoreArn=store, RevocationId=1)["Location"]
    assert fetch(url) == crl


def test_the_requested_version_is_read(services: Services, store: str, crl: bytes) -> None:
    """If the object has a newer version, the requested one is read."""
    location = services.put(crl)
    services.s3.put_object(Bucket=location["S3Bucket"], Key=location["S3Key"], Body=b"other")
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[location])  # type: ignore[list-item]
    assert _total(services, store) == 3


def test_contents_cannot_be_guessed(services: Services, store: str, crl: bytes) -> None:
    """A URL with another token is denied."""
    services.attach(store, crl)
    url = services.elb.get_trust_store_revocation_content(TrustStoreArn=store, RevocationId=1)["Location"]
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(url[:-1])
    caught.value.close()
    assert caught.value.code == 403


def test_a_key_with_a_leading_slash_is_another_key(services: Services, store: str, crl: bytes) -> None:
    """S3 keys are opaque: `/file.pem` is not `file.pem`."""
    location = services.put(crl)
    with refused("RevocationContentNotFound"):
        services.elb.add_trust_store_revocations(
            TrustStoreArn=store, RevocationContents=[{"S3Bucket": location["S3Bucket"], "S3Key": "/file.pem"}]
        )


def test_missing_version_is_not_found(services: Services, store: str, crl: bytes) -> None:
    """The object exists, but not this version of it."""
    location = {**services.put(crl), "S3ObjectVersion": str(uuid4())}
    with refused("RevocationContentNotFound"):
        services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[location])  # type: ignore[list-item]


def test_two_crls_in_one_file_are_refused(services: Services, store: str, crl: bytes) -> None:
    """A file holds one CRL."""
    with refused("InvalidRevocationContent"):
        services.attach(store, crl + crl)


def test_der_is_refused(services: Services, store: str, authority: LocalCa) -> None:
    """Private CA publishes CRLs as DER, which load balancers do not accept."""
    with refused("InvalidRevocationContent"):
        services.attach(store, services.get(authority.bucket or "", authority.crl_key) or b"")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"Certificate Revocation List (CRL):\n"])
def test_other_content_is_refused(services: Services, store: str, content: bytes) -> None:
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
    """The old and the new list both count, so a replacement needs spare quota."""
    monkeypatch.setattr(services.settings.trust_stores, "max_entries", 5)
    services.attach(store, crl)
    with refused("TooManyTrustStoreRevocationEntries"):
        services.attach(store, crl)


def test_the_quota_of_lists_holds(services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One list more than the quota is refused."""
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
    """Every action raises the error for which boto3 has a class."""
    with pytest.raises(services.elb.exceptions.TrustStoreNotFoundException):
        services.attach(f"{store}0", crl)
    with refused("TrustStoreNotFound"):
        services.elb.describe_trust_stores(TrustStoreArns=[f"{store}0"])


def test_writes_are_throttled_together(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Add, Remove, Modify and Delete share one quota; Describe does not count."""
    monkeypatch.setattr(services.settings.trust_stores, "write_burst", 0)
    with refused("ThrottlingException"):
        services.attach(store, crl)
    with refused("ThrottlingException"):
        services.elb.remove_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1])
    with refused("ThrottlingException"):
        services.elb.delete_trust_store(TrustStoreArn=store)
    assert _ids(services, store) == []


def test_new_list_can_appear_with_a_delay(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the setting, the Describe calls lag, as they may on AWS; the listener uses the list at once."""
    monkeypatch.setattr(services.settings.trust_stores, "visibility_delay_seconds", 60)
    services.attach(store, crl)
    assert (_ids(services, store), _total(services, store)) == ([], 0)
    with refused("RevocationIdNotFound"):
        services.elb.describe_trust_store_revocations(TrustStoreArn=store, RevocationIds=[1])
    assert len(trust_store(store).snapshot().lists) == 1


def test_lists_come_in_pages(services: Services, store: str, crl: bytes) -> None:
    """boto3's paginator follows the marker from page to page."""
    services.attach(store, *[crl] * 5)
    pages = services.elb.get_paginator("describe_trust_store_revocations").paginate(
        TrustStoreArn=store, PaginationConfig={"PageSize": 2}
    )
    assert [[each["RevocationId"] for each in page["TrustStoreRevocations"]] for page in pages] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize("paging", [{"Marker": "nowhere"}, {"PageSize": 401}])
def test_invalid_pages_are_refused(services: Services, store: str, paging: dict[str, str]) -> None:
    """An unknown marker, or a page size above 400."""
    with refused("ValidationError"):
        services.elb.describe_trust_store_revocations(TrustStoreArn=store, **paging)  # type: ignore[arg-type]


def test_the_caller_needs_permission_for_the_object(
    services: Services, store: str, crl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version requires s3:GetObject and s3:GetObjectVersion, an object without one only s3:GetObject."""
    location = services.put(crl)
    arn = f"arn:aws:s3:::{location['S3Bucket']}/{location['S3Key']}"
    required: list[tuple[str, str]] = []
    monkeypatch.setattr(enforcement, "require", lambda action, resource: required.append((action, resource)))
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[location])  # type: ignore[list-item]
    del location["S3ObjectVersion"]
    services.elb.add_trust_store_revocations(TrustStoreArn=store, RevocationContents=[location])  # type: ignore[list-item]
    actions = [action for action, resource in required if resource == arn]
    assert actions == ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObject"]


def test_aws_cli_adds_describes_and_removes(services: Services, store: str, crl: bytes) -> None:
    """The AWS CLI agrees about requests and responses."""
    location = services.put(crl)
    content = ",".join(f"{name}={value}" for name, value in location.items())
    arguments = ["--trust-store-arn", store]
    added = services.aws("elbv2", "add-trust-store-revocations", *arguments, "--revocation-contents", content)
    described = services.aws("elbv2", "describe-trust-store-revocations", *arguments)
    assert added["TrustStoreRevocations"] == described["TrustStoreRevocations"]
    services.aws("elbv2", "remove-trust-store-revocations", *arguments, "--revocation-ids", "1")
    assert _ids(services, store) == []


def test_an_empty_addition_is_refused(services: Services, store: str) -> None:
    """Nothing to add is an error, not an addition."""
    with refused("ValidationError"):
        services.elb.add_trust_store_revocations(TrustStoreArn=store)
