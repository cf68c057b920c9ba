"""Every call of the room but those of notifications, by its IAM action, and the error that an error code becomes."""

from collections.abc import Callable

import pytest

from functions.aws import acm_pca, elbv2, s3
from functions.errors import RevocationError
from functions.models.base import S3Object
from infra.local.core import faults

PEM = S3Object(bucket="b", key="k", version_id="v")
ACM_PCA, ELBV2 = "acm-pca:", "elasticloadbalancing:"
CA = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1"
TRUST_STORE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/1"

CALLS: dict[str, Callable[[], object]] = {
    ACM_PCA + "DescribeCertificateAuthority": lambda: acm_pca.describe_certificate_authority(CA),
    ACM_PCA + "GetCertificateAuthorityCertificate": lambda: acm_pca.get_certificate_authority_certificate(CA),
    ACM_PCA + "GetCertificate": lambda: acm_pca.get_certificate(CA, 0x0A),
    ACM_PCA + "RevokeCertificate": lambda: acm_pca.revoke_certificate(CA, "0a:0b", "SUPERSEDED"),
    ELBV2 + "DescribeTrustStores": lambda: elbv2.describe_trust_store(TRUST_STORE),
    ELBV2 + "DescribeTrustStoreRevocations": lambda: elbv2.describe_trust_store_revocations(TRUST_STORE),
    ELBV2 + "GetTrustStoreCaCertificatesBundle": lambda: elbv2.get_trust_store_ca_certificates_bundle(TRUST_STORE),
    ELBV2 + "GetTrustStoreRevocationContent": lambda: elbv2.get_trust_store_revocation_content(TRUST_STORE, 1),
    ELBV2 + "AddTrustStoreRevocations": lambda: elbv2.add_trust_store_revocations(TRUST_STORE, PEM),
    ELBV2 + "RemoveTrustStoreRevocations": lambda: elbv2.remove_trust_store_revocations(TRUST_STORE, [1]),
    ELBV2 + "DescribeTrustStoreAssociations": lambda: elbv2.describe_trust_store_associations(TRUST_STORE),
    ELBV2 + "DescribeLoadBalancerAttributes": lambda: elbv2.describe_load_balancer_attributes(TRUST_STORE),
    "s3:GetObject": lambda: s3.get_object("b", "k"),
    "s3:PutObject": lambda: s3.put_object("b", "k", b"", "text/plain"),
    "s3:ListBucket": lambda: s3.list_objects("b", "k"),
}
ADD, REMOVE = ELBV2 + "AddTrustStoreRevocations", ELBV2 + "RemoveTrustStoreRevocations"
TRUST_STORE_ACTIONS = [action for action in CALLS if "TrustStore" in action]


def error_of(action: str, code: str, status: int = 400) -> RevocationError:
    """Return the error raised when AWS answers every attempt of a call with an error code."""
    faults.add(action, code=code, message="the reason", times=9, status=status)
    with pytest.raises(RevocationError, match=f"{code}: the reason") as raised:
        CALLS[action]()
    return raised.value
