"""Trust stores of the embedded AWS: their bundles, names and tags."""

from typing import TYPE_CHECKING

import moto
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from moto.elbv2.models import ELBv2Backend
from moto.elbv2.responses import ELBV2Response

from infra.local.elbv2.responses import TrustStoreResponse
from tests.support.private_ca import LocalCa
from tests.support.services import Services, fetch, refused

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TagTypeDef


def test_a_new_trust_store_holds_its_bundle_and_no_list(services: Services, store: str) -> None:
    """It is active at once, on AWS after a moment."""
    (described,) = services.elb.describe_trust_stores(TrustStoreArns=[store])["TrustStores"]
    assert described == {
        "Name": store.split("/")[1],
        "TrustStoreArn": store,
        "Status": "ACTIVE",
        "NumberOfCaCertificates": 1,
        "TotalRevokedEntries": 0,
    }


def test_names_are_unique(services: Services, authority: LocalCa, store: str) -> None:
    """A second trust store with the same name is refused."""
    with refused("DuplicateTrustStoreName"):
        services.trust_store(authority.certificate.public_bytes(Encoding.PEM), name=store.split("/")[1])


@pytest.mark.parametrize("name", ["under_score", "-dash", "a--b", "a" * 33])
def test_invalid_names_are_refused(services: Services, authority: LocalCa, name: str) -> None:
    """Letters and digits, joined by single hyphens, 32 at most."""
    location = services.put(authority.certificate.public_bytes(Encoding.PEM))
    with refused("ValidationError"):
        services.elb.create_trust_store(
            Name=name, CaCertificatesBundleS3Bucket=location["S3Bucket"], CaCertificatesBundleS3Key=location["S3Key"]
        )


@pytest.mark.parametrize("bundle", [b"", b"nonsense", b"# a comment\n"])
def test_a_bundle_must_hold_certificates(services: Services, bundle: bytes) -> None:
    """A file without certificates is not a bundle."""
    with refused("InvalidCaCertificatesBundle"):
        services.trust_store(bundle)


def test_a_bundle_may_hold_comments_but_no_blank_line(services: Services, authority: LocalCa) -> None:
    """Load balancers are strict about PEM (aws: application/mutual-authentication)."""
    pem = authority.certificate.public_bytes(Encoding.PEM)
    services.trust_store(b"# the CA\n" + pem)
    with refused("InvalidCaCertificatesBundle"):
        services.trust_store(pem + b"\n" + pem)


def test_missing_bundle_is_not_found(services: Services) -> None:
    """The error is the same whether the bucket, the key or the version does not exist."""
    location = {"CaCertificatesBundleS3Bucket": services.bucket(), "CaCertificatesBundleS3Key": "absent"}
    with refused("CaCertificatesBundleNotFound"):
        services.elb.create_trust_store(Name="absent", **location)  # type: ignore[arg-type]


def test_a_bundle_can_be_replaced(services: Services, authority: LocalCa, store: str, crl: bytes) -> None:
    """ModifyTrustStore replaces the bundle and keeps the lists."""
    services.attach(store, crl)
    two_certificates = authority.certificate.public_bytes(Encoding.PEM) * 2
    location = services.put(two_certificates)
    (modified,) = services.elb.modify_trust_store(
        TrustStoreArn=store,
        CaCertificatesBundleS3Bucket=location["S3Bucket"],
        CaCertificatesBundleS3Key=location["S3Key"],
    )["TrustStores"]
    assert (modified["NumberOfCaCertificates"], modified["TotalRevokedEntries"]) == (2, 3)
    url = services.elb.get_trust_store_ca_certificates_bundle(TrustStoreArn=store)["Location"]
    assert fetch(url) == two_certificates


def test_a_trust_store_has_tags(services: Services, store: str) -> None:
    """The tag actions of load balancers accept trust stores."""
    services.elb.add_tags(ResourceArns=[store], Tags=[{"Key": "team", "Value": "edge"}])
    (described,) = services.elb.describe_tags(ResourceArns=[store])["TagDescriptions"]
    assert described["Tags"] == [{"Key": "team", "Value": "edge"}]


def test_tags_are_limited(services: Services, authority: LocalCa, store: str) -> None:
    """Fifty each (aws: load-balancer-limits), however they are added, and no key twice."""
    tags: list[TagTypeDef] = [{"Key": f"key-{number}", "Value": ""} for number in range(51)]
    services.elb.add_tags(ResourceArns=[store], Tags=tags[:30])
    with refused("TooManyTags"):
        services.elb.add_tags(ResourceArns=[store], Tags=tags[20:])
    services.elb.add_tags(ResourceArns=[store], Tags=tags[20:50])
    with refused("DuplicateTagKeys"):
        services.elb.add_tags(ResourceArns=[store], Tags=[tags[0], tags[0]])
    location = services.put(authority.certificate.public_bytes(Encoding.PEM))
    for _ in range(2):  # the refused one leaves no trust store of its name
        with refused("TooManyTags"):
            services.elb.create_trust_store(
                Name="tagged",
                CaCertificatesBundleS3Bucket=location["S3Bucket"],
                CaCertificatesBundleS3Key=location["S3Key"],
                Tags=tags,
            )


def test_moto_still_lacks_trust_stores() -> None:
    """When moto has trust stores of its own, these are to be removed."""
    assert moto.__version__ == "5.2.5"
    added = {name for name in vars(TrustStoreResponse) if "trust_store" in name and not name.startswith("_")}
    assert len(added) == 10
    assert not {name for name in added if hasattr(ELBV2Response, name)}
    assert not hasattr(ELBv2Backend, "create_trust_store")
