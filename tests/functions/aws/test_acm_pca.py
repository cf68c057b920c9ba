"""Private CA's temporary errors are raised, permanent refusals of a revocation are returned."""

from collections import Counter

import pytest

from functions.aws import acm_pca
from functions.errors import AwsCallRefused, CertificateAuthorityBusy, CertificateAuthorityNotFound
from infra.local.core import faults
from tests.functions.aws.calls import ACM_PCA, CA, error_of
from tests.support.steps import Steps

pytestmark = pytest.mark.usefixtures("steps", "no_retry_delay")


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "RequestInProgressException", "ConcurrentModificationException", "RequestFailedException"],
)
def test_ca_busy(code: str) -> None:
    """A temporary error of Private CA has an error of its own."""
    assert type(error_of(ACM_PCA + "RevokeCertificate", code)) is CertificateAuthorityBusy


def test_revocation_refused() -> None:
    """A permanent refusal is returned as its code."""
    faults.add(ACM_PCA + "RevokeCertificate", code="InvalidStateException")
    assert acm_pca.revoke_certificate(CA, "0a:0b", "SUPERSEDED") == "InvalidStateException"


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidArnException"])
def test_ca_not_found(code: str) -> None:
    """Two error codes mean that there is no such CA."""
    assert type(error_of(ACM_PCA + "DescribeCertificateAuthority", code)) is CertificateAuthorityNotFound


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidArnException"])
def test_either_form_of_certificate_arn(steps: Steps, code: str) -> None:
    """A certificate's ARN may end in 32 hexadecimal digits or in decimal: if one is refused, the other is tried."""
    client = steps.lab.authority.issue_client(steps.lab.folder, steps.name)
    action, calls = ACM_PCA + "GetCertificate", Counter[str]()
    faults.observe(lambda called, _: calls.update([called]))
    assert acm_pca.get_certificate(steps.lab.authority.arn, client.serial).startswith("-----BEGIN")
    assert calls == {action: 1}
    faults.add(action, code=code)
    with pytest.raises(AwsCallRefused, match=f"certificate/{client.serial} "):
        acm_pca.get_certificate(steps.lab.authority.arn, client.serial)
    assert calls == {action: 3}
